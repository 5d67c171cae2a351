//! Secrets: a model makes a placeholder, a person sets it, an approved tool uses it.

use serde_json::{Value, json};
use testkit::http::Api;

use crate::client::Client;
use crate::database::Database;
use crate::whole_loop::publish;

/// Tells what a tool sees of its secrets, without telling them.
const CODE: &str = r#"# mcpbox: secrets=API_KEY
async def main(guess: str) -> dict:
    return {"is_it": secrets["API_KEY"] == guess, "keys": len(secrets)}
"#;

/// Makes a placeholder and returns the id of its server.
pub(crate) fn make(model: &mut Client, server: &str, key: &str) -> String {
    let servers = model.ok("mcpbox_list_servers", &json!({}));
    let servers = servers["servers"].as_array().expect("a list").clone();
    let found = servers.iter().find(|known| known["name"] == server).expect("the server");
    // What a filed tool declares has a placeholder already.
    let server_id = json!({"server_id": found["id"]});
    let there = model.ok("mcpbox_list_server_secrets", &server_id)["secrets"].clone();
    if !there.as_array().expect("a list").iter().any(|secret| secret["key"] == key) {
        let new = json!({"server_id": found["id"], "key": key});
        let made = model.ok("mcpbox_create_server_secret", &new);
        assert_eq!((&made["has_value"], &made["key"]), (&json!(false), &json!(key)), "{made}");
    }
    found["id"].as_str().expect("an id").to_owned()
}

/// Sets a value.
pub(crate) fn put(api: &Api, server_id: &str, key: &str, value: &str) {
    let path = format!("/api/servers/{server_id}/secrets/{key}");
    let set = api.ok("PUT", &path, &json!({ "value": value }));
    assert_eq!(set["has_value"], true, "{set}");
    assert!(!set.to_string().contains(value), "{set}");
}

#[test]
fn a_secret_reaches_the_tool_that_declares_it_on_sqlite() {
    used(&Database::sqlite());
}

#[test]
fn a_secret_reaches_the_tool_that_declares_it_on_postgresql() {
    used(&Database::postgres());
}

fn used(database: &Database) {
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    publish(&mut model, &api, "box", "ask", CODE);
    let server_id = make(&mut model, "box", "API_KEY");
    make(&mut model, "box", "OTHER");
    put(&api, &server_id, "OTHER", "not declared");
    model.fails("box__ask", &json!({"guess": ""}));
    for value in ["first value", "second value"] {
        put(&api, &server_id, "API_KEY", value);
        let told = model.ok("box__ask", &json!({"guess": value}));
        assert_eq!(told, json!({"is_it": true, "keys": 1}), "at the next call");
    }
    let path = format!("/api/servers/{server_id}/secrets/API_KEY");
    api.ok("POST", &format!("{path}/clear"), &Value::Null);
    model.fails("box__ask", &json!({"guess": "second value"}));
}

#[test]
fn the_api_makes_lists_sets_clears_and_deletes() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let server = model.ok("mcpbox_create_server", &json!({"name": "box"}));
    let server_id = server["id"].as_str().expect("an id");
    let path = format!("/api/servers/{server_id}/secrets");
    for (body, status) in [
        (json!({"key_name": "API_KEY", "description": "of the <service>"}), 201),
        (json!({"key_name": "API_KEY"}), 409),
        (json!({"key": "PIN"}), 201),
        (json!({"key_name": "lower"}), 422),
        (json!({"key_name": 1}), 422),
        (json!({}), 422),
    ] {
        let answer = api.send("POST", &path, &body);
        assert_eq!(answer.status, status, "{body}: {answer:?}");
    }
    let told = "hunter2-hunter2";
    for (body, status) in [
        (json!({"value": told}), 200),
        (json!({"value": [told]}), 422),
        (json!({"value": {told: told}}), 422),
        (json!(told), 422),
        (json!({"value": ""}), 422),
        (json!({"value": format!("{told}\0")}), 422),
        (json!({"value": told.repeat(1_000)}), 422),
        (json!({}), 422),
    ] {
        let answer = api.send("PUT", &format!("{path}/API_KEY"), &body);
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(!answer.body.contains("hunter2"), "{answer:?}");
    }
    put(&api, server_id, "PIN", "12345");
    for (method, name) in [("PUT", "NONE"), ("DELETE", "NONE"), ("PUT", "%00"), ("DELETE", "a%2Fb")]
    {
        let answer = api.send(method, &format!("{path}/{name}"), &json!({"value": "x"}));
        assert_eq!(answer.status, 404, "{method} {name}: {answer:?}");
    }

    let listed = api.ok("GET", &path, &Value::Null);
    assert_eq!(listed["total"], 2, "{listed}");
    let (key, pin) = (&listed["items"][0], &listed["items"][1]);
    assert_eq!((&key["key_name"], &key["is_short"]), (&json!("API_KEY"), &json!(false)));
    assert_eq!((&pin["has_value"], &pin["is_short"]), (&json!(true), &json!(true)));
    let of_model = model.ok("mcpbox_list_server_secrets", &json!({"server_id": server_id}));
    assert_eq!((&of_model["total"], &of_model["server_name"]), (&json!(2), &json!("box")));
    let again = json!({"server_id": server_id, "key": "PIN"});
    let taken = model.fails("mcpbox_create_server_secret", &again);
    assert!(taken.contains("already"), "{taken}");

    let cleared = api.ok("POST", &format!("{path}/API_KEY/clear"), &Value::Null);
    assert_eq!(cleared["has_value"], false, "{cleared}");
    let deleted = api.send("DELETE", &format!("{path}/API_KEY"), &Value::Null);
    assert_eq!(deleted.status, 204, "{deleted:?}");
    let listed = api.ok("GET", &path, &Value::Null);
    assert_eq!(listed["total"], 1, "{listed}");
}
