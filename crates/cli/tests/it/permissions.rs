//! Modules and hosts: a model asks, a person decides, the next call has it.

use serde_json::{Value, json};
use testkit::http::Api;

use crate::client::Client;
use crate::database::Database;
use crate::whole_loop::publish;

/// Runs a scheduler of the standard library, which is not allowed from the start.
const CODE: &str = "
async def main() -> list[str]:
    import sched
    import time
    ran = []
    clock = sched.scheduler(time.monotonic, time.sleep)
    clock.enter(0, 1, ran.append, ('ran',))
    clock.run()
    return ran
";

#[test]
fn an_approved_module_can_be_imported_in_the_next_call_on_sqlite() {
    module_loop(&Database::sqlite());
}

#[test]
fn an_approved_module_can_be_imported_in_the_next_call_on_postgresql() {
    module_loop(&Database::postgres());
}

fn module_loop(database: &Database) {
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let tool_id = publish(&mut model, &api, "plans", "run", CODE);
    let refused = model.fails("plans__run", &json!({}));
    assert!(refused.contains("sched") && refused.contains("mcpbox_request_module"), "{refused}");

    let ask = json!({"tool_id": tool_id, "module_name": "sched", "justification": "plans runs"});
    let asked = model.ok("mcpbox_request_module", &ask);
    assert_eq!((&asked["status"], &asked["module_name"]), (&json!("pending"), &json!("sched")));
    let pending = model.ok("mcpbox_list_pending_requests", &json!({}));
    let waiting = &pending["pending_module_requests"][0];
    assert_eq!(waiting["id"], asked["request_id"], "{pending}");
    assert_eq!((&waiting["tool_name"], &waiting["server_name"]), (&json!("run"), &json!("plans")));
    assert_eq!(pending["summary"]["modules"], 1, "{pending}");
    model.fails("plans__run", &json!({}));

    decide(&api, "modules", &asked, &json!({"action": "approve"}));
    let result = json!({"result": ["ran"]});
    assert_eq!(model.ok("plans__run", &json!({})), result);
    let test = json!({"tool_id": tool_id, "arguments": {}});
    assert_eq!(model.ok("mcpbox_test_code", &test)["result"], json!(["ran"]));
    let valid = model.ok("mcpbox_validate_code", &json!({"code": CODE}));
    assert!(!valid["notes"].to_string().contains("sched"), "{valid}");
    let status = model.ok("mcpbox_get_tool_status", &json!({"tool_id": tool_id}));
    assert_eq!(status["module_requests"][0]["status"], "approved", "{status}");
    let again = model.fails("mcpbox_request_module", &ask);
    assert!(again.contains("may be imported already"), "{again}");

    let removed = json!({"remove_modules": ["sched"]});
    let left = api.ok("PATCH", "/api/settings/modules", &removed);
    assert_eq!(left["is_custom"], false, "{left}");
    model.fails("plans__run", &json!({}));
    let added = api.ok("PATCH", "/api/settings/modules", &json!({"add_modules": ["sched"]}));
    assert!(added["allowed_modules"].to_string().contains("\"sched\""), "{added}");
    assert_eq!(model.ok("plans__run", &json!({})), result);
}

