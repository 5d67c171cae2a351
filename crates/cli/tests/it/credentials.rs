//! Who may call: open on loopback, tokens elsewhere, scopes, hosts and origins.

use std::process::Command;

use serde_json::json;

use crate::client::Client;
use crate::database::Database;
use crate::whole_loop::publish;
use testkit::http::{Api, send};
use testkit::program::{Start, binary};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#;
const JSON: [(&str, &str); 2] =
    [("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];

/// `mcpbox tokens …` on the data directory of `database`; its standard output.
fn tokens(database: &Database, arguments: &[&str]) -> String {
    let mut command = Command::new(binary());
    command.args(["tokens", "--data-dir"]).arg(database.data_dir()).args(arguments);
    let output = command.output().expect("the command runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

#[test]
fn an_address_that_is_not_loopback_needs_credentials() {
    let database = Database::sqlite();
    let dir = database.data_dir();
    let arguments = ["--mcp-listen", "0.0.0.0:0", "--mcp-allowed-hosts", "mcp.example"];
    let start =
        Start { command: "serve", data_dir: &dir, database_url: None, arguments: &arguments };
    let refused = start.refused();
    assert!(refused.contains("mcpbox tokens create"), "it says what to do: {refused}");

    let token = tokens(&database, &["create", "laptop", "--scopes", "call,author"]);
    let program = start.run();
    let without = send(&program.mcp, "POST", "/mcp", &JSON, PING);
    assert_eq!(without.status, 401, "{without:?}");
    assert!(without.head.to_lowercase().contains("www-authenticate: bearer"), "{without:?}");
    let mut client = Client::connect_with(&program.mcp, "auto", Some(&token));
    assert!(client.tools().contains(&"mcpbox_create_tool".to_owned()));
}

#[test]
fn scopes_and_revocation_hold() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let code = "async def main() -> int:\n    return 1\n";
    let tool_id = publish(&mut model, &api, "scoped", "one", code);

    let made = api.ok("POST", "/api/tokens", &json!({"name": "phone", "scopes": ["call"]}));
    let value = made["token"].as_str().expect("the token, this once");
    let mut phone = Client::connect_with(&program.mcp, "auto", Some(value));
    assert_eq!(phone.tools(), ["scoped__one"], "management tools need `author`");
    assert_eq!(phone.ok("scoped__one", &json!({}))["result"], json!(1));
    let refused = phone.fails("mcpbox_list_servers", &json!({}));
    assert!(refused.contains("author") || refused.contains("Unknown"), "{refused}");
    let logs = model.ok("mcpbox_get_tool_logs", &json!({"tool_id": tool_id}));
    assert_eq!(logs["logs"][0]["executed_by"], "phone", "a token's name is who called");

    let id = made["id"].as_str().expect("an id");
    api.ok("DELETE", &format!("/api/tokens/{id}"), &json!(null));
    let refused = phone.call("scoped__one", &json!({}));
    assert!(refused["error"].is_string(), "a revoked token ends at once: {refused}");
    let wrong = [JSON[0], JSON[1], ("Authorization", "Bearer mcpbox_wrong")];
    assert_eq!(send(&program.mcp, "POST", "/mcp", &wrong, PING).status, 401);
    assert!(tokens(&database, &["list"]).contains("phone\tcall\trevoked"));
}

#[test]
fn foreign_hosts_and_origins_are_refused_and_local_ones_taken() {
    let database = Database::sqlite();
    let program = database.serve();
    let with = |name, value| [JSON[0], JSON[1], (name, value)];
    let ask = |headers: &[(&str, &str)]| send(&program.mcp, "POST", "/mcp", headers, PING).status;
    assert_eq!(ask(&JSON), 200);
    assert_eq!(ask(&with("Origin", "http://localhost:6274")), 200);
    assert_eq!(ask(&with("Origin", "https://evil.example")), 403);
    assert_eq!(ask(&with("Host", "evil.example")), 403);
    let page = |host| send(&program.admin, "GET", "/login", &[("Host", host)], "").status;
    assert_eq!((page("evil.example"), page("localhost")), (403, 303), "the latter goes to /setup");
}
