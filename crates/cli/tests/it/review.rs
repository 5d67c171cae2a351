//! What an approval means: revisions, their digests, what they declare, and taking back.

mod versions;

use serde_json::{Value, json};
use testkit::http::Api;
use testkit::program::Program;

use crate::client::Client;
use crate::database::Database;
use crate::whole_loop::publish;

/// Reads a secret and asks a host that stand in the code.
const WEATHER: &str = r#"
async def main(place: str) -> dict:
    key = secrets["API_KEY"]
    answer = await http.get("https://api.example.com/weather", params={"q": place, "key": key})
    return {"status": answer.status_code, "key": key}
"#;

/// Asks whatever host it is told.
const ANY_HOST: &str = r#"
async def main(host: str) -> int:
    return (await http.get(f"https://{host}/")).status_code
"#;

fn number(value: u32) -> String {
    format!("async def main() -> int:\n    return {value}\n")
}

fn world(program: &Program) -> (Client, Api) {
    (Client::connect(&program.mcp, "auto"), Api::sign_in(&program.admin))
}

/// A new draft on a new server: the ids of both.
fn draft(model: &mut Client, server: &str, code: &str) -> (String, String) {
    let server = model.ok("mcpbox_create_server", &json!({"name": server}));
    let server_id = server["id"].as_str().expect("an id").to_owned();
    let new = json!({"server_id": server_id, "name": "tool", "python_code": code});
    let made = model.ok("mcpbox_create_tool", &new);
    (server_id, made["id"].as_str().expect("an id").to_owned())
}

fn state(model: &mut Client, tool_id: &str) -> Value {
    model.ok("mcpbox_get_tool_status", &json!({"tool_id": tool_id}))
}

fn edit(model: &mut Client, tool_id: &str, code: &str) -> Value {
    model.ok("mcpbox_update_tool", &json!({"tool_id": tool_id, "python_code": code}))
}

fn act(api: &Api, tool_id: &str, body: &Value) -> (u16, Value) {
    let path = format!("/api/approvals/tools/{tool_id}/action");
    let answer = api.send("POST", &path, body);
    (answer.status, answer.json())
}

#[test]
fn a_test_notes_what_it_was_refused_and_publication_asks_for_it() {
    let database = Database::sqlite();
    let program = database.serve();
    let (mut model, api) = world(&program);
    let (server_id, id) = draft(&mut model, "weather", WEATHER);
    let shown = model.ok("mcpbox_get_tool", &json!({"tool_id": id}));
    let declared = json!({"hosts": ["api.example.com"], "secrets": ["API_KEY"]});
    assert_eq!(shown["capabilities"], declared, "{shown}");
    assert_eq!(shown["lacking"], declared, "{shown}");
    let risk = shown["risk"].as_str().expect("a line");
    assert!(risk.starts_with("Reads secret API_KEY and can send to api.example.com"), "{risk}");

    let test = json!({"tool_id": id, "arguments": {"place": "Rome"}});
    let answer = model.call("mcpbox_test_code", &test);
    assert_eq!(answer["isError"], true, "{answer}");
    let tested = &answer["structuredContent"];
    let result = json!({"status": 403, "key": "mcpbox-placeholder-for-API_KEY"});
    assert_eq!((&tested["success"], &tested["result"]), (&json!(false), &result), "{tested}");
    assert!(tested["peak_memory_bytes"].as_u64() > Some(1 << 20), "{tested}");
    let asks: Vec<_> = tested["requests"].as_array().expect("a list").iter().collect();
    let tools: Vec<_> = asks.iter().map(|ask| ask["tool"].as_str().expect("a name")).collect();
    assert_eq!(tools, ["mcpbox_create_server_secret", "mcpbox_request_network_access"], "{tested}");
    assert_eq!(asks[1]["arguments"]["host"], "api.example.com");

    let filed = model.ok("mcpbox_request_publish", &json!({"tool_id": id}));
    let along = filed["filed_requests"].to_string();
    assert!(along.contains("api.example.com") && along.contains("API_KEY"), "{filed}");
    let waiting = api.ok("GET", "/api/approvals/network", &Value::Null);
    assert_eq!(waiting["items"][0]["host"], "api.example.com", "{waiting}");
    let secrets = model.ok("mcpbox_list_server_secrets", &json!({"server_id": server_id}));
    assert_eq!(secrets["secrets"][0]["has_value"], false, "{secrets}");

    // Without what it lacks it can be approved, and says what is missing.
    api.approve(&id);
    let unset = model.fails("weather__tool", &json!({"place": "Rome"}));
    assert!(unset.contains("API_KEY") && unset.contains("no value yet"), "{unset}");
    let hints = &model.tool("weather__tool")["annotations"];
    assert_eq!((&hints["readOnlyHint"], &hints["openWorldHint"]), (&json!(false), &json!(true)));
}

#[test]
fn a_tool_that_reaches_nothing_is_told_to_be_read_only() {
    let database = Database::sqlite();
    let program = database.serve();
    let (mut model, api) = world(&program);
    publish(&mut model, &api, "pure", "tool", &number(1));
    let hints = &model.tool("pure__tool")["annotations"];
    assert_eq!((&hints["readOnlyHint"], &hints["openWorldHint"]), (&json!(true), &json!(false)));
}

