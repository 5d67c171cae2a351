//! The main job from beginning to end: a model writes a tool, a person approves it, clients call it.

use serde_json::{Value, json};

use crate::client::Client;
use crate::database::Database;
use testkit::http::Api;

/// A tool with imports, a class, `print`, a typed signature and defaults.
pub(crate) const CODE: &str = r#"
import math
from dataclasses import dataclass


@dataclass
class Circle:
    radius: float

    def area(self) -> float:
        return math.pi * self.radius**2


async def main(radius: float, unit: str = "cm", digits: int = 2) -> dict:
    """Area of a circle.

    Args:
        radius: The radius, in the unit.
        unit: The name of the unit.
    """
    circle = Circle(radius)
    print("computing", circle)
    return {"area": round(circle.area(), digits), "unit": unit + "²"}
"#;

#[test]
fn the_whole_loop_on_sqlite() {
    whole_loop(&Database::sqlite(), "auto");
}

#[test]
fn the_whole_loop_on_sqlite_with_a_legacy_client() {
    whole_loop(&Database::sqlite(), "legacy");
}

#[test]
fn the_whole_loop_on_postgresql() {
    whole_loop(&Database::postgres(), "auto");
}

fn whole_loop(database: &Database, mode: &str) {
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, mode);
    let mut watcher = Client::connect(&program.mcp, mode);
    let (server_id, tool_id) = writes_tests_and_files(&mut model);

    let api = Api::sign_in(&program.admin);
    let queue = api.ok("GET", "/api/approvals/tools", &Value::Null);
    assert_eq!(queue["total"], json!(1), "{queue}");
    assert_eq!(queue["items"][0]["python_code"], json!(CODE));
    assert!(
        !model.tools().contains(&"shapes__circle".to_owned()),
        "nothing is live before approval"
    );

    let before = watcher.changes();
    api.approve(&tool_id);
    watcher.wait_for_change(before);
    let server = model.ok("mcpbox_get_server", &json!({"server_id": server_id}));
    assert_eq!(server["status"], "running", "the first approval starts the server");

    answers_and_is_logged(&mut model, &tool_id);
    draft_leaves_the_live_revision(&mut model, &api, &tool_id);
    stopped_stays_stopped(&mut model, &api, &server_id, &tool_id);
}

/// Point 1: create, validate, test the draft, file it.
fn writes_tests_and_files(model: &mut Client) -> (String, String) {
    let server = model.ok("mcpbox_create_server", &json!({"name": "shapes"}));
    let server_id = server["id"].as_str().expect("an id").to_owned();
    let new = json!({"server_id": server_id, "name": "circle", "python_code": CODE});
    let tool = model.ok("mcpbox_create_tool", &new);
    let tool_id = tool["id"].as_str().expect("an id").to_owned();

    let valid = model.ok("mcpbox_validate_code", &json!({"code": CODE}));
    assert_eq!((&valid["valid"], &valid["has_main"]), (&json!(true), &json!(true)), "{valid}");
    let schema = &valid["input_schema"];
    assert_eq!(schema["required"], json!(["radius"]), "{schema}");
    assert_eq!(schema["properties"]["digits"]["default"], json!(2), "{schema}");
    assert_eq!(schema["properties"]["radius"]["type"], json!("number"), "{schema}");

    let test = json!({"tool_id": tool_id, "arguments": {"radius": 2}});
    let tested = model.ok("mcpbox_test_code", &test);
    assert_eq!(tested["result"], json!({"area": 12.57, "unit": "cm²"}), "{tested}");
    assert!(
        tested["stdout"].as_str().expect("text").contains("computing Circle(radius=2"),
        "{tested}"
    );

    let file = json!({"tool_id": tool_id, "notes": "for geometry"});
    let filed = model.ok("mcpbox_request_publish", &file);
    assert_eq!(filed["status"], "pending_review", "{filed}");
    let pending = model.ok("mcpbox_list_pending_requests", &json!({}));
    assert_eq!(pending["summary"]["tools"], json!(1), "{pending}");
    (server_id, tool_id)
}

/// Points 3 and 6: the call, its JSON text and structured content, its row in the log.
fn answers_and_is_logged(model: &mut Client, tool_id: &str) {
    let listed = model.tool("shapes__circle");
    assert_eq!(listed["inputSchema"]["required"], json!(["radius"]), "{listed}");
    assert_eq!(listed["description"], "Area of a circle.", "the docstring describes it: {listed}");
    let answer = model.call("shapes__circle", &json!({"radius": 2.0, "unit": "m"}));
    let expected = json!({"area": 12.57, "unit": "m²"});
    assert_eq!(answer["structuredContent"], expected, "{answer}");
    let text = answer["content"][0]["text"].as_str().expect("a text");
    assert_eq!(serde_json::from_str::<Value>(text).expect("JSON"), expected);

    let wrong = model.fails("shapes__circle", &json!({"radius": "wide"}));
    assert!(wrong.contains("radius") && wrong.contains("number"), "{wrong}");

    let logs = model.ok("mcpbox_get_tool_logs", &json!({"tool_id": tool_id}));
    let logs = logs["logs"].as_array().expect("a list");
    assert_eq!(logs.len(), 3, "{logs:?}");
    assert_eq!(logs[0]["success"], json!(false));
    let call = &logs[1];
    assert_eq!(call["input_args"], json!({"radius": 2.0, "unit": "m"}), "{call}");
    assert_eq!(call["result"], expected, "{call}");
    assert!(call["stdout"].as_str().expect("text").contains("computing"), "{call}");
    assert!(call["duration_ms"].as_f64().expect("a number") > 0.0, "{call}");
    let who = call["executed_by"].as_str().expect("a text");
    assert!(who.contains("mcp") && who.contains("127.0.0.1"), "client and address: {who}");
}

