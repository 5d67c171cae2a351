//! The life of a server through every door: renamed, started anew, deleted, with many tools.

use serde_json::{Value, json};
use testkit::http::Api;

use crate::client::Client;
use crate::database::Database;
use crate::pages::{Browser, field};
use crate::whole_loop::publish;

const CODE: &str = "async def main() -> int:\n    return 1\n";
const NOBODY: &str = "01890000-0000-7000-8000-000000000000";

fn server_id(api: &Api) -> String {
    let servers = api.ok("GET", "/api/servers", &Value::Null);
    servers["items"][0]["id"].as_str().expect("an id").to_owned()
}

#[test]
fn a_renamed_server_is_called_by_its_new_name_on_sqlite() {
    renamed(&Database::sqlite());
}

#[test]
fn a_renamed_server_is_called_by_its_new_name_on_postgresql() {
    renamed(&Database::postgres());
}

fn renamed(database: &Database) {
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    publish(&mut model, &api, "weather", "now", CODE);
    let id = server_id(&api);
    let path = format!("/api/servers/{id}");
    let result = json!({"result": 1});
    assert_eq!(model.ok("weather__now", &json!({})), result);
    let before = model.changes();
    let renamed = api.ok("PATCH", &path, &json!({"name": "sky", "description": "Clouds"}));
    assert_eq!((&renamed["name"], &renamed["description"]), (&json!("sky"), &json!("Clouds")));
    let before = model.wait_for_change(before);
    assert!(model.tools().contains(&"sky__now".to_owned()));
    assert_eq!(model.ok("sky__now", &json!({})), result);
    assert!(model.fails("weather__now", &json!({})).contains("Unknown tool"));

    for (prefix, public) in
        [(json!("Sky-1"), "Sky-1__now"), (json!(""), "now"), (Value::Null, "sky__now")]
    {
        let set = api.ok("PATCH", &path, &json!({"tool_prefix": prefix}));
        assert_eq!(set["tool_prefix"], prefix, "{set}");
        assert_eq!(model.ok(public, &json!({})), result, "{public}");
        assert!(model.tools().contains(&public.to_owned()), "{public}");
    }
    let got = model.ok("mcpbox_get_server", &json!({"server_id": id}));
    assert_eq!((&got["tool_prefix"], &got["tool_count"]), (&json!("sky"), &json!(1)), "{got}");

    let sandbox = format!("/api/sandbox/servers/{id}");
    let status = || api.ok("GET", &format!("{sandbox}/status"), &Value::Null);
    assert_eq!(status()["status"], "running");
    api.ok("POST", &format!("{sandbox}/stop"), &Value::Null);
    assert_eq!(
        (&status()["status"], &status()["registered_tools"]),
        (&json!("stopped"), &json!(0))
    );
    let why = model.fails("sky__now", &json!({}));
    assert!(why.contains("is stopped"), "{why}");
    let restarted = api.ok("POST", &format!("{sandbox}/restart"), &Value::Null);
    assert_eq!(
        (&restarted["status"], &restarted["registered_tools"]),
        (&json!("running"), &json!(1))
    );
    assert_eq!(model.ok("sky__now", &json!({})), result);
    model.wait_for_change(before);

    let deleted = api.send("DELETE", &path, &Value::Null);
    assert_eq!(deleted.status, 204, "{deleted:?}");
    model.fails("sky__now", &json!({}));
    assert!(!model.tools().contains(&"sky__now".to_owned()));
}

