//! The guide to Box, step by step, against a stand-in for its authorization server and its MCP server: by a client
//! that logs in itself and registers what it got, and by a login here from the command line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::http::{Answer, Api, send};
use testkit::program::{Program, Start, binary};

use crate::client::{Client, python, script};
use crate::database::Database;

/// The pair of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The stand-in, which ends with the test.
struct Stand {
    child: Child,
    issuer: String,
    resource: String,
}

impl Stand {
    fn start() -> Self {
        let mut command = Command::new(python());
        command.arg(script("box_stand_in.py")).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut line).expect("it says where it is");
        let said: Value = serde_json::from_str(&line).expect("JSON");
        let text = |name: &str| said[name].as_str().expect("an address").to_owned();
        Self { child, issuer: text("issuer"), resource: text("resource") }
    }

    fn told(&self) -> Value {
        send(&self.issuer, "GET", "/told", &[], "").json()
    }

    fn expire(&self) {
        assert_eq!(send(&self.issuer, "POST", "/expire", &[], "").status, 204);
    }

    /// Opens an address as a browser does; gives where that leads.
    fn visit(&self, url: &str) -> String {
        let answer = send(&self.issuer, "GET", path_of(url), &[], "");
        assert_eq!(answer.status, 302, "{url}: {answer:?}");
        header(&answer, "location")
    }

    fn token(&self, form: &str) -> Value {
        let form = format!("{form}&client_id=box-client&client_secret=box-secret");
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        let answer = send(&self.issuer, "POST", "/oauth2/token", &headers, &form);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
}

fn header(answer: &Answer, name: &str) -> String {
    let field = answer.head.lines().find_map(|line| {
        let (field, value) = line.split_once(": ")?;
        field.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    });
    field.unwrap_or_else(|| panic!("no {name}: {answer:?}"))
}

fn parameter(url: &str, name: &str) -> String {
    let query = url.split_once('?').expect("a query").1;
    let found = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    found.unwrap_or_else(|| panic!("no {name}: {url}")).to_owned()
}

/// Asks until it is so.
fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_mins(2), "{what} did not come");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn approve_all(api: &Api) {
    let listed = api.ok("GET", "/api/approvals/tools?page_size=100", &Value::Null);
    for item in listed["items"].as_array().expect("a list") {
        api.approve(item["tool_id"].as_str().or(item["id"].as_str()).expect("an id"));
    }
}

fn text_of(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text: {result}"))
}

/// Where the guide's client looks for its gateway; another port where somebody has that one.
fn door_of_the_guide() -> String {
    let port = u16::from(std::net::TcpListener::bind("127.0.0.1:4444").is_ok()) * 4444;
    format!("127.0.0.1:{port}")
}

