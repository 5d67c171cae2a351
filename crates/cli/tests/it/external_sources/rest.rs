//! External sources in the API: each refusal beside the same thing allowed.

use serde_json::{Value, json};
use testkit::peer::{Python, python, script};

use super::World;

const SOURCES: &str = "/api/external-sources";

/// A source of the world's server, added by a person.
fn added(world: &World, source: &Value) -> (u16, Value) {
    let path = format!("{SOURCES}/servers/{}/sources", world.server_id);
    let answer = world.api.send("POST", &path, source);
    (answer.status, answer.json())
}

fn place(source: &Value) -> String {
    format!("{SOURCES}/sources/{}", source["id"].as_str().expect("an id"))
}

#[test]
fn a_person_adds_asks_imports_switches_and_deletes() {
    let mut world = World::new();
    let (status, source) = added(&world, &json!({"name": "Peer", "url": world.peer.url("mcp")}));
    assert_eq!((status, &source["status"]), (201, &json!("active")), "{source}");
    let host = format!("127.0.0.1:{}", world.peer.port);
    assert_eq!(
        (&source["grants"], &source["oauth_authenticated"]),
        (&json!([host]), &json!(false))
    );
    let (status, taken) = added(&world, &json!({"name": "Peer", "url": world.peer.url("mcp")}));
    assert_eq!(status, 409, "{taken}");
    let (status, wrong) = added(&world, &json!({"name": "x", "url": "ftp://a.example"}));
    assert_eq!((status, &wrong["field"]), (422, &json!("url")), "{wrong}");
    let of_nobody = json!({"name": "x", "url": world.peer.url("mcp"), "auth_type": "oauth", "oauth": {"issuer": "no address"}});
    let (status, wrong) = added(&world, &of_nobody);
    assert_eq!((status, &wrong["field"]), (422, &json!("issuer")), "{wrong}");
    let place = place(&source);
    let at = |what: &str| format!("{place}/{what}");
    let early = world.api.send("GET", &at("cached-tools"), &Value::Null);
    assert_eq!(early.status, 409, "nothing was asked: {early:?}");
    let health = world.api.ok("POST", &at("health"), &Value::Null);
    assert_eq!((&health["healthy"], &health["error"]), (&json!(true), &Value::Null), "{health}");
    assert!(health["latency_ms"].as_f64() > Some(0.0), "{health}");

    let found = world.api.ok("POST", &at("discover"), &Value::Null);
    let of = |found: &Value, name: &str| {
        let tools = found["tools"].as_array().expect("a list");
        tools.iter().find(|tool| tool["name"] == name).expect("it is offered").clone()
    };
    assert_eq!(of(&found, "add")["already_imported"], false);
    let nothing = world.api.send("POST", &at("import"), &json!({}));
    assert_eq!(nothing.status, 422, "{nothing:?}");
    let imported = world.api.ok("POST", &at("import"), &json!({"tool_names": ["add"]}));
    let tool = &imported["imported_tools"][0];
    assert_eq!(tool["approval_status"], "pending_review", "{imported}");
    let found = world.api.ok("GET", &at("cached-tools"), &Value::Null);
    assert_eq!(of(&found, "add")["tool_id"], tool["id"]);
    let summary =
        world.api.ok("GET", &format!("/api/servers/{}/tools", world.server_id), &Value::Null);
    let summary = &summary["items"][0];
    let told = ["tool_type", "external_source_id", "external_tool_name"].map(|key| &summary[key]);
    assert_eq!(told, [&json!("mcp_passthrough"), &source["id"], &json!("add")]);
    world.api.approve(tool["id"].as_str().expect("an id"));
    world.model.ok("sums__peer_add", &json!({"a": 1, "b": 1}));

    let off = world.api.ok("POST", &at("disable"), &Value::Null);
    assert_eq!(off["status"], "disabled", "{off}");
    let refused = world.model.fails("sums__peer_add", &json!({"a": 1, "b": 1}));
    assert!(refused.contains("switched off"), "{refused}");
    world.api.ok("POST", &at("enable"), &Value::Null);
    world.model.ok("sums__peer_add", &json!({"a": 1, "b": 1}));
    let silent = world.api.send("POST", &at("reject"), &json!({"reason": " "}));
    assert_eq!(silent.status, 422, "{silent:?}");
    let refused = world.api.ok("POST", &at("reject"), &json!({"reason": "not needed"}));
    assert_eq!((&refused["status"], &refused["grants"]), (&json!("rejected"), &json!([])));
    let refused = world.model.fails("sums__peer_add", &json!({"a": 1, "b": 1}));
    assert!(refused.contains("not needed"), "{refused}");
    let deleted = world.api.send("DELETE", &place, &Value::Null);
    assert_eq!(deleted.status, 204, "{deleted:?}");
    assert_eq!(world.api.send("GET", &place, &Value::Null).status, 404);
    let risk = world.model.ok("mcpbox_get_tool", &json!({"tool_id": tool["id"]}))["risk"].clone();
    assert!(risk.as_str().expect("a line").contains("removed"), "{risk}");
}

