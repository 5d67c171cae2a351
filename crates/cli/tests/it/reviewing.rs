//! Requests after the decision: revoked, deleted, searched, decided many at once.

use serde_json::{Value, json};
use testkit::http::Api;

use crate::client::Client;
use crate::database::Database;
use crate::pages::Browser;
use crate::whole_loop::publish;

const CODE: &str = "async def main() -> str:\n    import csv\n    return csv.__name__\n";
const NOBODY: &str = "01890000-0000-7000-8000-000000000000";

fn ask_host(model: &mut Client, tool_id: &str, host: &str) -> String {
    let ask = json!({"tool_id": tool_id, "host": host, "justification": "forecasts"});
    let asked = model.ok("mcpbox_request_network_access", &ask);
    asked["request_id"].as_str().expect("an id").to_owned()
}

fn ask_module(model: &mut Client, tool_id: &str, name: &str) -> String {
    let ask = json!({"tool_id": tool_id, "module_name": name, "justification": "plans"});
    let asked = model.ok("mcpbox_request_module", &ask);
    asked["request_id"].as_str().expect("an id").to_owned()
}

#[test]
fn approved_requests_are_revoked_and_rejected_ones_deleted_on_sqlite() {
    undone(&Database::sqlite());
}

#[test]
fn approved_requests_are_revoked_and_rejected_ones_deleted_on_postgresql() {
    undone(&Database::postgres());
}

fn undone(database: &Database) {
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let tool_id = publish(&mut model, &api, "weather", "look", CODE);
    let server = api.ok("GET", "/api/servers", &Value::Null)["items"][0]["id"].clone();
    let server = server.as_str().expect("an id");
    let hosts =
        || api.ok("GET", &format!("/api/servers/{server}"), &Value::Null)["allowed_hosts"].clone();
    let host = ask_host(&mut model, &tool_id, "api.example.com");
    let path = |verb: &str| format!("/api/approvals/network/{host}{verb}");
    assert_eq!(api.send("POST", &path("/revoke"), &Value::Null).status, 409, "it is pending");
    api.ok("POST", &path("/action"), &json!({"action": "approve"}));
    assert_eq!(hosts(), json!(["api.example.com"]));
    assert_eq!(api.send("DELETE", &path(""), &Value::Null).status, 409, "it is approved");
    let revoked = api.ok("POST", &path("/revoke"), &Value::Null);
    assert_eq!(
        (&revoked["status"], &revoked["host"]),
        (&json!("pending"), &json!("api.example.com"))
    );
    assert_eq!(revoked["still_allowed_by"], Value::Null, "{revoked}");
    assert_eq!(hosts(), json!([]));
    api.ok("POST", &path("/action"), &json!({"action": "reject", "reason": "not that one"}));
    let again = json!({"tool_id": tool_id, "host": "api.example.com", "justification": "x"});
    assert!(model.fails("mcpbox_request_network_access", &again).contains("not that one"));
    assert_eq!(api.send("DELETE", &path(""), &Value::Null).status, 204);
    assert_eq!(api.send("DELETE", &path(""), &Value::Null).status, 404);
    model.ok("mcpbox_request_network_access", &again);

    let module = ask_module(&mut model, &tool_id, "sched");
    let action = format!("/api/approvals/modules/{module}/action");
    api.ok("POST", &action, &json!({"action": "approve"}));
    let approved = format!("/api/approvals/server/{server}/modules");
    let listed = api.ok("GET", &approved, &Value::Null);
    let item = &listed["items"][0];
    assert_eq!((&item["module_name"], &item["source"]), (&json!("sched"), &json!("llm")));
    api.ok("POST", &format!("/api/approvals/modules/{module}/revoke"), &Value::Null);
    assert_eq!(api.ok("GET", &approved, &Value::Null)["total"], 0);
    let modules = api.ok("GET", "/api/settings/modules", &Value::Null);
    assert!(!modules["allowed_modules"].to_string().contains("\"sched\""), "{modules}");
    let swapped =
        api.send("POST", &format!("/api/approvals/network/{module}/revoke"), &Value::Null);
    assert_eq!(swapped.status, 404, "a module is no host: {swapped:?}");

    api.ok("POST", &format!("/api/servers/{server}/allowed-hosts"), &json!({"host": "nas.lan"}));
    let given = api.ok("GET", &format!("/api/approvals/server/{server}/network"), &Value::Null);
    let item = &given["items"][0];
    assert_eq!((&item["host"], &item["source"]), (&json!("nas.lan"), &json!("admin")), "{given}");
    assert_eq!((&item["tool_id"], &item["server_name"]), (&Value::Null, &json!("weather")));
}