#[test]
fn the_client_of_the_guide_logs_in_registers_renews_and_calls() {
    let (stand, database) = (Stand::start(), Database::sqlite());
    let listen = door_of_the_guide();
    let listen = ["--admin-listen", listen.as_str()];
    let arguments =
        [&["--allow-loopback-sources", "--gateways-without-token"], &listen[..]].concat();
    let dir = database.data_dir();
    let program =
        Start { command: "serve", data_dir: &dir, database_url: None, arguments: &arguments }.run();
    let api = Api::sign_in(&program.admin);
    // As the guide has it, by name.
    let door = program.admin.replace("127.0.0.1", "localhost");
    let bare = |method: &str, path: &str, body: &Value| {
        let headers = [("Content-Type", "application/json")];
        send(&door, method, path, &headers, &body.to_string())
    };

    // The client logs in by itself.
    let asked = format!(
        "{}/api/oauth2/authorize?response_type=code&client_id=box-client&redirect_uri=http://localhost:4444/callback&state=s-1&code_challenge={CHALLENGE}&code_challenge_method=S256",
        stand.issuer
    );
    let back = stand.visit(&asked);
    assert_eq!(parameter(&back, "state"), "s-1");
    let code = parameter(&back, "code");
    let form = format!("grant_type=authorization_code&code={code}&code_verifier={VERIFIER}");
    let tokens = stand.token(&form);

    // It registers what it got, without a token of its own and with a time of nowhere.
    let made = bare(
        "POST",
        "/gateways",
        &json!({
            "name": "box",
            "url": stand.resource,
            "transport": "http",
            "auth_config": {
                "type": "oauth2.1",
                "access_token": tokens["access_token"],
                "refresh_token": tokens["refresh_token"],
                "token_type": tokens["token_type"],
                "expires_at": "2999-01-31T12:00:00.123456",
            },
            "description": "Box content management and collaboration",
        }),
    );
    assert_eq!(made.status, 201, "{made:?}");
    let body = made.json();
    assert_eq!((&body["status"], &body["waitingTools"]), (&json!("active"), &json!(2)), "{body}");
    approve_all(&api);
    let mut model = Client::connect(&program.mcp, "auto");
    let found = model.call("box__box_search_files", &json!({"query": "report"}));
    assert_eq!(text_of(&found), "[\"report.pdf\"]", "{found}");

    // Its token ends; it renews it, and says so.
    stand.expire();
    let failed = model.call("box__box_who_am_i", &json!({}));
    assert_eq!(failed["isError"], json!(true), "{failed}");
    let refresh = tokens["refresh_token"].as_str().expect("a token");
    let renewed = stand.token(&format!("grant_type=refresh_token&refresh_token={refresh}"));
    let path = format!("/gateways/{}/auth", body["id"].as_str().expect("an id"));
    let patch =
        json!({"access_token": renewed["access_token"], "expires_at": "2999-02-01T12:00:00.1"});
    let patched = bare("PATCH", &path, &patch);
    assert_eq!(patched.status, 200, "{patched:?}");
    let who = model.call("box__box_who_am_i", &json!({}));
    assert_eq!(text_of(&who), "ann@box.example", "{who}");
    let told = stand.told();
    assert_eq!((&told["refreshes"], &told["replays"]), (&json!(1), &json!(0)), "{told}");
    let with = told["called_with"].as_array().expect("a list");
    assert_eq!(with, &[tokens["access_token"].clone(), renewed["access_token"].clone()]);
}

/// `mcpbox sources` on a data directory.
fn sources(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.current_dir(dir.parent().expect("a parent")).arg("sources").args(arguments);
    command.arg("--data-dir").arg(dir).arg("--allow-loopback-sources");
    command
}

