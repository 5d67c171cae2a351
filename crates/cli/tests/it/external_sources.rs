//! External sources through the doors: a model asks, a person decides, clients call.

mod pages;
mod rest;

use serde_json::{Value, json};
use testkit::http::Api;
use testkit::peer::Python;
use testkit::program::{Program, Start};

use crate::client::Client;
use crate::database::Database;

/// The program, with people and models that use it, and a real server of another.
pub(crate) struct World {
    pub(crate) program: Program,
    pub(crate) model: Client,
    pub(crate) api: Api,
    pub(crate) peer: Python,
    pub(crate) server_id: String,
    _database: Database,
}

impl World {
    pub(crate) fn new() -> Self {
        let database = Database::sqlite();
        let program = serve(&database, &["--allow-loopback-sources"]);
        let mut model = Client::connect(&program.mcp, "auto");
        let api = Api::sign_in(&program.admin);
        let server = model.ok("mcpbox_create_server", &json!({"name": "sums"}));
        let server_id = server["id"].as_str().expect("an id").to_owned();
        let peer = Python::start(&["fastmcp", "http"]);
        Self { program, model, api, peer, server_id, _database: database }
    }

    /// A source that a model asks for.
    pub(crate) fn asked(&mut self) -> Value {
        let url = self.peer.url("mcp");
        let source = json!({"server_id": self.server_id, "name": "Peer", "url": url});
        self.model.ok("mcpbox_add_external_source", &source)
    }

    /// The path of a source in the API.
    pub(crate) fn place(source: &Value) -> String {
        let id = source["source_id"].as_str().expect("an id");
        format!("/api/external-sources/sources/{id}")
    }
}

pub(crate) fn serve(database: &Database, arguments: &[&str]) -> Program {
    let data_dir = database.data_dir();
    Start { command: "serve", data_dir: &data_dir, database_url: database.url(), arguments }.run()
}

#[test]
fn a_model_asks_a_person_allows_and_clients_call_what_was_reviewed() {
    let mut world = World::new();
    let source = world.asked();
    assert_eq!(source["status"], "pending", "{source}");
    let message = source["message"].as_str().expect("a text");
    let port = world.peer.port.to_string();
    assert!(message.contains(&port) && message.contains("/sources/"), "{message}");
    let id = &source["source_id"];
    let refused = world.model.fails("mcpbox_discover_external_tools", &json!({"source_id": id}));
    assert!(refused.contains("a person has to allow it"), "{refused}");
    let waiting = world.model.ok("mcpbox_list_pending_requests", &json!({}));
    assert_eq!(waiting["pending_external_sources"][0]["name"], "Peer", "{waiting}");
    let keyed = json!({
        "server_id": world.server_id, "name": "Keyed", "url": "https://a.example/mcp?key=canary",
    });
    let keyed = world.model.ok("mcpbox_add_external_source", &keyed);
    assert_eq!(keyed["url"], "https://a.example/mcp?key", "{keyed}");
    let told = world.model.ok("mcpbox_list_pending_requests", &json!({}));
    assert!(!told.to_string().contains("canary"), "{told}");
    world.api.ok("DELETE", &World::place(&keyed), &Value::Null);
    assert_eq!(
        (&waiting["summary"]["sources"], &waiting["summary"]["total"]),
        (&json!(1), &json!(1))
    );

    let stats = world.api.ok("GET", "/api/approvals/stats", &Value::Null);
    assert_eq!(stats["pending_external_sources"], 1, "{stats}");
    let allowed = world.api.ok(
        "POST",
        &format!("{}/grant?host=127.0.0.1%3A{}", World::place(&source), world.peer.port),
        &Value::Null,
    );
    assert_eq!(allowed["status"], "active", "{allowed}");
    let found = world.model.ok("mcpbox_discover_external_tools", &json!({"source_id": id}));
    let names: Vec<_> = found["tools"].as_array().expect("a list").iter().collect();
    let add = names.iter().find(|tool| tool["name"] == "add").expect("it offers add");
    assert!(add["input_schema"]["properties"]["a"].is_object(), "{add}");
    let choice = json!({"source_id": id, "tool_names": ["add", "nothing"]});
    let imported = world.model.ok("mcpbox_import_external_tools", &choice);
    assert_eq!((&imported["count"], &imported["skipped_count"]), (&json!(1), &json!(1)));
    assert_eq!(imported["skipped_tools"][0]["status"], "skipped_not_found", "{imported}");
    let tool = &imported["imported_tools"][0];
    assert_eq!(tool["name"], "peer_add", "{imported}");
    assert_eq!(
        (&tool["tool_type"], &tool["approval_status"]),
        (&json!("mcp_passthrough"), &json!("draft"))
    );
    let again = world.model.ok("mcpbox_import_external_tools", &choice);
    assert_eq!(again["count"], 0, "{again}");

    let file = json!({"tool_id": tool["id"]});
    let early = world.model.fails("mcpbox_test_code", &file);
    assert!(early.contains("mcpbox_request_publish"), "{early}");
    world.model.ok("mcpbox_request_publish", &file);
    assert!(!world.model.tools().contains(&"sums__peer_add".to_owned()));
    let shown = world.model.ok("mcpbox_get_tool", &file);
    let risk = shown["risk"].as_str().expect("a line");
    assert!(risk.starts_with("Sends its arguments to 127.0.0.1:"), "{risk}");
    world.api.approve(tool["id"].as_str().expect("an id"));
    let answer = world.model.ok("sums__peer_add", &json!({"a": 2, "b": 3}));
    assert_eq!(answer["result"], 5, "{answer}");
    let status = world.model.ok("mcpbox_get_tool_status", &file);
    let told = ["tool_type", "external_source_id", "external_tool_name", "quarantine"]
        .map(|key| &status[key]);
    assert_eq!(told, [&json!("mcp_passthrough"), id, &json!("add"), &Value::Null], "{status}");
    let listed =
        world.model.ok("mcpbox_list_external_sources", &json!({"server_id": world.server_id}));
    let listed = &listed["sources"][0];
    assert_eq!((&listed["status"], &listed["id"]), (&json!("active"), id), "{listed}");
    assert!(listed["tool_count"].as_u64() > Some(3), "{listed}");
}