#[test]
fn the_list_of_modules_is_shortened_for_the_next_call_and_restored() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    publish(&mut model, &api, "weather", "look", CODE);
    assert_eq!(model.ok("weather__look", &json!({})), json!({"result": "csv"}));
    let change = |change: Value| api.ok("PATCH", "/api/settings/modules", &change);
    let shorter = change(json!({"remove_modules": ["csv"]}));
    assert_eq!(
        (&shorter["is_custom"], &shorter["removed_modules"]),
        (&json!(true), &json!(["csv"]))
    );
    let refused = model.fails("weather__look", &json!({}));
    assert!(refused.contains("csv") && refused.contains("mcpbox_request_module"), "{refused}");
    let listed = model.ok("mcpbox_get_server_modules", &json!({}));
    assert!(!listed["allowed_modules"].to_string().contains("\"csv\""), "{listed}");
    let whole = change(json!({"reset_to_defaults": true}));
    assert_eq!((&whole["is_custom"], &whole["removed_modules"]), (&json!(false), &json!([])));
    assert_eq!(model.ok("weather__look", &json!({})), json!({"result": "csv"}));

    for (wrong, status) in [
        (json!({}), 422),
        (json!({"remove_modules": "csv"}), 422),
        (json!({"remove_modules": ["no such"]}), 404),
        (json!({"remove_modules": ["a\u{0}b"]}), 404),
        (json!({"remove_modules": ["csv", "csv"]}), 404),
        (json!({"add_modules": ["csv"]}), 409),
        (json!({"add_modules": ["a\u{0}b"]}), 422),
        (json!({"add_modules": vec!["sched"; 101]}), 422),
        (json!({"reset_to_defaults": true, "add_modules": ["sched"]}), 422),
        (json!({"reset_to_defaults": "yes"}), 422),
    ] {
        let answer = api.send("PATCH", "/api/settings/modules", &wrong);
        assert_eq!(answer.status, status, "{wrong}: {answer:?}");
    }
    assert_eq!(model.ok("weather__look", &json!({})), json!({"result": "csv"}), "none was done");
}

#[test]
fn many_are_decided_at_once_each_for_itself() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let tool_id = publish(&mut model, &api, "weather", "look", CODE);
    let hosts: Vec<String> = ["a.example", "b.example"]
        .iter()
        .map(|host| ask_host(&mut model, &tool_id, host))
        .collect();
    let module = ask_module(&mut model, &tool_id, "sched");
    let stats = || api.ok("GET", "/api/approvals/stats", &Value::Null);
    let now = stats();
    assert_eq!((&now["pending_network_requests"], &now["approved_tools"]), (&json!(2), &json!(1)));
    assert_eq!(now["recently_approved"], 1, "{now}");

    let bulk = |kind: &str, body: &Value| {
        api.send("POST", &format!("/api/approvals/{kind}/bulk-action"), body)
    };
    let mixed = json!({"request_ids": [hosts[0], module, NOBODY], "action": "approve"});
    let done = bulk("network", &mixed).json();
    assert_eq!((&done["success"], &done["processed_count"]), (&json!(false), &json!(1)), "{done}");
    let failed: Vec<&Value> =
        done["failed"].as_array().expect("a list").iter().map(|one| &one["id"]).collect();
    assert_eq!(failed, [&json!(module), &json!(NOBODY)]);
    let rejected = json!({"request_ids": [hosts[1]], "action": "reject", "reason": "no"});
    assert_eq!(bulk("network", &rejected).json()["success"], true);
    let none = json!({"request_ids": [module], "action": "approve"});
    assert_eq!(bulk("modules", &none).json()["processed_count"], 1);
    assert_eq!(stats()["approved_network_requests"], 1);

    let many: Vec<String> = (0..101).map(|n| format!("01890000-0000-7000-8000-{n:012}")).collect();
    for (kind, body) in [
        ("network", json!({})),
        ("network", json!({"request_ids": [], "action": "approve"})),
        ("network", json!({"request_ids": many, "action": "approve"})),
        ("network", json!({"request_ids": [NOBODY, NOBODY], "action": "approve"})),
        ("network", json!({"request_ids": ["x"], "action": "approve"})),
        ("network", json!({"request_ids": [NOBODY], "action": "maybe"})),
        ("network", json!({"request_ids": [NOBODY], "action": "reject"})),
        ("network", json!({"request_ids": [NOBODY], "action": "reject", "reason": "a\u{0}"})),
        (
            "modules",
            json!({"request_ids": [NOBODY], "action": "reject", "reason": "x".repeat(2001)}),
        ),
        ("packages", json!({"request_ids": [NOBODY], "action": "approve"})),
        ("tools", json!({"tool_ids": many, "action": "approve"})),
        ("tools", json!({"tool_ids": [NOBODY], "action": "submit_for_review"})),
        ("tools", json!({"tool_ids": [NOBODY], "action": "approve", "digests": {(&tool_id): "x"}})),
        ("tools", json!({"tool_ids": [NOBODY], "action": "approve", "digests": {"x": "y"}})),
        ("tools", json!({"tool_ids": [NOBODY], "action": "approve", "digests": ["x"]})),
    ] {
        let answer = bulk(kind, &body);
        assert_eq!(answer.status, 422, "{kind} {body}: {answer:?}");
    }
    let stale = json!({"tool_ids": [tool_id], "action": "approve", "digests": {(&tool_id): "x"}});
    let stale = bulk("tools", &stale).json();
    assert_eq!(stale["failed"][0]["id"], json!(tool_id), "{stale}");
    assert_eq!(stale["processed_count"], 0, "{stale}");
}