/// Point 5: a changed tool is a draft; filing it twice is one request; the old one answers until
/// the new one is approved.
fn draft_leaves_the_live_revision(model: &mut Client, api: &Api, tool_id: &str) {
    let code = "async def main(radius: float = 1.0) -> dict:\n    return {\"area\": -1}\n";
    model.ok("mcpbox_update_tool", &json!({"tool_id": tool_id, "python_code": code}));
    let status = model.ok("mcpbox_get_tool_status", &json!({"tool_id": tool_id}));
    assert_eq!(status["approval_status"], "draft", "{status}");
    let first = model.ok("mcpbox_request_publish", &json!({"tool_id": tool_id}));
    let again = model.ok("mcpbox_request_publish", &json!({"tool_id": tool_id}));
    assert_eq!(
        (&first["status"], &again["status"]),
        (&json!("pending_review"), &json!("pending_review"))
    );
    assert_eq!(api.ok("GET", "/api/approvals/tools", &Value::Null)["total"], json!(1));
    let still = model.ok("shapes__circle", &json!({"radius": 2.0}));
    assert_eq!(still["area"], json!(12.57));
    let test = json!({"tool_id": tool_id, "arguments": {}});
    assert_eq!(model.ok("mcpbox_test_code", &test)["result"], json!({"area": -1}));

    let before = model.changes();
    api.approve(tool_id);
    model.wait_for_change(before);
    let now = model.ok("shapes__circle", &json!({}));
    assert_eq!(now, json!({"area": -1}));
    let versions = model.ok("mcpbox_list_tool_versions", &json!({"tool_id": tool_id}));
    assert_eq!(versions["total_versions"], json!(2), "{versions}");
}

/// Point 3: what a person stopped stays stopped through an approval, until somebody starts it.
fn stopped_stays_stopped(model: &mut Client, api: &Api, server_id: &str, tool_id: &str) {
    api.ok("POST", &format!("/api/sandbox/servers/{server_id}/stop"), &Value::Null);
    assert!(!model.tools().contains(&"shapes__circle".to_owned()));
    let gone = model.fails("shapes__circle", &json!({}));
    assert!(gone.contains("shapes__circle"), "{gone}");

    let code = "async def main() -> dict:\n    return {\"version\": 3}\n";
    model.ok("mcpbox_update_tool", &json!({"tool_id": tool_id, "python_code": code}));
    model.ok("mcpbox_request_publish", &json!({"tool_id": tool_id}));
    api.approve(tool_id);
    assert!(!model.tools().contains(&"shapes__circle".to_owned()), "still stopped");

    let started = model.ok("mcpbox_start_server", &json!({"server_id": server_id}));
    assert_eq!(started["registered_tools"], json!(1), "{started}");
    assert_eq!(model.ok("shapes__circle", &json!({})), json!({"version": 3}));
}

/// Makes a server with one approved tool through the client and the API, for other tests.
pub(crate) fn publish(
    model: &mut Client,
    api: &Api,
    server: &str,
    tool: &str,
    code: &str,
) -> String {
    let id = draft(model, server, tool, code);
    model.ok("mcpbox_request_publish", &json!({"tool_id": id}));
    api.approve(&id);
    id
}

/// The same without filing it, which would ask for what the tool declares along.
pub(crate) fn approve_unfiled(
    model: &mut Client,
    api: &Api,
    server: &str,
    tool: &str,
    code: &str,
) -> String {
    let id = draft(model, server, tool, code);
    let digest = model.ok("mcpbox_get_tool", &json!({"tool_id": id}))["digest"].clone();
    let path = format!("/api/approvals/tools/{id}/action");
    api.ok("POST", &path, &json!({"action": "approve", "digest": digest}));
    id
}

/// A draft on a server, which is made where there is none of that name.
fn draft(model: &mut Client, server: &str, tool: &str, code: &str) -> String {
    let listed = model.ok("mcpbox_list_servers", &json!({}));
    let servers = listed["servers"].as_array().expect("a list");
    let found =
        servers.iter().find(|known| known["name"] == server).map(|known| known["id"].clone());
    let server_id = found.unwrap_or_else(|| {
        model.ok("mcpbox_create_server", &json!({"name": server}))["id"].clone()
    });
    let new = json!({"server_id": server_id, "name": tool, "python_code": code});
    let made = model.ok("mcpbox_create_tool", &new);
    made["id"].as_str().expect("an id").to_owned()
}