#[test]
fn what_cannot_be_a_change_of_a_server_is_refused_with_the_reason() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let long = "x".repeat(50);
    publish(&mut model, &api, "weather", &long, CODE);
    model.ok("mcpbox_create_server", &json!({"name": "home"}));
    let id = server_id(&api);
    let path = format!("/api/servers/{id}");
    let seen = api.ok("GET", &path, &Value::Null)["updated_at"].clone();
    for (change, status, part) in [
        (json!({}), 422, "no fields to update"),
        (json!({"name": 3}), 422, "string"),
        (json!({"name": "home"}), 409, "exists"),
        (json!({"name": "No Good"}), 422, "lower-case"),
        (json!({"name": "a\u{0}"}), 422, "lower-case"),
        (json!({"name": "x".repeat(60)}), 422, "at most 59"),
        (json!({"name": "a_longer_name"}), 422, long.as_str()),
        (json!({"description": "x".repeat(2001)}), 422, "2000"),
        (json!({"description": "\u{0}"}), 422, "NUL"),
        (json!({"tool_prefix": 3}), 422, "string"),
        (json!({"tool_prefix": "mcpbox"}), 422, "reserved"),
        (json!({"tool_prefix": "a__b"}), 422, "__"),
        (json!({"tool_prefix": "home"}), 409, "home"),
        (json!({"name": "sky", "expected_updated_at": "yesterday"}), 422, "invalid"),
        (json!({"name": "sky", "expected_updated_at": "2020-01-01T00:00:00Z"}), 409, "weather"),
    ] {
        let answer = api.send("PATCH", &path, &change);
        assert_eq!(answer.status, status, "{change}: {answer:?}");
        assert!(answer.body.contains(part), "{change}: {answer:?}");
    }
    let lone = api.send("PATCH", &path, &Value::Null);
    assert!((400..500).contains(&lone.status), "{lone:?}");
    let nobody = api.send("PATCH", &format!("/api/servers/{NOBODY}"), &json!({"name": "sky"}));
    assert_eq!(nobody.status, 404, "{nobody:?}");
    for (method, verb) in [("POST", "restart"), ("GET", "status")] {
        let path = format!("/api/sandbox/servers/{NOBODY}/{verb}");
        assert_eq!(api.send(method, &path, &Value::Null).status, 404);
        let path = format!("/api/sandbox/servers/x/{verb}");
        assert_eq!(api.send(method, &path, &Value::Null).status, 404);
    }
    assert!(model.tools().contains(&format!("weather__{long}")), "nothing was changed");
    let done = json!({"name": "sky", "expected_updated_at": seen});
    assert_eq!(api.ok("PATCH", &path, &done)["name"], "sky");
    let late = api.send("PATCH", &path, &done);
    assert!(late.status == 409 && late.body.contains("name by"), "{late:?}");
}

