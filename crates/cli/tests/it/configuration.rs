//! `--config`: the operator's file decides about external sources.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::http::Api;
use testkit::peer::Python;
use testkit::program::{Program, Start};

use crate::database::Database;

/// A file in a directory of its own.
struct File {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

impl File {
    fn holding(text: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("servers.yaml");
        let file = Self { _dir: dir, path };
        file.write(text);
        file
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.path, text).expect("it is written");
    }
}

fn start<'a>(
    command: &'a str,
    dir: &'a std::path::Path,
    arguments: &'a [&'a str],
    url: Option<&'a str>,
) -> Start<'a> {
    Start { command, data_dir: dir, database_url: url, arguments }
}

/// The program on that file, with these variables.
fn serve(database: &Database, file: &File, variables: &[(&str, &str)]) -> Program {
    let dir = database.data_dir();
    let path = file.path.to_str().expect("a path");
    let arguments = ["--allow-loopback-sources", "--config", path];
    let start = start("serve", &dir, &arguments, database.url());
    let mut command = start.command();
    start.run_as(command_with(&mut command, variables))
}

fn command_with(command: &mut Command, variables: &[(&str, &str)]) -> Command {
    command.envs(variables.iter().copied());
    std::mem::replace(command, Command::new("true"))
}

/// What the program says that refuses this file.
fn refused(text: &str) -> String {
    let (database, file) = (Database::sqlite(), File::holding(text));
    let dir = database.data_dir();
    let path = file.path.to_str().expect("a path");
    let arguments = ["--config", path];
    start("serve", &dir, &arguments, None).refused()
}

/// Asks until it is so.
fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_mins(1), "{what} did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn gateway(api: &Api, name: &str) -> Option<Value> {
    let answer = api.send("GET", &format!("/gateways/{name}"), &Value::Null);
    (answer.status == 200).then(|| answer.json())
}