#[test]
fn what_fails_at_the_other_end_is_a_bad_gateway_and_stands_at_the_source() {
    let world = World::new();
    let nobody = Python::start(&["fastmcp", "http"]);
    let (_, source) = added(&world, &json!({"name": "gone", "url": nobody.url("mcp")}));
    drop(nobody);
    let place = place(&source);
    let failed = world.api.send("POST", &format!("{place}/discover"), &Value::Null);
    assert_eq!(failed.status, 502, "{failed:?}");
    assert!(failed.head.contains("application/problem+json"), "{failed:?}");
    assert_eq!(failed.json()["code"], "upstream");
    let shown = world.api.ok("GET", &place, &Value::Null);
    assert_eq!(shown["status"], "error", "{shown}");
    assert!(shown["failure"].is_string() && shown["failed_at"].is_string(), "{shown}");
    let health = world.api.ok("POST", &format!("{place}/health"), &Value::Null);
    assert_eq!(
        (&health["healthy"], health["error"].is_string()),
        (&json!(false), true),
        "{health}"
    );

    let all = |status: &str| {
        let path = format!("{SOURCES}?status={status}");
        world.api.ok("GET", &path, &Value::Null)["total"].clone()
    };
    assert_eq!((all("error"), all("active"), all("all")), (json!(1), json!(0), json!(1)));
    let wrong = world.api.send("GET", &format!("{SOURCES}?status=odd"), &Value::Null);
    assert_eq!(wrong.status, 422, "{wrong:?}");
    let mended = world.api.ok("PUT", &place, &json!({"url": world.peer.url("mcp")}));
    assert_eq!(mended["name"], "gone", "what is left out stays: {mended}");
    world.api.ok("POST", &format!("{place}/discover"), &Value::Null);
    assert_eq!((all("error"), all("active")), (json!(0), json!(1)));
}

#[test]
fn a_person_adds_a_process_and_its_environment_names_secrets() {
    let mut world = World::new();
    let program = python().display().to_string();
    let peer = script().display().to_string();
    let process = json!({
        "name": "Local", "transport_type": "stdio", "command": program,
        "args": [peer, "fastmcp", "stdio"], "env": {"KEY": "secret:API_KEY"},
    });
    let (status, source) = added(&world, &process);
    assert_eq!((status, &source["command"]), (201, &json!(program)), "{source}");
    let place = place(&source);
    let unset = world.api.send("POST", &format!("{place}/discover"), &Value::Null);
    assert!(unset.status == 409 && unset.body.contains("API_KEY"), "{unset:?}");
    let secrets = format!("/api/servers/{}/secrets", world.server_id);
    world.api.ok("POST", &secrets, &json!({"key_name": "API_KEY"}));
    world.api.ok("PUT", &format!("{secrets}/API_KEY"), &json!({"value": "a long enough value"}));
    world.api.ok("POST", &format!("{place}/discover"), &Value::Null);
    let imported =
        world.api.ok("POST", &format!("{place}/import"), &json!({"tool_names": ["add"]}));
    let tool = imported["imported_tools"][0]["id"].as_str().expect("an id").to_owned();
    world.api.approve(&tool);
    assert_eq!(world.model.ok("sums__local_add", &json!({"a": 2, "b": 2}))["result"], 4);
    let with_url =
        json!({"name": "b", "transport_type": "stdio", "command": "x", "url": "https://a.example"});
    assert_eq!(added(&world, &with_url).0, 422);
}

#[test]
fn all_of_it_asks_for_a_session() {
    let world = World::new();
    for (method, path) in [("GET", SOURCES), ("GET", "/oauth/callback"), ("GET", "/callback")] {
        let answer = testkit::http::send(&world.program.admin, method, path, &[], "");
        let refused = answer.status == 401 || answer.head.contains("/login");
        assert!(refused, "{path}: {answer:?}");
    }
    world.api.ok("GET", SOURCES, &Value::Null);
    let state = json!({"state": "made up", "code": "c"});
    let answer = world.api.send("POST", &format!("{SOURCES}/oauth/exchange"), &state);
    assert!((400..500).contains(&answer.status), "{answer:?}");
}

#[test]
fn a_field_that_is_taken_has_an_effect_and_another_is_refused_by_its_name() {
    let world = World::new();
    let (status, source) = added(&world, &json!({"name": "Peer", "url": world.peer.url("mcp")}));
    assert_eq!(status, 201, "{source}");
    let place = place(&source);
    for (body, field) in [
        (json!({"status": "disabled"}), "status"),
        (json!({"colour": "red"}), "colour"),
        (json!({"description": "x", "tool_count": 3}), "tool_count"),
        (json!({"oauth_client_id": "id-1"}), "oauth_client_id"),
        (json!({"oauth_private_key_id": "k"}), "oauth_private_key_id"),
        (
            json!({"auth_type": "oauth", "oauth": {"token_endpoint_auth_method": "none"}}),
            "token_endpoint_auth_method",
        ),
        (
            json!({"auth_type": "oauth", "oauth": {"authorization_url": "https://a.example/login"}}),
            "token_url",
        ),
    ] {
        let refused = world.api.send("PUT", &place, &body);
        assert_eq!((refused.status, &refused.json()["field"]), (422, &json!(field)), "{refused:?}");
    }
    let shown = world.api.ok("GET", &place, &Value::Null);
    assert_eq!((&shown["description"], &shown["status"]), (&json!(""), &json!("active")));

    let off = world.api.ok("PUT", &place, &json!({"enabled": false}));
    assert_eq!((&off["enabled"], &off["status"]), (&json!(false), &json!("disabled")), "{off}");
    let on = world.api.ok("PUT", &place, &json!({"enabled": true}));
    assert_eq!(on["status"], "active", "{on}");
    let body =
        json!({"auth_type": "oauth", "oauth_client_id": "id-1", "oauth": {"resource": "urn:x"}});
    let logs_in = world.api.ok("PUT", &place, &body);
    let told = [&logs_in["oauth_client_id"], &logs_in["oauth"]["resource"]];
    assert_eq!(told, [&json!("id-1"), &json!("urn:x")], "{logs_in}");
    let (status, off) =
        added(&world, &json!({"name": "off", "url": world.peer.url("mcp"), "enabled": false}));
    assert_eq!((status, &off["status"]), (201, &json!("disabled")), "{off}");
}