#[test]
fn a_model_adds_no_process_and_no_machine_that_the_operator_kept() {
    let mut world = World::new();
    let process =
        json!({"server_id": world.server_id, "name": "p", "url": "x", "transport_type": "stdio"});
    let refused = world.model.fails("mcpbox_add_external_source", &process);
    assert!(refused.contains("streamable_http"), "{refused}");
    let secret = json!({"server_id": world.server_id, "name": "s", "url": "https://mcp.example/mcp", "auth_type": "bearer"});
    let refused = world.model.fails("mcpbox_add_external_source", &secret);
    assert!(refused.contains("auth_secret_name"), "{refused}");
    let mut whole = secret.clone();
    whole["auth_secret_name"] = json!("API_KEY");
    world.model.ok("mcpbox_add_external_source", &whole);
    let taken = world.model.fails("mcpbox_add_external_source", &whole);
    assert!(taken.contains("already"), "{taken}");

    let database = Database::sqlite();
    let careful = serve(&database, &[]);
    let mut model = Client::connect(&careful.mcp, "auto");
    let server = model.ok("mcpbox_create_server", &json!({"name": "sums"}));
    let local = json!({"server_id": server["id"], "name": "l", "url": world.peer.url("mcp")});
    let refused = model.fails("mcpbox_add_external_source", &local);
    assert!(refused.contains("--allow-loopback-sources"), "{refused}");
}

#[test]
fn a_tool_that_its_source_has_changed_waits_for_a_person() {
    let mut world = World::new();
    world.peer = Python::start(&["mcp", "http"]);
    let source = world.asked();
    let place = World::place(&source);
    world.api.ok("POST", &format!("{place}/grant"), &Value::Null);
    world.api.ok("POST", &format!("{place}/discover"), &Value::Null);
    let chosen = json!({"tool_names": ["add"]});
    let imported = world.api.ok("POST", &format!("{place}/import"), &chosen);
    let tool_id = imported["imported_tools"][0]["id"].as_str().expect("an id").to_owned();
    world.api.approve(&tool_id);
    world.model.ok("sums__peer_add", &json!({"a": 2, "b": 3}));

    // The same name at the same address, from another program: what it says of itself differs.
    let other = Python::start(&["fastmcp", "http"]);
    world.api.ok("PUT", &place, &json!({"url": other.url("mcp")}));
    world.api.ok("POST", &format!("{place}/discover"), &Value::Null);
    let shown = world.api.ok("GET", &format!("/api/tools/{tool_id}"), &Value::Null);
    let reason = shown["quarantine"].as_str().expect("a reason");
    assert!(reason.contains("changed"), "{reason}");
    let listed = world.model.ok("mcpbox_list_tools", &json!({"server_id": world.server_id}));
    let told = listed["tools"][0]["description"].as_str().expect("a text");
    assert!(told.ends_with(reason), "not in the source's words: {told}");
    let status = world.model.ok("mcpbox_get_tool_status", &json!({"tool_id": tool_id}));
    assert_eq!((&status["quarantine"], &status["callable_as"]), (&json!(reason), &Value::Null));
    assert!(status["next"].as_str().expect("a text").contains("look at the change"), "{status}");
    world.model.fails("sums__peer_add", &json!({"a": 2, "b": 3}));
    let queue = world.api.ok("GET", "/api/approvals/tools", &Value::Null);
    let waiting = &queue["items"][0];
    assert_eq!((&waiting["quarantine"], waiting["imported"].is_object()), (&json!(reason), true));
    assert!(waiting["live"]["imported"]["definition"].is_object(), "{waiting}");
    world.api.approve(&tool_id);
    let answer = world.model.ok("sums__peer_add", &json!({"a": 2, "b": 3}));
    assert_eq!(answer["result"], 5, "{answer}");
}