#[test]
fn queues_are_searched_and_filtered() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let tool_id = publish(&mut model, &api, "weather", "look", CODE);
    ask_host(&mut model, &tool_id, "a.example");
    ask_module(&mut model, &tool_id, "sched");
    let total = |path: &str| api.ok("GET", path, &Value::Null)["total"].clone();
    for (path, expected) in [
        ("/api/approvals/network?search=A.EX", 1),
        ("/api/approvals/network?search=weather", 1),
        ("/api/approvals/network?search=sched", 0),
        ("/api/approvals/network?status=approved", 0),
        ("/api/approvals/modules?search=look&status=all", 1),
        ("/api/approvals/modules?search=%00", 0),
        ("/api/approvals/tools?status=approved&search=WEATHER", 1),
        ("/api/approvals/tools?status=all", 1),
        ("/api/approvals/tools", 0),
    ] {
        assert_eq!(total(path), expected, "{path}");
    }
    let long = "x".repeat(201);
    let nobody = format!("/api/approvals/server/{NOBODY}/network");
    for (path, status) in [
        (format!("/api/approvals/network?search={long}"), 422),
        (format!("/api/approvals/tools?search={long}"), 422),
        ("/api/approvals/tools?status=sideways".to_owned(), 422),
        ("/api/approvals/network?page=0".to_owned(), 422),
        (nobody, 404),
        ("/api/approvals/server/x/modules".to_owned(), 404),
    ] {
        assert_eq!(api.send("GET", &path, &Value::Null).status, status, "{path}");
    }
}

#[test]
fn a_person_ticks_revokes_and_deletes_on_the_pages() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let tool_id = publish(&mut model, &api, "weather", "look", CODE);
    let host = ask_host(&mut model, &tool_id, "a.example");
    let module = ask_module(&mut model, &tool_id, "sched");
    let browser = Browser::sign_in(&program.admin);
    let page = browser.get("/approvals/requests?search=a.ex");
    assert!(page.body.contains("a.example") && !page.body.contains("sched</bdi>"), "{page:?}");
    assert!(browser.get("/approvals?search=nothing").body.contains("Nothing like this waits"));

    let ticks = format!("back=requests&pick=network%2F{host}&pick=modules%2F{module}");
    let silent = browser.post("/approvals/bulk", &format!("{ticks}&action=reject&reason="));
    assert_eq!(silent.status, 422, "{silent:?}");
    let done = browser.post("/approvals/bulk", &format!("{ticks}&action=approve"));
    assert_eq!(done.status, 303, "{done:?}");
    let again = browser.post("/approvals/bulk", &format!("{ticks}&action=approve"));
    assert!(again.status == 409 && again.body.contains("approved now"), "{again:?}");
    for wrong in ["action=approve", "pick=x&action=approve", "pick=tools%2Fx%2Fy&action=approve"] {
        assert_eq!(browser.post("/approvals/bulk", wrong).status, 422, "{wrong}");
    }

    let path = format!("/approvals/network/{host}");
    assert!(browser.get("/approvals/requests?status=approved").body.contains("value=\"revoke\""));
    assert_eq!(browser.post(&path, "action=revoke").status, 303);
    assert_eq!(browser.post(&path, "action=reject&reason=no").status, 303);
    assert!(browser.get("/approvals/requests?status=rejected").body.contains("value=\"delete\""));
    assert_eq!(browser.post(&path, "action=delete").status, 303);
    assert_eq!(browser.post(&path, "action=delete").status, 404);

    assert_eq!(browser.post("/approvals/allowed-modules/remove", "name=csv").status, 303);
    model.fails("weather__look", &json!({}));
    let page = browser.get("/approvals/requests");
    assert!(page.body.contains("Put back"), "{page:?}");
    assert_eq!(browser.post("/approvals/allowed-modules/add", "name=csv").status, 303);
    assert_eq!(model.ok("weather__look", &json!({})), json!({"result": "csv"}));
    assert_eq!(browser.post("/approvals/allowed-modules/reset", "").status, 303);
}