#[test]
fn a_host_that_a_live_tool_asks_for_is_declared_and_approved_in_one_decision() {
    let database = Database::sqlite();
    let program = database.serve();
    let (mut model, api) = world(&program);
    let id = publish(&mut model, &api, "asks", "tool", ANY_HOST);
    let refused = model.fails("asks__tool", &json!({"host": "api.example.com"}));
    assert!(refused.contains("mcpbox_request_network_access"), "{refused}");
    let server_id = model.ok("mcpbox_get_tool", &json!({"tool_id": id}))["server_id"].clone();

    // Allowed for the server, and not declared: refused with the line to add.
    let hosts = format!("/api/servers/{}/allowed-hosts", server_id.as_str().expect("an id"));
    api.ok("POST", &hosts, &json!({"host": "other.example.com"}));
    let undeclared = model.fails("asks__tool", &json!({"host": "other.example.com"}));
    assert!(undeclared.contains("# mcpbox: hosts=other.example.com"), "{undeclared}");

    let ask = json!({"tool_id": id, "host": "api.example.com", "justification": "the weather"});
    let asked = model.ok("mcpbox_request_network_access", &ask);
    let request = asked["request_id"].as_str().expect("an id");
    let path = format!("/api/approvals/network/{request}/action");
    api.ok("POST", &path, &json!({"action": "approve"}));
    let now = model.ok("mcpbox_get_tool", &json!({"tool_id": id}));
    assert_eq!((&now["current_version"], &now["live_version"]), (&json!(2), &json!(2)), "{now}");
    let code = now["python_code"].as_str().expect("code");
    assert!(code.starts_with("# mcpbox: hosts=api.example.com\n"), "{code}");
    assert_eq!(now["capabilities"], json!({"hosts": ["api.example.com"]}));
    // Nothing answers there, and nobody refuses it any more.
    let reached = model.fails("asks__tool", &json!({"host": "api.example.com"}));
    assert!(!reached.contains("not approved") && !reached.contains("not declared"), "{reached}");
}

#[test]
fn a_decision_holds_for_the_digest_that_was_seen() {
    let database = Database::postgres();
    let program = database.serve();
    let (mut model, api) = world(&program);
    let (_, id) = draft(&mut model, "seen", &number(1));
    let seen = model.ok("mcpbox_get_tool", &json!({"tool_id": id}))["digest"].clone();
    edit(&mut model, &id, &number(2));
    let now = model.ok("mcpbox_request_publish", &json!({"tool_id": id}))["digest"].clone();
    for action in ["approve", "reject"] {
        let body = json!({"action": action, "digest": seen, "reason": "x"});
        let (status, answer) = act(&api, &id, &body);
        let text = answer["detail"].as_str().expect("a text");
        assert_eq!(status, 409, "{answer}");
        for digest in [&seen, &now] {
            assert!(text.contains(digest.as_str().expect("a digest")), "{text}");
        }
    }
    // Older clients send none: the newest that was filed, and its digest in the answer.
    let (status, decided) = act(&api, &id, &json!({"action": "approve"}));
    assert_eq!((status, &decided["digest"]), (200, &now), "{decided}");
    // An equal digest elsewhere approves nothing.
    let (_, twin) = draft(&mut model, "twin", &number(2));
    let twin = state(&mut model, &twin);
    assert_ne!(twin["digest"], now);
    assert_eq!((&twin["approval_status"], &twin["live_version"]), (&json!("draft"), &Value::Null));
}

#[test]
fn rejected_revoked_and_approved_again() {
    let database = Database::sqlite();
    let program = database.serve();
    let (mut model, api) = world(&program);
    let (_, id) = draft(&mut model, "states", &number(1));
    // A person files it, and needs a reason to reject it.
    let (status, filed) = act(&api, &id, &json!({"action": "submit_for_review"}));
    assert_eq!((status, &filed["status"]), (200, &json!("pending_review")));
    let (status, _) = act(&api, &id, &json!({"action": "reject"}));
    assert_eq!(status, 422);
    let (status, _) = act(&api, &id, &json!({"action": "reject", "reason": "say more"}));
    assert_eq!(status, 200);
    let rejected = state(&mut model, &id);
    assert_eq!(rejected["approval_status"], "rejected");
    assert_eq!(rejected["rejection_reason"], "say more");
    // What was rejected can be filed again, which forgets the reason, and approved.
    let again = model.ok("mcpbox_request_publish", &json!({"tool_id": id}));
    assert_eq!(again["status"], "pending_review");
    assert_eq!(state(&mut model, &id)["rejection_reason"], Value::Null);
    api.approve(&id);
    assert_eq!(model.ok("states__tool", &json!({}))["result"], 1);
    // Revoked, it waits again and clients lose it.
    let before = model.changes();
    let revoke = format!("/api/approvals/tools/{id}/revoke");
    assert_eq!(api.send("POST", &revoke, &json!({"digest": "0".repeat(64)})).status, 409);
    let revoked = api.ok("POST", &revoke, &Value::Null);
    assert_eq!(revoked["status"], "pending_review", "{revoked}");
    model.wait_for_change(before);
    model.fails("states__tool", &json!({}));
    assert_eq!(api.send("POST", &revoke, &Value::Null).status, 409, "nothing is left to revoke");
    api.approve(&id);
    assert_eq!(model.ok("states__tool", &json!({}))["result"], 1);
}