#[test]
fn every_list_of_a_model_is_followed_to_its_end() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let server = model.ok("mcpbox_create_server", &json!({"name": "many"}))["id"].clone();
    let ids: Vec<Value> = (0..105)
        .map(|number| {
            let name = format!("tool_{number:03}");
            let new = json!({"server_id": server, "name": name, "python_code": CODE});
            let id = model.ok("mcpbox_create_tool", &new)["id"].clone();
            model.ok("mcpbox_request_publish", &json!({"tool_id": id}));
            id
        })
        .collect();
    let mut followed = |tool: &str, arguments: &Value, list: &str| {
        let (mut seen, mut pages, mut arguments) = (Vec::new(), 0, arguments.clone());
        loop {
            let page = model.ok(tool, &arguments);
            seen.extend(page[list].as_array().expect("a list").clone());
            pages += 1;
            if page["next_cursor"].is_null() {
                return (seen, pages);
            }
            arguments["cursor"] = page["next_cursor"].clone();
        }
    };
    let of_server = json!({"server_id": server});
    let (tools, pages) = followed("mcpbox_list_tools", &of_server, "tools");
    let listed: Vec<Value> = tools.iter().map(|tool| tool["id"].clone()).collect();
    assert_eq!((listed, pages), (ids.clone(), 3));
    let (pending, _) = followed("mcpbox_list_pending_requests", &json!({}), "pending_tools");
    assert_eq!(pending.len(), 105);

    for ids in ids.chunks(100) {
        let many = json!({"tool_ids": ids, "action": "approve"});
        let done = api.ok("POST", "/api/approvals/tools/bulk-action", &many);
        assert_eq!(done["processed_count"], json!(ids.len()), "{done}");
        assert_eq!((&done["success"], &done["failed"]), (&json!(true), &json!([])), "{done}");
    }
    let live =
        |model: &mut Client| model.tools().iter().filter(|name| name.starts_with("many__")).count();
    assert_eq!(live(&mut model), 105);
    assert_eq!(model.ok("many__tool_104", &json!({})), json!({"result": 1}));

    let id = ids[0].clone();
    for _ in 0..3 {
        model.ok("mcpbox_test_code", &json!({"tool_id": id, "arguments": {}}));
    }
    let first = model.ok("mcpbox_get_tool_logs", &json!({"tool_id": id, "limit": 2}));
    let cursor = first["next_cursor"].clone();
    let rest = model.ok("mcpbox_get_tool_logs", &json!({"tool_id": id, "cursor": cursor}));
    assert_eq!(rest["logs"].as_array().map(Vec::len), Some(1), "{rest}");
    assert!(rest["next_cursor"].is_null() && rest["logs"] != first["logs"], "{rest}");
    for wrong in [json!("nonsense"), json!("\u{0}"), json!(""), first["next_cursor"].clone()] {
        let arguments = json!({"server_id": server, "cursor": wrong});
        let refused = model.fails("mcpbox_list_tools", &arguments);
        assert!(refused.contains("leave it out"), "{refused}");
        let arguments = json!({"tool_id": ids[1], "cursor": wrong});
        let refused = model.fails("mcpbox_get_tool_logs", &arguments);
        assert!(refused.contains("leave it out"), "another tool's: {refused}");
    }
    let refused = model.fails("mcpbox_list_tools", &json!({"server_id": server, "cursor": 2}));
    assert!(refused.contains("string"), "{refused}");

    let browser = Browser::sign_in(&program.admin);
    let page = browser.get(&format!("/servers/{}?page=3", server.as_str().expect("an id")));
    assert!(page.body.contains("tool_104") && !page.body.contains("tool_099"), "{page:?}");
    assert!(page.body.contains("Page 3 of 3 · 105 in all"), "{page:?}");
}

#[test]
fn a_person_changes_and_deletes_a_server_on_its_page() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    publish(&mut model, &api, "weather", "now", CODE);
    let path = format!("/servers/{}", server_id(&api));
    let browser = Browser::sign_in(&program.admin);
    let page = browser.get(&path);
    let seen = field(&page, "seen").replace(':', "%3A").replace('+', "%2B");
    let form = |name: &str, prefix: &str| {
        format!("name={name}&description=&prefix=own&tool_prefix={prefix}&seen={seen}")
    };
    let wrong = browser.post(&path, &form("weather", "a__b"));
    assert_eq!(wrong.status, 422, "{wrong:?}");
    assert!(wrong.body.contains("value=\"a__b\"") && wrong.body.contains("must not contain"));
    assert_eq!(browser.post(&path, &form("sky", "clouds")).status, 303);
    assert_eq!(model.ok("clouds__now", &json!({})), json!({"result": 1}));
    let late = browser.post(&path, &form("stars", ""));
    assert!(late.status == 409 && late.body.contains("was changed since"), "{late:?}");
    assert_eq!(browser.post(&format!("{path}/restart"), "").status, 303);

    let delete = format!("{path}/delete");
    for wrong in ["", "name=weather", "name="] {
        let kept = browser.post(&delete, wrong);
        assert!(kept.status == 422 && kept.body.contains("as it stands"), "{kept:?}");
    }
    assert_eq!(browser.post(&delete, "name=sky").status, 303);
    assert_eq!(browser.get(&path).status, 404);
    model.fails("clouds__now", &json!({}));
}
