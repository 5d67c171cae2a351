//! `mcpbox admin` and `mcpbox gateway` as two processes on one data directory.

use serde_json::json;

use crate::client::Client;
use crate::database::Database;
use testkit::http::{Api, send};
use testkit::program::Start;

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
