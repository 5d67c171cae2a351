//! Packages: a model asks, a person sees what it brings and decides, the next call has it.

mod pages;
mod refusals;

use std::time::{Duration, Instant};

use package_index::{File, Index, Wheel};
use serde_json::{Value, json};
use testkit::http::Api;
use testkit::program::{Program, Start};

use crate::client::Client;
use crate::database::Database;
use crate::whole_loop::approve_unfiled;

/// Uses a package that requires another one.
const CODE: &str = "
async def main(name: str) -> str:
    import greeting
    return greeting.hello(name)
";

/// How long a set may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(3);

/// A package with two releases that requires another one, which has two as well.
fn index() -> Index {
    let index = Index::start();
    for version in ["1.0", "2.0"] {
        let source = format!(
            "import shouting\n\ndef hello(name):\n    return shouting.loud(f'{version} hello {{name}}')\n"
        );
        let wheel = Wheel::empty("greeting", version)
            .requires("shouting>=1.0")
            .says("Summary: Greets <b>people</b>")
            .says("License-Expression: MIT")
            .file("greeting.py", source);
        index.add(&wheel);
        let loud = "def loud(text):\n    return text.upper()\n";
        index.add(&Wheel::empty("shouting", version).file("shouting.py", loud));
    }
    index
}

/// A program that fetches its packages there.
fn serve(database: &Database, index: &Index) -> Program {
    let (url, feed) = (index.url(), index.feed());
    let arguments = ["--package-index", &url, "--vulnerability-feed", &feed, "--workers", "1"];
    let data_dir = database.data_dir();
    let start = Start {
        command: "serve",
        data_dir: &data_dir,
        database_url: database.url(),
        arguments: &arguments,
    };
    start.run()
}

fn server_id(api: &Api) -> String {
    let listed = api.ok("GET", "/api/servers", &Value::Null);
    listed["items"][0]["id"].as_str().expect("an id").to_owned()
}

fn ask(tool_id: &str, package: &str, version: Option<&str>) -> Value {
    let mut ask = json!({"tool_id": tool_id, "package": package, "justification": "to greet"});
    if let Some(version) = version {
        ask["version"] = json!(version);
    }
    ask
}

fn id(asked: &Value) -> &str {
    asked["request_id"].as_str().expect("an id")
}

/// The plan of a request as a person sees it.
fn plan(api: &Api, asked: &Value) -> Value {
    let shown = api.ok("GET", &format!("/api/approvals/packages/{}", id(asked)), &Value::Null);
    assert_eq!(shown["plan_error"], Value::Null, "{shown}");
    shown["plan"].clone()
}

fn approve(api: &Api, asked: &Value, plan: &Value) -> Value {
    let path = format!("/api/approvals/packages/{}/action", id(asked));
    let decided = api.ok("POST", &path, &json!({"action": "approve", "plan": plan["digest"]}));
    assert_eq!((&decided["success"], &decided["status"]), (&json!(true), &json!("approved")));
    decided
}