#[test]
fn a_draft_that_was_never_filed_is_approved_by_its_digest_alone() {
    let database = Database::sqlite();
    let program = database.serve();
    let (mut model, api) = world(&program);
    let (_, id) = draft(&mut model, "unfiled", &number(1));
    assert_eq!(act(&api, &id, &json!({"action": "approve"})).0, 409);
    let digest = state(&mut model, &id)["digest"].clone();
    assert_eq!(act(&api, &id, &json!({"action": "approve", "digest": digest})).0, 200);
    assert_eq!(model.ok("unfiled__tool", &json!({}))["result"], 1);
}

#[test]
fn where_the_setting_says_so_publication_approves() {
    let database = Database::sqlite();
    let program = database.serve();
    let (mut model, api) = world(&program);
    let policy =
        json!({"tool_approval_mode": "auto_approve", "module_approval_mode": "auto_approve"});
    api.ok("PATCH", "/api/settings/security-policy", &policy);
    let code = "import sched\n\nasync def main() -> bool:\n    return bool(sched.scheduler)\n";
    let (_, id) = draft(&mut model, "auto", code);
    assert_eq!(state(&mut model, &id)["approval_status"], "draft");
    let filed = model.ok("mcpbox_request_publish", &json!({"tool_id": id}));
    assert_eq!(filed["status"], "approved", "{filed}");
    assert_eq!(model.ok("auto__tool", &json!({}))["result"], true);
    assert_eq!(state(&mut model, &id)["approved_by"], "auto_approve");
    // Changed, it is a draft again until it is filed.
    edit(&mut model, &id, &number(2));
    assert_eq!(state(&mut model, &id)["approval_status"], "draft");
    assert_eq!(model.ok("auto__tool", &json!({}))["result"], true);
}

#[test]
fn a_test_with_secrets_runs_only_what_was_seen() {
    let database = Database::sqlite();
    let program = database.serve();
    let (mut model, api) = world(&program);
    let code = "async def main() -> int:\n    return len(secrets['KEY'])\n";
    let (server_id, id) = draft(&mut model, "tests", code);
    let path = format!("/api/servers/{server_id}/secrets");
    api.ok("POST", &path, &json!({"key_name": "KEY"}));
    api.ok("PUT", &format!("{path}/KEY"), &json!({"value": "twelve chars"}));
    let digest =
        |api: &Api| api.ok("GET", &format!("/api/tools/{id}"), &Value::Null)["digest"].clone();
    let test = |digest: &Value, with_secrets: bool| {
        let body = json!({"tool_id": id, "digest": digest, "with_secrets": with_secrets});
        api.send("POST", "/api/tools/test-code", &body)
    };
    let seen = digest(&api);
    assert_eq!(test(&Value::Null, true).status, 422);
    assert_eq!(test(&seen, true).json()["result"], 12);
    let placeholder = test(&Value::Null, false).json();
    assert_eq!(placeholder["result"], json!("mcpbox-placeholder-for-KEY".len()), "{placeholder}");
    edit(&mut model, &id, &code.replace("len(", "7 * len("));
    let stale = test(&seen, true);
    assert!(stale.status == 409 && stale.body.contains("version 2"), "{stale:?}");
    assert_eq!(test(&digest(&api), true).json()["result"], 84);
}

#[test]
fn a_host_that_is_allowed_before_its_tool_is_declared_by_what_waits() {
    let database = Database::sqlite();
    let program = database.serve();
    let (mut model, api) = world(&program);
    let (_, id) = draft(&mut model, "order", ANY_HOST);
    let test = json!({"tool_id": id, "arguments": {"host": "api.example.com"}});
    let refused = model.call("mcpbox_test_code", &test);
    let asked = &refused["structuredContent"]["requests"][0]["arguments"];
    assert_eq!(asked["host"], "api.example.com", "{refused}");
    model.ok("mcpbox_request_publish", &json!({"tool_id": id}));
    let waiting = api.ok("GET", "/api/approvals/network", &Value::Null);
    let request = waiting["items"][0]["id"].as_str().expect("an id");
    let path = format!("/api/approvals/network/{request}/action");
    api.ok("POST", &path, &json!({"action": "approve"}));
    let now = state(&mut model, &id);
    assert_eq!(now["approval_status"], "pending_review", "{now}");
    assert_eq!(now["capabilities"], json!({"hosts": ["api.example.com"]}), "{now}");
    api.approve(&id);
    let reached = model.fails("order__tool", &json!({"host": "api.example.com"}));
    assert!(!reached.contains("not approved") && !reached.contains("not declared"), "{reached}");
}
