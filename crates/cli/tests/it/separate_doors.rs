//! `mcpbox admin` and `mcpbox gateway` as two processes on one data directory.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Client;
use crate::database::Database;
use testkit::http::{Api, send};
use testkit::peer;
use testkit::program::{self, Program, Start};

#[test]
fn what_one_door_decides_reaches_the_other_on_sqlite() {
    two_processes(&Database::sqlite());
}

#[test]
fn what_one_door_decides_reaches_the_other_on_postgresql() {
    two_processes(&Database::postgres());
}

fn two_processes(database: &Database) {
    let dir = database.data_dir();
    let start =
        |command| Start { command, data_dir: &dir, database_url: database.url(), arguments: &[] };
    let admin = start("admin").run();
    let gateway = start("gateway").run();
    let mut model = Client::connect(&gateway.mcp, "auto");
    let mut legacy = Client::connect(&gateway.mcp, "legacy");
    let api = Api::sign_in(&admin.admin);

    let server = model.ok("mcpbox_create_server", &json!({"name": "apart"}));
    let code = "async def main() -> int:\n    return 1\n";
    let new = json!({"server_id": server["id"], "name": "one", "python_code": code});
    let tool = model.ok("mcpbox_create_tool", &new);
    model.ok("mcpbox_request_publish", &json!({"tool_id": tool["id"]}));
    let (before, before_legacy) = (model.changes(), legacy.changes());
    api.approve(tool["id"].as_str().expect("an id"));
    model.wait_for_change(before);
    legacy.wait_for_change(before_legacy);
    assert!(model.tools().contains(&"apart__one".to_owned()));
    assert_eq!(legacy.ok("apart__one", &json!({}))["result"], json!(1));

    let second = start("gateway").refused();
    assert!(second.contains("gateway"), "one program per door: {second}");
}

#[test]
fn each_process_starts_the_command_of_a_source_once_where_it_needs_it() {
    let database = Database::sqlite();
    let dir = database.data_dir();
    let start = |command| Start { command, data_dir: &dir, database_url: None, arguments: &[] };
    let (admin, gateway) = (start("admin").run(), start("gateway").run());
    let mut model = Client::connect(&gateway.mcp, "auto");
    let api = Api::sign_in(&admin.admin);
    let server = api.ok("POST", "/api/servers", &json!({"name": "sums", "description": ""}));
    let script = peer::script().to_string_lossy().into_owned();
    let source = json!({
        "name": "Peer", "transport_type": "stdio", "command": peer::python().to_string_lossy(),
        "args": [script, "mcp", "stdio"],
    });
    let id = server["id"].as_str().expect("an id");
    let source = api.ok("POST", &format!("/api/external-sources/servers/{id}/sources"), &source);
    let place = format!("/api/external-sources/sources/{}", source["id"].as_str().expect("an id"));
    api.ok("POST", &format!("{place}/discover"), &json!({}));
    let imported = api.ok("POST", &format!("{place}/import"), &json!({"tool_names": ["add"]}));
    api.approve(imported["imported_tools"][0]["id"].as_str().expect("an id"));
    for a in 0..3 {
        let answer = model.ok("sums__peer_add", &json!({"a": a, "b": 3}));
        assert_eq!(answer["result"], a + 3, "{answer}");
    }
    let processes = |program: &Program| {
        let is_own = |id: &u32| {
            let line = std::fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
            line.contains("server.py")
        };
        program::children(program.id()).into_iter().filter(is_own).count()
    };
    assert_eq!(processes(&gateway), 1, "that of the calls");
    assert!(processes(&admin) <= 1, "that which told what there is");
    api.ok("POST", &format!("{place}/disable"), &json!({}));
    for program in [&admin, &gateway] {
        let began = Instant::now();
        while processes(program) > 0 {
            assert!(began.elapsed() < Duration::from_mins(1), "a process is left");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn no_path_of_the_admin_door_but_health_exists_at_the_mcp_door() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut checked = 0;
    for (method, path) in admin::routes() {
        let path = path.replace(['{', '}'], "");
        let here = send(&program.admin, method, &path, &[], "");
        let there = send(&program.mcp, method, &path, &[], "");
        if path == "/health" {
            assert_eq!((here.status, there.status), (200, 200));
            continue;
        }
        assert_ne!(here.status, 405, "{method} {path} is served at the admin door");
        assert_eq!(there.status, 404, "{method} {path}: {there:?}");
        checked += 1;
    }
    assert!(checked > 20, "the table lists the admin door's routes");
    assert_eq!(
        send(&program.admin, "POST", "/mcp", &[], "{}").status,
        404,
        "nor the other way round"
    );
}

#[test]
fn an_operator_says_under_which_addresses_the_doors_are_reached() {
    let database = Database::sqlite();
    let dir = database.data_dir();
    let start = |command, arguments: &[&str]| {
        Start { command, data_dir: &dir, database_url: None, arguments }.run()
    };
    let document = "/oauth/client-metadata.json";
    let plain = start("serve", &[]);
    let missing = send(&plain.mcp, "GET", document, &[], "");
    assert!(missing.status == 404 && missing.body.contains("--mcp-url"), "{missing:?}");
    let api = Api::sign_in(&plain.admin);
    let token = api.ok("POST", "/api/tokens", &json!({"name": "far", "scopes": ["call"]}));
    drop(plain);

    let addresses = ["--admin-url", "https://box.example/", "--mcp-url", "https://mcp.example/mcp"];
    let program = start("serve", &addresses);
    let far = [("host", "mcp.example")];
    let read = send(&program.mcp, "GET", document, &far, "");
    let said: serde_json::Value = serde_json::from_str(&read.body).expect("JSON");
    assert_eq!(said["client_id"], "https://mcp.example/oauth/client-metadata.json", "{read:?}");
    assert_eq!(said["redirect_uris"], json!(["https://box.example/oauth/callback"]));
    assert_eq!(said["token_endpoint_auth_method"], "none");

    // Others than this machine reach it now, so that everybody shows a token.
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string();
    let accept = ("accept", "application/json, text/event-stream");
    let bearer = format!("Bearer {}", token["token"].as_str().expect("a token"));
    let silent = send(
        &program.mcp,
        "POST",
        "/mcp",
        &[far[0], accept, ("content-type", "application/json")],
        &ping,
    );
    assert_eq!(silent.status, 401, "{silent:?}");
    let kind = ("content-type", "application/json");
    let shown = [far[0], accept, kind, ("authorization", &bearer)];
    let answered = send(&program.mcp, "POST", "/mcp", &shown, &ping);
    assert!(!matches!(answered.status, 401 | 403), "{answered:?}");
    let page = send(&program.admin, "GET", "/login", &[("host", "box.example")], "");
    assert_eq!(page.status, 200, "its own name is allowed: {page:?}");
    let other = send(&program.admin, "GET", "/login", &[("host", "other.example")], "");
    assert_eq!(other.status, 403, "{other:?}");
}
