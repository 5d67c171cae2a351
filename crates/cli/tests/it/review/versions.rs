//! Versions: what makes one, who changes it, and going back to one.

use serde_json::{Value, json};

use super::{act, draft, edit, number, state, world};
use crate::client::Client;
use crate::database::Database;
use crate::whole_loop::publish;

#[test]
fn any_change_makes_a_draft_and_the_live_version_stays() {
    let database = Database::sqlite();
    let program = database.serve();
    let (mut model, api) = world(&program);
    let id = publish(&mut model, &api, "rows", "tool", &number(1));
    let changes = [
        json!({"python_code": number(2)}),
        json!({"description": "Another text."}),
        json!({"timeout_ms": 5000}),
        json!({"name": "renamed"}),
    ];
    for (version, change) in (2..).zip(&changes) {
        let mut change = change.clone();
        change["tool_id"] = json!(id);
        let updated = model.ok("mcpbox_update_tool", &change);
        assert_eq!(updated["current_version"], json!(version), "{updated}");
        let now = state(&mut model, &id);
        assert_eq!((&now["approval_status"], &now["live_version"]), (&json!("draft"), &json!(1)));
        assert_eq!(now["callable_as"], "rows__tool", "{now}");
        assert_eq!(model.ok("rows__tool", &json!({}))["result"], 1);
    }
    // What changes nothing makes no version, and switching off takes effect at once.
    let same = json!({"tool_id": id, "python_code": number(2), "name": "renamed"});
    assert_eq!(model.ok("mcpbox_update_tool", &same)["current_version"], 5);
    let off = model.ok("mcpbox_update_tool", &json!({"tool_id": id, "enabled": false}));
    assert_eq!(off["current_version"], 5);
    model.fails("rows__tool", &json!({}));
    let on = json!({"tool_id": id, "enabled": true});
    model.ok("mcpbox_update_tool", &on);
    assert_eq!(model.ok("rows__tool", &json!({}))["result"], 1);
    // Approved, it is called by its new name alone.
    let filed = model.ok("mcpbox_request_publish", &json!({"tool_id": id}));
    let (status, decided) =
        act(&api, &id, &json!({"action": "approve", "digest": filed["digest"]}));
    assert_eq!((status, &decided["digest"]), (200, &filed["digest"]), "{decided}");
    assert_eq!(model.ok("rows__renamed", &json!({}))["result"], 2);
    model.fails("rows__tool", &json!({}));
}

#[test]
fn going_back_is_approved_only_where_exactly_that_was_and_still_may() {
    let database = Database::sqlite();
    let program = database.serve();
    let (mut model, api) = world(&program);
    let code = "async def main() -> int:\n    if False:\n        await http.get('https://a.example/')\n    return 1\n";
    let (server_id, id) = draft(&mut model, "back", code);
    let hosts = format!("/api/servers/{server_id}/allowed-hosts");
    api.ok("POST", &hosts, &json!({"host": "a.example"}));
    model.ok("mcpbox_request_publish", &json!({"tool_id": id}));
    api.approve(&id);
    edit(&mut model, &id, &number(2));
    edit(&mut model, &id, &number(3));
    model.ok("mcpbox_request_publish", &json!({"tool_id": id}));
    api.approve(&id);
    assert_eq!(model.ok("back__tool", &json!({}))["result"], 3);

    let back = |model: &mut Client, version: Value| {
        model.ok("mcpbox_rollback_tool", &json!({"tool_id": id, "version": version}))
    };
    let first = back(&mut model, json!("1"));
    assert_eq!(first["approval_status"], "approved", "{first}");
    assert_eq!(model.ok("back__tool", &json!({}))["result"], 1);
    // Never approved: it waits, and the live one stays.
    let second = back(&mut model, json!(2));
    assert_eq!(second["approval_status"], "pending_review", "{second}");
    assert_eq!(model.ok("back__tool", &json!({}))["result"], 1);
    // Approved before, but what it uses is not allowed any more.
    back(&mut model, json!(3));
    assert_eq!(model.ok("back__tool", &json!({}))["result"], 3);
    let gone = format!("{hosts}?host=a.example");
    api.ok("DELETE", &gone, &Value::Null);
    let again = back(&mut model, json!(1));
    assert_eq!(again["approval_status"], "pending_review", "{again}");
    assert_eq!(model.ok("back__tool", &json!({}))["result"], 3);

    for (version, part) in [(json!(99), "99"), (again["current_version"].clone(), "newest")] {
        let args = json!({"tool_id": id, "version": version});
        let refused = model.fails("mcpbox_rollback_tool", &args);
        assert!(refused.contains(part), "{refused}");
    }
    let compare = format!("/api/tools/{id}/versions/compare?from_version=2&to_version=3");
    let differences = api.ok("GET", &compare, &Value::Null)["differences"].clone();
    assert_eq!(differences[0]["field"], "python_code", "{differences}");
    let one = api.ok("GET", &format!("/api/tools/{id}/versions/2"), &Value::Null);
    assert_eq!(one["python_code"], json!(number(2)), "{one}");
    assert_eq!(api.send("GET", &format!("/api/tools/{id}/versions/x"), &Value::Null).status, 404);
}