/// Logs in from the command line; `back` brings the browser back.
fn connect(stand: &Stand, dir: &Path, back: impl FnOnce(&str, &mut Child)) {
    let mut command = sources(dir, &["connect", "box", "--yes"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut line = String::new();
    let output = child.stdout.take().expect("it is piped");
    BufReader::new(output).read_line(&mut line).expect("an address");
    let leads_to = stand.visit(line.trim());
    back(&leads_to, &mut child);
    assert!(child.wait().expect("it ends").success());
}

/// Has a program read its file again.
fn reload(program: &Program) {
    let sent = Command::new("kill").args(["-HUP", &program.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

/// As the guide's file has it, with the addresses of the stand-in.
fn file(stand: &Stand) -> String {
    format!(
        "external_servers:\n  box:\n    name: \"Box Content Management\"\n    url: \"{}\"\n    transport: \"http\"\n    auth:\n      type: \"oauth2.1\"\n      client_id: \"${{BOX_CLIENT_ID}}\"\n      client_secret: \"${{BOX_CLIENT_SECRET}}\"\n      auth_url: \"{issuer}/api/oauth2/authorize\"\n      token_url: \"{issuer}/oauth2/token\"\n      scopes:\n        - \"root_readonly\"\n        - \"root_readwrite\"\n      pkce_required: true\n      token_refresh: true\n",
        stand.resource,
        issuer = stand.issuer,
    )
}

fn serve(dir: &Path, path: &str) -> Program {
    let arguments = ["--allow-loopback-sources", "--config", path];
    let start =
        Start { command: "serve", data_dir: dir, database_url: None, arguments: &arguments };
    let mut command = start.command();
    command.envs([("BOX_CLIENT_ID", "box-client"), ("BOX_CLIENT_SECRET", "box-secret")]);
    start.run_as(command)
}

#[test]
fn the_file_of_the_guide_is_logged_in_from_the_command_line_and_renewed_here() {
    let (stand, database) = (Stand::start(), Database::sqlite());
    let dir = database.data_dir();
    let path = dir.parent().expect("a parent").join("servers.yaml");
    std::fs::write(&path, file(&stand)).expect("it is written");
    let program = serve(&dir, path.to_str().expect("a path"));
    let api = Api::sign_in(&program.admin);
    let gateway = || api.ok("GET", "/gateways/box", &Value::Null);
    assert_eq!(gateway()["status"], json!("needs_login"), "{}", gateway());
    let listed = sources(&dir, &["list"]).output().expect("it runs");
    let listed = String::from_utf8(listed.stdout).expect("text");
    assert!(listed.contains("needs_login") && listed.contains(&stand.resource), "{listed}");

    connect(&stand, &dir, |leads_to, _| {
        assert!(leads_to.starts_with("http://127.0.0.1:"), "{leads_to}");
        let base = leads_to.split("/callback").next().expect("an origin");
        assert_eq!(send(base, "GET", "/favicon.ico", &[], "").status, 400);
        assert_eq!(send(base, "GET", path_of(leads_to), &[], "").status, 200);
    });
    let listed = until("the tools", || Some(gateway()).filter(|it| it["waitingTools"] == json!(2)));
    assert_eq!(listed["auth"]["hasRefreshToken"], json!(true), "{listed}");
    approve_all(&api);
    let mut model = Client::connect(&program.mcp, "auto");
    assert_eq!(text_of(&model.call("box__box_who_am_i", &json!({}))), "ann@box.example");

    // The token ends before its time: it is renewed once, and what was used up is not used again.
    stand.expire();
    for _ in 0..3 {
        assert_eq!(text_of(&model.call("box__box_who_am_i", &json!({}))), "ann@box.example");
    }
    let told = stand.told();
    assert_eq!((&told["refreshes"], &told["replays"]), (&json!(1), &json!(0)), "{told}");
    let bring = api.send("PATCH", "/gateways/box/auth", &json!({"access_token": "at-1"}));
    assert_eq!(bring.status, 409, "who renews is the gateway: {bring:?}");

    let gone = sources(&dir, &["disconnect", "box"]).status().expect("it runs");
    assert!(gone.success());
    assert_eq!(gateway()["status"], json!("needs_login"));
    assert_ne!(stand.told()["revoked"], json!(0), "{}", stand.told());
    let failed = model.call("box__box_who_am_i", &json!({}));
    assert_eq!(failed["isError"], json!(true), "{failed}");
    let page = format!("{}/sources/{}", program.admin, listed["id"].as_str().expect("an id"));
    assert!(text_of(&failed).contains(&page), "it says where a person logs in: {failed}");

    // Again, with the address pasted that the browser ended at.
    connect(&stand, &dir, |leads_to, child| {
        let mut input = child.stdin.take().expect("it is piped");
        writeln!(input, "what?\n{leads_to}").expect("it reads");
    });
    assert_eq!(text_of(&model.call("box__box_who_am_i", &json!({}))), "ann@box.example");
    assert_eq!(stand.told()["logins"], json!(2));

    // Another place for tokens in the file holds from the reload on; an entry that is gone gives its tokens back.
    let revoked = stand.told()["revoked"].as_u64().expect("a number");
    std::fs::write(&path, file(&stand).replace("/oauth2/token", "/elsewhere/token"))
        .expect("written");
    reload(&program);
    let source = format!("/api/external-sources/sources/{}", listed["id"].as_str().expect("an id"));
    until("the reload", || {
        let shown = api.ok("GET", &source, &Value::Null);
        shown["oauth"]["token_url"]
            .as_str()
            .is_some_and(|url| url.contains("elsewhere"))
            .then_some(())
    });
    stand.expire();
    let failed = model.call("box__box_who_am_i", &json!({}));
    assert_eq!(failed["isError"], json!(true), "{failed}");
    assert_eq!(stand.told()["refreshes"], json!(1));
    std::fs::write(&path, "external_servers: {}\n").expect("written");
    reload(&program);
    until("the removal", || (api.send("GET", &source, &Value::Null).status == 404).then_some(()));
    assert_eq!(stand.told()["revoked"], json!(revoked + 1), "{}", stand.told());
}

/// A registration with the client that the tokens were given to, and with more in its `auth_config`.
fn with_client(stand: &Stand, tokens: &Value, more: &Value) -> Value {
    let mut auth = json!({
        "type": "oauth2.1",
        "access_token": tokens["access_token"],
        "refresh_token": tokens["refresh_token"],
        "expires_in": 3600,
        "client_id": "box-client",
        "client_secret": "box-secret",
    });
    for (name, value) in more.as_object().expect("fields") {
        auth[name] = value.clone();
    }
    json!({"name": "box", "url": stand.resource, "transport": "http", "auth_config": auth})
}

/// Tokens of a login that the client of the guide does by itself.
fn logged_in(stand: &Stand) -> Value {
    let asked = format!(
        "{}/api/oauth2/authorize?response_type=code&client_id=box-client&redirect_uri=http://localhost:4444/callback&state=s&code_challenge={CHALLENGE}&code_challenge_method=S256",
        stand.issuer
    );
    let code = parameter(&stand.visit(&asked), "code");
    stand.token(&format!("grant_type=authorization_code&code={code}&code_verifier={VERIFIER}"))
}

#[test]
fn endpoints_that_are_written_hold_for_tokens_that_are_there_and_what_is_removed_is_given_back() {
    let (stand, database) = (Stand::start(), Database::sqlite());
    let arguments = ["--allow-loopback-sources"];
    let dir = database.data_dir();
    let program =
        Start { command: "serve", data_dir: &dir, database_url: None, arguments: &arguments }.run();
    let api = Api::sign_in(&program.admin);
    let at = |path: &str| format!("{}{path}", stand.issuer);
    let endpoints = json!({"token_url": at("/oauth2/token"), "revoke_url": at("/oauth2/revoke")});
    let body = with_client(&stand, &logged_in(&stand), &endpoints);
    let made = api.ok("POST", "/gateways", &body);
    let gateway = format!("/gateways/{}", made["id"].as_str().expect("an id"));
    let source = format!("/api/external-sources/sources/{}", made["id"].as_str().expect("an id"));
    let discover = || api.send("POST", &format!("{source}/discover"), &Value::Null).status;
    let refreshes = || stand.told()["refreshes"].clone();
    stand.expire();
    assert_eq!((discover(), refreshes()), (200, json!(1)));

    let written = |token_url: &str| json!({"auth_config": {"type": "oauth2.1", "client_id": "box-client", "client_secret": "box-secret", "token_url": at(token_url), "revoke_url": at("/oauth2/revoke")}});
    api.ok("PATCH", &gateway, &written("/elsewhere/token"));
    stand.expire();
    assert_eq!((discover(), refreshes()), (502, json!(1)), "the old place is not asked");
    api.ok("PATCH", &gateway, &written("/oauth2/token"));
    until("another token", || (discover() == 200).then_some(()));
    assert_eq!(refreshes(), json!(2));

    api.ok("DELETE", &gateway, &Value::Null);
    assert_eq!(stand.told()["revoked"], json!(1), "{}", stand.told());
    // Tokens that were never renewed here are given back where it is written, too.
    let made = api.ok("POST", "/gateways", &with_client(&stand, &logged_in(&stand), &endpoints));
    let source = format!("/api/external-sources/sources/{}", made["id"].as_str().expect("an id"));
    api.ok("POST", &format!("{source}/oauth/disconnect"), &Value::Null);
    assert_eq!(stand.told()["revoked"], json!(2), "{}", stand.told());
    api.ok("DELETE", &gateway_of(&made), &Value::Null);
    // So it is for a server that goes with all that is on it.
    let made = api.ok("POST", "/gateways", &with_client(&stand, &logged_in(&stand), &endpoints));
    let server = format!("/api/servers/{}", made["serverId"].as_str().expect("an id"));
    assert_eq!(api.send("DELETE", &server, &Value::Null).status, 204);
    assert_eq!(stand.told()["revoked"], json!(3), "{}", stand.told());
}

fn gateway_of(made: &Value) -> String {
    format!("/gateways/{}", made["id"].as_str().expect("an id"))
}