/// What a server has, once it is ready.
fn ready(api: &Api, server_id: &str) -> Value {
    let path = format!("/api/servers/{server_id}/packages");
    let began = Instant::now();
    loop {
        let found = api.ok("GET", &path, &Value::Null);
        match found["preparation"]["state"].as_str().expect("a state") {
            "ready" => return found,
            "failed" => panic!("{found}"),
            _ => assert!(began.elapsed() < PATIENCE, "{found}"),
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// The names and versions in a list of packages.
fn names(packages: &Value) -> Vec<String> {
    let packages = packages.as_array().expect("a list").iter();
    let named = packages.map(|package| {
        let locked = &package["locked"];
        format!(
            "{} {}",
            locked["name"].as_str().expect("a name"),
            locked["version"].as_str().expect("a version")
        )
    });
    named.collect()
}

#[test]
fn an_approved_package_is_imported_in_the_next_call_on_sqlite() {
    package_loop(&Database::sqlite());
}

#[test]
fn an_approved_package_is_imported_in_the_next_call_on_postgresql() {
    package_loop(&Database::postgres());
}

fn package_loop(database: &Database) {
    let index = index();
    let program = serve(database, &index);
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let tool_id = approve_unfiled(&mut model, &api, "doors", "greet", CODE);
    let server_id = server_id(&api);
    let call = json!({"name": "ada"});
    let refused = model.fails("doors__greet", &call);
    assert!(refused.contains("greeting") && refused.contains("mcpbox_request_module"), "{refused}");

    let asked = model.ok("mcpbox_request_module", &ask(&tool_id, "Greeting", Some("1.0")));
    assert_eq!((&asked["package"], &asked["version"]), (&json!("greeting"), &json!("1.0")));
    let with = json!([{"package": "shouting", "version": "2.0"}]);
    assert_eq!((&asked["status"], &asked["dependencies"]), (&json!("pending"), &with), "{asked}");
    let pending = model.ok("mcpbox_list_pending_requests", &json!({}));
    let waiting = &pending["pending_package_requests"][0];
    assert_eq!((&waiting["id"], &waiting["package"]), (&asked["request_id"], &json!("greeting")));
    assert_eq!(pending["summary"]["packages"], 1, "{pending}");
    model.fails("doors__greet", &call);

    let first = plan(&api, &asked);
    assert_eq!(names(&first["packages"]), ["greeting 1.0", "shouting 2.0"]);
    let greeting = &first["packages"][0];
    assert_eq!(
        (&greeting["summary"], &greeting["license"]),
        (&json!("Greets <b>people</b>"), &json!("MIT"))
    );
    assert_eq!(first["packages"][1]["required_by"], json!(["greeting"]), "{first}");
    approve(&api, &asked, &first);
    let had = ready(&api, &server_id);
    assert_eq!(names(&had["packages"]), ["greeting 1.0", "shouting 2.0"]);
    assert_eq!(had["packages"][0]["modules"], json!(["greeting"]), "{had}");
    assert_eq!(model.ok("doors__greet", &call), json!({"result": "1.0 HELLO ADA"}));
    let test = json!({"tool_id": tool_id, "arguments": call});
    assert_eq!(model.ok("mcpbox_test_code", &test)["result"], "1.0 HELLO ADA");
    let modules = model.ok("mcpbox_get_server_modules", &json!({"server_id": server_id}));
    assert_eq!(modules["packages"][1]["modules"], json!(["shouting"]), "{modules}");
    let everybody = model.ok("mcpbox_get_server_modules", &json!({}));
    assert_eq!(everybody["packages"], json!([]), "packages are never everybody's: {everybody}");
    let status = model.ok("mcpbox_get_tool_status", &json!({"tool_id": tool_id}));
    assert_eq!(status["package_requests"][0]["status"], "approved", "{status}");
    let again = model.fails("mcpbox_request_module", &ask(&tool_id, "greeting", Some("1.0")));
    assert!(again.contains("allowed for this server already"), "{again}");

    newer_replaces_older(&mut model, &api, (&tool_id, &server_id));
    removed_is_gone(&mut model, &api, &server_id);
}

/// Without a version the newest is taken, and takes the place of the older one.
fn newer_replaces_older(model: &mut Client, api: &Api, (tool_id, server_id): (&str, &str)) {
    let asked = model.ok("mcpbox_request_module", &ask(tool_id, "greeting", None));
    assert_eq!((&asked["version"], &asked["replaces"]), (&json!("2.0"), &json!("1.0")), "{asked}");
    let newer = plan(api, &asked);
    assert_eq!(newer["packages"][0]["change"], json!({"kind": "changed", "from": "1.0"}));
    assert_eq!(newer["packages"][1]["change"], json!({"kind": "kept"}), "{newer}");
    approve(api, &asked, &newer);
    let had = ready(api, server_id);
    assert_eq!(had["allowed_packages"].as_array().map(Vec::len), Some(1), "{had}");
    assert_eq!(
        model.ok("doors__greet", &json!({"name": "ada"})),
        json!({"result": "2.0 HELLO ADA"})
    );
    let got = model.ok("mcpbox_get_server", &json!({"server_id": server_id}));
    assert_eq!(got["allowed_packages"], json!(["greeting==2.0"]), "{got}");
    assert_eq!(got["packages_state"], "ready", "{got}");
}

fn removed_is_gone(model: &mut Client, api: &Api, server_id: &str) {
    let path = format!("/api/servers/{server_id}/packages/greeting");
    let left = api.ok("DELETE", &path, &Value::Null);
    assert_eq!((&left["packages"], &left["digest"]), (&json!([]), &Value::Null), "{left}");
    let refused = model.fails("doors__greet", &json!({"name": "ada"}));
    assert!(refused.contains("mcpbox_request_module"), "{refused}");
    assert_eq!(api.send("DELETE", &path, &Value::Null).status, 404);
}

#[test]
fn a_person_adds_a_package_that_nobody_asked_for_and_wheels_come_again() {
    let (database, index) = (Database::sqlite(), index());
    let program = serve(&database, &index);
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let tool_id = approve_unfiled(&mut model, &api, "doors", "greet", CODE);
    let asked = model.ok("mcpbox_request_module", &ask(&tool_id, "greeting", Some("1.0")));
    let server_id = server_id(&api);
    let path = format!("/api/servers/{server_id}/packages");
    let wanted = |plan: &Value| json!({"package": "greeting", "version": "1.0", "plan": plan});
    let shown = api.ok("POST", &path, &wanted(&Value::Null));
    let had = api.ok("GET", &path, &Value::Null);
    assert_eq!((&had["packages"], &had["allowed_packages"]), (&json!([]), &json!([])), "{had}");
    api.ok("POST", &path, &wanted(&shown["plan"]["digest"]));
    ready(&api, &server_id);
    let settled = model.ok("mcpbox_get_tool_status", &json!({"tool_id": tool_id}));
    assert_eq!(settled["package_requests"][0]["id"], asked["request_id"], "{settled}");
    assert_eq!(settled["package_requests"][0]["status"], "approved", "{settled}");
    drop((model, program));

    // Another machine has none of the files: wheels are fetched by the lock, whatever is newer.
    let folder = database.data_dir().join("packages");
    let kept: Vec<_> = std::fs::read_dir(folder.join("wheels")).expect("wheels").collect();
    assert_eq!(kept.len(), 2, "{kept:?}");
    std::fs::remove_dir_all(&folder).expect("removed");
    index.add(&Wheel::new("shouting", "3.0"));
    let program = serve(&database, &index);
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let had = ready(&api, &server_id);
    assert_eq!(names(&had["packages"]), ["greeting 1.0", "shouting 2.0"]);
    assert_eq!(
        model.ok("doors__greet", &json!({"name": "ada"})),
        json!({"result": "1.0 HELLO ADA"})
    );
}

#[test]
fn what_would_be_approved_is_what_was_seen() {
    let (database, index) = (Database::sqlite(), index());
    index.vulnerable(
        "shouting",
        "2.0",
        json!({"id": "GHSA-1", "aliases": ["CVE-2026-1"], "summary": "Too loud",
            "database_specific": {"severity": "HIGH"}}),
    );
    let program = serve(&database, &index);
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let tool_id = approve_unfiled(&mut model, &api, "doors", "greet", CODE);
    let asked = model.ok("mcpbox_request_module", &ask(&tool_id, "greeting", Some("1.0")));
    let seen = plan(&api, &asked);
    let advisory = &seen["packages"][1]["advisories"][0];
    assert_eq!((&advisory["id"], &advisory["severity"]), (&json!("GHSA-1"), &json!("HIGH")));
    assert_eq!(seen["not_checked"], Value::Null, "{seen}");

    // Somebody allows another package meanwhile, which changes what the server would have.
    index.add(&Wheel::new("other", "1.0"));
    let path = format!("/api/servers/{}/packages", server_id(&api));
    let other = json!({"package": "other"});
    let shown = api.ok("POST", &path, &other);
    api.ok("POST", &path, &json!({"package": "other", "plan": shown["plan"]["digest"]}));
    let action = format!("/api/approvals/packages/{}/action", id(&asked));
    let approval = |plan: &Value| json!({"action": "approve", "plan": plan["digest"]});
    let differs = api.send("POST", &action, &approval(&seen));
    assert_eq!(differs.status, 409, "{differs:?}");
    let answer = differs.json();
    assert_eq!(answer["code"], "plan_changed", "{answer}");
    assert_eq!(names(&answer["plan"]["packages"]), ["greeting 1.0", "other 1.0", "shouting 2.0"]);
    api.ok("POST", &action, &approval(&answer["plan"]));
    assert_eq!(api.send("POST", &action, &approval(&answer["plan"])).status, 409);
}

#[test]
fn a_wheel_that_is_another_one_is_not_approved() {
    let (database, index) = (Database::sqlite(), index());
    let program = serve(&database, &index);
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let tool_id = approve_unfiled(&mut model, &api, "doors", "greet", CODE);
    let asked = model.ok("mcpbox_request_module", &ask(&tool_id, "greeting", Some("1.0")));
    let seen = plan(&api, &asked);
    let good = File::from(&Wheel::new("shouting", "2.0")).content;
    let mut kept = Vec::new();
    index.change("shouting-2.0", |file| kept = std::mem::replace(&mut file.content, good));
    let action = format!("/api/approvals/packages/{}/action", id(&asked));
    let approval = json!({"action": "approve", "plan": seen["digest"]});
    let refused = api.send("POST", &action, &approval);
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(refused.body.contains("another file than it promised"), "{refused:?}");
    let had = api.ok("GET", &format!("/api/servers/{}/packages", server_id(&api)), &Value::Null);
    assert_eq!(had["allowed_packages"], json!([]), "nothing holds: {had}");
    index.change("shouting-2.0", |file| file.content = kept);
    api.ok("POST", &action, &approval);
}

/// Uses packages of which two are made for another system, and one requires another.
const REAL: &str = "
async def main() -> list[str]:
    import dateutil.parser
    import humanize
    import jinja2
    import yaml
    from bs4 import BeautifulSoup
    return [
        jinja2.Template('{{ who | upper }}').render(who='<ada>'),
        str(yaml.safe_load('a: [1, 2]')),
        dateutil.parser.parse('5 May 2026').date().isoformat(),
        humanize.intcomma(1234567),
        BeautifulSoup('<p>one<p>two', 'html.parser').find_all('p')[1].text,
    ]
";

#[test]
fn real_packages_do_their_work() {
    let (database, index) = (Database::sqlite(), Index::with_wheels());
    let program = serve(&database, &index);
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    approve_unfiled(&mut model, &api, "texts", "all", REAL);
    let server_id = server_id(&api);
    let path = format!("/api/servers/{server_id}/packages");
    for package in ["jinja2", "PyYAML", "python-dateutil", "humanize", "beautifulsoup4"] {
        let shown = api.ok("POST", &path, &json!({"package": package}));
        let digest = &shown["plan"]["digest"];
        api.ok("POST", &path, &json!({"package": package, "plan": digest}));
    }
    let had = ready(&api, &server_id);
    let named = |name: &str| {
        let packages = had["packages"].as_array().expect("a list").iter();
        packages.clone().find(|held| held["locked"]["name"] == name).expect("it is there").clone()
    };
    let without = named("markupsafe");
    assert_eq!(without["locked"]["without_compiled"], true, "{without}");
    assert!(without["left_out"][0].as_str().is_some_and(|path| path.contains("_speedups")));
    assert_eq!(named("jinja2")["left_out"], json!([]));
    let answer = model.ok("texts__all", &json!({}));
    let expected = json!(["<ADA>", "{'a': [1, 2]}", "2026-05-05", "1,234,567", "two"]);
    assert_eq!(answer["result"], expected, "{had}");
}