#[test]
fn a_rejected_module_stays_refused_and_the_model_reads_why() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let tool_id = publish(&mut model, &api, "plans", "run", CODE);
    let ask = |name: &str| json!({"tool_id": tool_id, "module_name": name, "justification": "x"});
    let never = model.fails("mcpbox_request_module", &ask("subprocess"));
    assert!(never.contains("can never be imported"), "{never}");
    let asked = model.ok("mcpbox_request_module", &ask("sched"));

    let path = path("modules", &asked);
    for (action, status) in [
        (json!({"action": "reject"}), 422),
        (json!({"action": "maybe"}), 422),
        (json!({"action": "reject", "reason": "use asyncio"}), 200),
        (json!({"action": "reject", "reason": "use asyncio"}), 409),
    ] {
        let answer = api.send("POST", &path, &action);
        assert_eq!(answer.status, status, "{action}: {answer:?}");
    }
    let status = model.ok("mcpbox_get_tool_status", &json!({"tool_id": tool_id}));
    let request = &status["module_requests"][0];
    assert_eq!(request["rejection_reason"], "use asyncio", "{status}");
    let again = model.fails("mcpbox_request_module", &ask("sched"));
    assert!(again.contains("use asyncio"), "{again}");
    model.fails("plans__run", &json!({}));

    let queue = api.ok("GET", "/api/approvals/modules", &Value::Null);
    assert_eq!(queue["total"], 0, "{queue}");
    let queue = api.ok("GET", "/api/approvals/modules?status=rejected", &Value::Null);
    let item = &queue["items"][0];
    assert_eq!((&item["module_name"], &item["reviewed_by"]), (&json!("sched"), &json!("grace")));
    let wrong = api.send("GET", "/api/approvals/modules?status=sideways", &Value::Null);
    assert_eq!(wrong.status, 422, "{wrong:?}");
}

#[test]
fn an_approved_host_is_allowed_for_the_server() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let code = "async def main() -> int:\n    return 1\n";
    let tool_id = publish(&mut model, &api, "weather", "look", code);
    let server_id = api.ok("GET", "/api/servers", &Value::Null)["items"][0]["id"].clone();
    let server_id = server_id.as_str().expect("an id");
    let ask = |host: &str| json!({"tool_id": tool_id, "host": host, "port": 8443, "justification": "forecasts"});
    let wrong = model.fails("mcpbox_request_network_access", &ask("https://api.example.com/v1"));
    assert!(wrong.contains("expected"), "{wrong}");
    let asked = model.ok("mcpbox_request_network_access", &ask("API.example.com"));
    assert_eq!((&asked["host"], &asked["port"]), (&json!("api.example.com"), &json!(8443)));

    let detail = || api.ok("GET", &format!("/api/servers/{server_id}"), &Value::Null);
    assert_eq!(detail()["pending_requests"], json!({"modules": 0, "network": 1, "packages": 0}));
    assert_eq!(detail()["allowed_hosts"], json!([]));
    let queue = api.ok("GET", "/api/approvals/network", &Value::Null);
    let item = &queue["items"][0];
    assert_eq!(
        (&item["host"], &item["server_name"]),
        (&json!("api.example.com"), &json!("weather"))
    );
    decide(&api, "network", &asked, &json!({"action": "approve"}));
    assert_eq!(detail()["pending_requests"], json!({"modules": 0, "network": 0, "packages": 0}));
    assert_eq!(detail()["allowed_hosts"], json!(["api.example.com:8443"]));
    let got = model.ok("mcpbox_get_server", &json!({"server_id": server_id}));
    assert_eq!(got["allowed_hosts"], json!(["api.example.com:8443"]), "{got}");

    let hosts = format!("/api/servers/{server_id}/allowed-hosts");
    let added = api.ok("POST", &hosts, &json!({"host": "nas.lan"}));
    assert_eq!(added["allowed_hosts"], json!(["api.example.com:8443", "nas.lan"]));
    let wrong = api.send("POST", &hosts, &json!({"host": "*.lan"}));
    assert_eq!(wrong.status, 422, "{wrong:?}");
    let left = api.ok("DELETE", &format!("{hosts}/api.example.com:8443"), &Value::Null);
    assert_eq!(left["allowed_hosts"], json!(["nas.lan"]));
    let left = api.ok("DELETE", &format!("{hosts}?host=nas.lan"), &Value::Null);
    assert_eq!(left["allowed_hosts"], json!([]));
    let gone = api.send("DELETE", &format!("{hosts}/nas.lan"), &Value::Null);
    assert_eq!(gone.status, 404, "{gone:?}");
}

fn path(kind: &str, asked: &Value) -> String {
    let id = asked["request_id"].as_str().expect("an id");
    format!("/api/approvals/{kind}/{id}/action")
}

fn decide(api: &Api, kind: &str, asked: &Value, action: &Value) -> Value {
    let decided = api.ok("POST", &path(kind, asked), action);
    assert_eq!(decided["success"], true, "{decided}");
    decided
}