fn hangup(program: &Program) {
    let sent = Command::new("kill").args(["-HUP", &program.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

fn one(url: &str) -> String {
    format!(
        "external_servers:\n  peer:\n    name: \"A peer\"\n    url: \"{url}\"\n    transport: http\n    auth:\n      type: bearer\n      token: ${{PEER_TOKEN}}\n"
    )
}

#[test]
fn a_file_that_is_wrong_stops_the_start_with_its_line() {
    let begin = "external_servers:\n  peer:\n    url: https://peer.example/mcp\n";
    for (more, expected) in [
        ("    auth: {type: bearer, token: \"${NOT_SET_ANYWHERE}\"}\n", "NOT_SET_ANYWHERE"),
        ("    uri: x\n", "uri"),
        ("    transport: telepathy\n", "transport"),
        ("    transport: [\n", ""),
    ] {
        let said = refused(&format!("{begin}{more}"));
        assert!(said.contains("servers.yaml:") && said.contains(expected), "{more}: {said}");
        let line = if more.ends_with("[\n") { "" } else { "servers.yaml:4:" };
        assert!(said.contains(line), "{more}: {said}");
    }
    let said = refused("external_servers:\n  peer:\n    url: https://127.0.0.1/mcp\n");
    assert!(
        said.contains("servers.yaml:3:") && said.contains("--allow-loopback-sources"),
        "{said}"
    );
}

#[test]
fn the_file_makes_sources_that_people_only_read_and_it_alone_changes() {
    let (database, peer) = (Database::sqlite(), Python::start(&["fastmcp", "http"]));
    let file = File::holding(&one(&peer.url("mcp")));
    let token = [("PEER_TOKEN", "canary-token")];
    let program = serve(&database, &file, &token);
    let api = Api::sign_in(&program.admin);
    let listed = until("the list of tools", || {
        gateway(&api, "peer")
            .filter(|it| it["toolCount"] != json!(0) && it["waitingTools"] == it["toolCount"])
    });
    assert_eq!(listed["managedBy"], json!("config"), "{listed}");
    assert_eq!(listed["description"], json!("A peer"), "{listed}");
    for (method, body) in [("PATCH", json!({"description": "x"})), ("DELETE", Value::Null)] {
        let refused = api.send(method, "/gateways/peer", &body);
        assert_eq!(refused.status, 409, "{method}: {refused:?}");
        assert!(refused.body.contains("configuration file"), "{refused:?}");
    }

    // What is wrong changes nothing.
    file.write("external_servers:\n  peer:\n    url: ${NOT_SET_ANYWHERE}\n");
    hangup(&program);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(gateway(&api, "peer").expect("it is there")["updatedAt"], listed["updatedAt"]);

    file.write(&format!("{}    description: Changed\n", one(&peer.url("mcp"))));
    hangup(&program);
    let changed = until("the change", || {
        gateway(&api, "peer").filter(|it| it["description"] == json!("Changed"))
    });
    assert_eq!(changed["id"], listed["id"], "it is the same source");
    file.write("external_servers: {}\n");
    hangup(&program);
    until("the removal", || gateway(&api, "peer").is_none().then_some(()));
    until("the removal of the server", || {
        let servers = api.ok("GET", "/api/servers", &Value::Null);
        (servers["total"] == json!(0)).then_some(())
    });
}

#[test]
fn a_file_that_did_not_change_changes_nothing_and_two_processes_agree() {
    let (database, peer) = (Database::postgres(), Python::start(&["fastmcp", "http"]));
    let file = File::holding(&one(&peer.url("mcp")));
    let token = [("PEER_TOKEN", "canary-token")];
    let path = file.path.to_str().expect("a path").to_owned();
    let arguments = ["--allow-loopback-sources", "--config", &path];
    let dir = database.data_dir();
    // One key for both, which they would otherwise make each for itself.
    let key = "0123456789abcdef".repeat(4);
    let variables = [token[0], ("MCPBOX_ENCRYPTION_KEY", &key)];
    let run = |command: &str| {
        let start =
            Start { command, data_dir: &dir, database_url: database.url(), arguments: &arguments };
        let mut command = start.command();
        start.run_as(command_with(&mut command, &variables))
    };
    let [admin, tools] = std::thread::scope(|scope| {
        let run = &run;
        let both = ["admin", "gateway"].map(|command| scope.spawn(move || run(command)));
        both.map(|one| one.join().expect("it starts"))
    });
    let api = Api::sign_in(&admin.admin);
    let first = until("the source", || gateway(&api, "peer"));
    let events = || {
        let audited = api.ok("GET", "/api/audit?page_size=100", &Value::Null);
        let items = audited["items"].as_array().expect("a list");
        let of_config = items.iter().filter(|event| {
            event.to_string().contains("\"config\"") && !event.to_string().contains("tool.")
        });
        of_config.count()
    };
    let before = until("the tools", || {
        gateway(&api, "peer").filter(|it| it["waitingTools"] != json!(0)).map(|_| events())
    });
    hangup(&admin);
    hangup(&tools);
    std::thread::sleep(Duration::from_millis(700));
    let again = gateway(&api, "peer").expect("it is there");
    assert_eq!((&again["id"], &again["updatedAt"]), (&first["id"], &first["updatedAt"]));
    assert_eq!(events(), before, "nothing was decided");
    assert_eq!(api.ok("GET", "/gateways", &Value::Null).as_array().map(Vec::len), Some(1));
}

#[test]
fn a_process_of_the_file_gets_its_variables_sealed() {
    let database = Database::sqlite();
    let (python, script) = (testkit::peer::python(), testkit::peer::script());
    let text = format!(
        "external_servers:\n  process:\n    transport: stdio\n    command: {}\n    args: [{}, fastmcp, stdio]\n    env:\n      KEY: ${{PEER_TOKEN}}\n      MODE: plain\n",
        python.display(),
        script.display()
    );
    let file = File::holding(&text);
    let program = serve(&database, &file, &[("PEER_TOKEN", "canary-token")]);
    let api = Api::sign_in(&program.admin);
    let listed =
        until("the tools", || gateway(&api, "process").filter(|it| it["waitingTools"] != json!(0)));
    let path = format!("/api/servers/{}/secrets", listed["serverId"].as_str().expect("an id"));
    let secrets = api.ok("GET", &path, &Value::Null);
    assert_eq!(secrets["items"][0]["key_name"], json!("PROCESS_KEY"), "{secrets}");
    let audited = api.ok("GET", "/api/audit?page_size=100", &Value::Null).to_string();
    assert!(
        audited.contains("secret:PROCESS_KEY") && !audited.contains("canary-token"),
        "{audited}"
    );
}