#[test]
fn a_shorter_default_is_approved_with_it_and_a_longer_one_waits() {
    let database = Database::sqlite();
    let program = database.serve();
    let (mut model, api) = world(&program);
    let follows = publish(&mut model, &api, "limits", "follows", &number(1));
    let server = model.ok("mcpbox_get_tool", &json!({"tool_id": follows}))["server_id"].clone();
    let own =
        json!({"server_id": server, "name": "own", "python_code": number(2), "timeout_ms": 20000});
    let own = model.ok("mcpbox_create_tool", &own)["id"].as_str().expect("an id").to_owned();
    model.ok("mcpbox_request_publish", &json!({"tool_id": own}));
    api.approve(&own);
    let path = format!("/api/servers/{}", server.as_str().expect("an id"));
    let default = |limit: i32| api.ok("PATCH", &path, &json!({"default_timeout_ms": limit}));
    let tool = |model: &mut Client, id: &str| model.ok("mcpbox_get_tool", &json!({"tool_id": id}));

    default(10_000);
    let shorter = tool(&mut model, &follows);
    assert_eq!((&shorter["timeout_ms"], &shorter["live_version"]), (&json!(10_000), &json!(2)));
    assert_eq!(shorter["approval_status"], "approved", "{shorter}");
    default(60_000);
    let longer = tool(&mut model, &follows);
    assert_eq!((&longer["timeout_ms"], &longer["live_version"]), (&json!(60_000), &json!(2)));
    assert_eq!(longer["approval_status"], "pending_review", "{longer}");
    let kept = tool(&mut model, &own);
    assert_eq!((&kept["timeout_ms"], &kept["current_version"]), (&json!(20_000), &json!(1)));
    assert_eq!(api.send("PATCH", &path, &json!({"default_timeout_ms": 999})).status, 422);
}

#[test]
fn two_who_change_the_same_version_are_told_apart() {
    let database = Database::sqlite();
    let program = database.serve();
    let (mut model, api) = world(&program);
    let (_, id) = draft(&mut model, "edits", &number(1));
    let path = format!("/api/tools/{id}");
    let seen = api.ok("GET", &path, &Value::Null)["digest"].clone();
    edit(&mut model, &id, &number(2));
    let late = api.send("PATCH", &path, &json!({"description": "mine", "digest": seen}));
    assert_eq!(late.status, 409, "{late:?}");
    assert!(late.body.contains("version 2") && late.body.contains("Updated code"), "{late:?}");
    let now = api.ok("GET", &path, &Value::Null)["digest"].clone();
    let done = api.ok("PATCH", &path, &json!({"description": "mine", "digest": now}));
    assert_eq!((&done["current_version"], &done["description"]), (&json!(3), &json!("mine")));
}

#[test]
fn what_a_person_took_out_of_service_no_model_puts_back() {
    let database = Database::sqlite();
    let program = database.serve();
    let (mut model, api) = world(&program);
    let id = publish(&mut model, &api, "gone", "tool", &number(1));
    edit(&mut model, &id, &number(2));
    model.ok("mcpbox_request_publish", &json!({"tool_id": id}));
    api.approve(&id);
    api.ok("POST", &format!("/api/approvals/tools/{id}/revoke"), &Value::Null);
    let back = model.ok("mcpbox_rollback_tool", &json!({"tool_id": id, "version": 1}));
    assert_eq!(back["approval_status"], "pending_review", "{back}");
    model.fails("gone__tool", &json!({}));
    let path = format!("/api/tools/{id}/versions/1/rollback");
    let by_person = api.ok("POST", &path, &Value::Null);
    assert_eq!(by_person["approved"], true, "{by_person}");
    assert_eq!(model.ok("gone__tool", &json!({}))["result"], 1);
}
