//! `/gateways`: programs register MCP servers here, as clients of gateways do.

mod callers;

use std::path::Path;

use serde_json::{Value, json};
use testkit::http::{Answer, Api, send};
use testkit::peer::Python;
use testkit::program::{Program, Start};

use crate::client::Client;
use crate::database::Database;

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A program that lets sources be on this machine.
fn serve(dir: &Path, arguments: &[&str]) -> Program {
    let arguments = [&["--allow-loopback-sources"], arguments].concat();
    Start { command: "serve", data_dir: dir, database_url: None, arguments: &arguments }.run()
}

/// What the client of the guide to Box sends after its login.
fn registration(url: &str) -> Value {
    json!({
        "name": "box",
        "url": url,
        "transport": "http",
        "auth_config": {
            "type": "oauth2.1",
            "access_token": "at-1",
            "refresh_token": "rt-1",
            "token_type": "bearer",
            "expires_at": "2999-01-31T12:00:00.000001",
        },
        "description": "Box content management and collaboration",
    })
}

fn plain(name: &str, url: &str) -> Value {
    json!({"name": name, "url": url, "transport": "http"})
}

/// The ids of the tools that wait for review.
fn waiting(api: &Api) -> Vec<String> {
    let listed = api.ok("GET", "/api/approvals/tools?page_size=100", &Value::Null);
    let items = listed["items"].as_array().expect("a list").clone();
    let id = |item: &Value| item["tool_id"].as_str().or(item["id"].as_str()).map(str::to_owned);
    items.iter().filter_map(id).collect()
}

fn unsigned(program: &Program, method: &str, path: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    send(&program.admin, method, path, &[JSON], &body)
}

#[test]
fn a_registered_server_is_listed_at_once_reviewed_and_called() {
    let (database, peer) = (Database::sqlite(), Python::start(&["fastmcp", "http"]));
    let program = serve(&database.data_dir(), &[]);
    let api = Api::sign_in(&program.admin);
    let made = api.send("POST", "/gateways", &plain("peer", &peer.url("mcp")));
    assert_eq!(made.status, 201, "{made:?}");
    let body = made.json();
    let id = body["id"].as_str().expect("an id");
    assert!(made.head.to_ascii_lowercase().contains(&format!("location: /gateways/{id}")));
    let count = body["toolCount"].as_u64().expect("a number");
    assert!(count >= 4, "{body}");
    for (field, expected) in [
        ("status", json!("active")),
        ("reachable", json!(true)),
        ("enabled", json!(true)),
        ("transport", json!("streamable_http")),
        ("slug", json!("peer")),
        ("waitingTools", json!(count)),
        ("liveTools", json!(0)),
    ] {
        assert_eq!(body[field], expected, "{field}: {body}");
    }
    let message = body["statusMessage"].as_str().expect("a text");
    assert!(message.contains("wait for review"), "{message}");

    let mut model = Client::connect(&program.mcp, "auto");
    assert!(!model.tools().iter().any(|tool| tool.contains("peer_add")), "nobody approved it");
    for tool in waiting(&api) {
        api.approve(&tool);
    }
    let sum = model.call("peer__peer_add", &json!({"a": 2, "b": 3}));
    assert_eq!(sum["structuredContent"]["result"], json!(5), "{sum}");
    let shown = api.ok("GET", &format!("/gateways/{id}"), &Value::Null);
    assert_eq!((&shown["waitingTools"], &shown["liveTools"]), (&json!(0), &json!(count)));
    assert_eq!(api.ok("GET", "/gateways", &Value::Null)[0]["id"], json!(id));
    let by_name = api.ok("GET", "/gateways/peer", &Value::Null);
    assert_eq!(by_name["id"], json!(id));
}

#[test]
fn a_server_that_does_not_answer_is_registered_and_listed_later() {
    let database = Database::sqlite();
    let program = serve(&database.data_dir(), &[]);
    let api = Api::sign_in(&program.admin);
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody = format!("http://{}/mcp", free.local_addr().expect("an address"));
    drop(free);
    let made = api.send("POST", "/gateways", &plain("peer", &nobody));
    assert_eq!(made.status, 201, "{made:?}");
    let body = made.json();
    assert_eq!((&body["status"], &body["reachable"]), (&json!("pending"), &json!(false)), "{body}");
    assert!(body["lastError"].is_string(), "{body}");

    let peer = Python::start(&["fastmcp", "http"]);
    let path = format!("/gateways/{}", body["id"].as_str().expect("an id"));
    let moved = api.ok("PATCH", &path, &json!({"url": peer.url("mcp")}));
    assert_eq!(
        (&moved["status"], &moved["reachable"]),
        (&json!("active"), &json!(true)),
        "{moved}"
    );
    assert_eq!(moved["waitingTools"], moved["toolCount"], "{moved}");
    assert_eq!(waiting(&api).len() as u64, moved["toolCount"].as_u64().expect("a number"));
}

#[test]
fn tokens_are_taken_renewed_and_never_told() {
    let (database, peer) = (Database::sqlite(), Python::start(&["fastmcp", "http"]));
    let program = serve(&database.data_dir(), &[]);
    let api = Api::sign_in(&program.admin);
    let made = api.send("POST", "/gateways", &registration(&peer.url("mcp")));
    assert_eq!(made.status, 201, "{made:?}");
    let body = made.json();
    assert_eq!(body["auth"]["type"], json!("oauth"), "{body}");
    assert_eq!(body["auth"]["refreshOwner"], json!("client"), "{body}");
    assert_eq!(body["auth"]["hasRefreshToken"], json!(true), "{body}");
    assert!(body["auth"]["expiresAt"].as_str().expect("a time").starts_with("2999-01-31T12:00:00"));
    assert!(body["warnings"].to_string().contains("UTC"), "{body}");
    assert!(body["toolCount"].as_u64().expect("a number") > 0, "{body}");

    let path = format!("/gateways/{}/auth", body["id"].as_str().expect("an id"));
    let renewed = json!({"access_token": "at-2", "expires_at": "2999-02-01T12:00:00Z"});
    for method in ["PATCH", "POST"] {
        let renewed = api.send(method, &path, &renewed);
        assert_eq!(renewed.status, 200, "{renewed:?}");
        assert!(
            renewed.json()["auth"]["expiresAt"].as_str().expect("a time").starts_with("2999-02-01")
        );
        assert!(!renewed.body.contains("at-2"), "{renewed:?}");
    }
    assert!(!made.body.contains("at-1") && !made.body.contains("rt-1"), "{made:?}");
    for (body, status) in [
        (json!({"expires_at": "2999-02-01T12:00:00Z"}), 422),
        (json!({"access_token": "at 3"}), 422),
        (json!({"access_token": "at-3", "token_type": "mac"}), 422),
        (json!({"access_token": "at-3", "expires_at": "soon"}), 422),
    ] {
        let refused = api.send("PATCH", &path, &body);
        assert_eq!(refused.status, status, "{body}: {refused:?}");
        assert!(!refused.body.contains("at-3") && !refused.body.contains("at 3"), "{refused:?}");
    }
    let nobody = "/gateways/00000000-0000-7000-8000-000000000000/auth";
    assert_eq!(api.send("PATCH", nobody, &renewed).status, 404);
}

#[test]
fn whoever_has_the_client_renews_the_tokens() {
    let (database, peer) = (Database::sqlite(), Python::start(&["fastmcp", "http"]));
    let program = serve(&database.data_dir(), &[]);
    let api = Api::sign_in(&program.admin);
    let mut with_client = registration(&peer.url("mcp"));
    for (field, value) in [
        ("client_id", "id-1"),
        ("client_secret", "cs-1"),
        ("token_url", "http://127.0.0.1:9/token"),
    ] {
        with_client["auth_config"][field] = json!(value);
    }
    let made = api.ok("POST", "/gateways", &with_client);
    assert_eq!(made["auth"]["refreshOwner"], json!("gateway"), "{made}");
    assert!(!made.to_string().contains("cs-1"), "{made}");
    let renewed = json!({"access_token": "at-2"});
    let path = |id: &Value| format!("/gateways/{}/auth", id.as_str().expect("an id"));
    let refused = api.send("PATCH", &path(&made["id"]), &renewed);
    assert_eq!(refused.status, 409, "{refused:?}");

    with_client["name"] = json!("other");
    with_client["auth_config"]["refresh_owner"] = json!("client");
    let made = api.ok("POST", "/gateways", &with_client);
    assert_eq!(made["auth"]["refreshOwner"], json!("client"), "{made}");
    assert_eq!(api.send("PATCH", &path(&made["id"]), &renewed).status, 200);
}

#[test]
fn credentials_become_secrets_that_nobody_is_told() {
    let (database, peer) = (Database::sqlite(), Python::start(&["fastmcp", "http"]));
    let program = serve(&database.data_dir(), &[]);
    let api = Api::sign_in(&program.admin);
    let url = peer.url("mcp");
    for (name, auth) in [
        ("bear", json!({"type": "bearer", "token": "canary-credential"})),
        ("basic", json!({"type": "basic", "username": "ann", "password": "canary-credential"})),
        ("keyed", json!({"type": "api_key", "header": "X-Key", "api_key": "canary-credential"})),
    ] {
        let made =
            api.ok("POST", "/gateways", &json!({"name": name, "url": url, "authConfig": auth}));
        assert_eq!(made["status"], json!("active"), "{made}");
        let path = format!("/api/servers/{}/secrets", made["serverId"].as_str().expect("an id"));
        let secrets = api.ok("GET", &path, &Value::Null);
        assert_eq!(secrets["items"][0]["has_value"], json!(true), "{secrets}");
        assert!(!made.to_string().contains("canary-credential"), "{made}");
    }
    // As gateways say it themselves.
    let own = json!({"name": "own", "url": url, "transport": "STREAMABLEHTTP", "authType": "bearer", "authToken": "canary-credential", "visibility": "public"});
    let made = api.send("POST", "/gateways?compat=contextforge", &own);
    assert_eq!(made.status, 200, "{made:?}");
    let body = made.json();
    assert_eq!(body["id"].as_str().map(str::len), Some(32), "{body}");
    assert_eq!(body["transport"], json!("STREAMABLEHTTP"), "{body}");
    assert!(body["warnings"].to_string().contains("visibility"), "{body}");
    let path = format!("/gateways/{}/auth", body["id"].as_str().expect("an id"));
    assert_eq!(api.send("PATCH", &path, &json!({"access_token": "another-one"})).status, 200);
    let dump = std::fs::read(database.data_dir().join("mcpbox.db")).expect("the database");
    let mut dump = String::from_utf8_lossy(&dump).into_owned();
    if let Ok(log) = std::fs::read(database.data_dir().join("mcpbox.db-wal")) {
        dump.push_str(&String::from_utf8_lossy(&log));
    }
    assert!(!dump.contains("canary-credential") && !dump.contains("another-one"), "in clear");
}

#[test]
fn what_cannot_be_a_gateway_is_refused_and_names_the_field() {
    let database = Database::sqlite();
    let program = serve(&database.data_dir(), &[]);
    let api = Api::sign_in(&program.admin);
    let url = "https://mcp.example/mcp";
    let oauth = |more: Value| {
        let mut auth = json!({"type": "oauth2.1"});
        for (name, value) in more.as_object().expect("fields") {
            auth[name] = value.clone();
        }
        json!({"name": "x", "url": url, "auth_config": auth})
    };
    for (body, field) in [
        (json!({"url": url}), "name"),
        (json!({"name": "x"}), "url"),
        (json!({"name": "x", "url": "ftp://x.example"}), "url"),
        (json!({"name": "mcpbox", "url": url}), "name"),
        (json!({"name": "x", "url": url, "transport": "websocket"}), "transport"),
        (json!({"name": "x", "url": url, "auth_config": {"type": "query_param"}}), "auth_type"),
        (json!({"name": "x", "url": url, "auth_config": {"type": "bearer"}}), "token"),
        (oauth(json!({"code_challenge_method": "plain"})), "pkce_required"),
        (oauth(json!({"token_url": "http://auth.example/token"})), "token_url"),
        (oauth(json!({"authorization_url": "https://auth.example/authorize"})), "token_url"),
        (oauth(json!({"access_token": "a", "refresh_owner": "gateway"})), "refresh_owner"),
        (oauth(json!({"grant_type": "password"})), "grant_type"),
    ] {
        let refused = api.send("POST", "/gateways", &body);
        assert_eq!(refused.status, 422, "{body}: {refused:?}");
        assert_eq!(refused.json()["field"], json!(field), "{body}: {refused:?}");
    }
    let servers = api.ok("GET", "/api/servers", &Value::Null);
    assert_eq!(servers["total"], json!(0), "nothing is left of what was refused: {servers}");
    let fine = oauth(json!({
        "code_challenge_method": "S256",
        "authorization_url": "https://auth.example/authorize",
        "token_url": "https://auth.example/token",
    }));
    let made = api.ok("POST", "/gateways", &fine);
    assert_eq!(made["status"], json!("needs_login"), "{made}");
    let again = api.send("POST", "/gateways", &fine);
    assert_eq!(again.status, 409, "{again:?}");
    assert!(again.body.contains(made["id"].as_str().expect("an id")), "{again:?}");
}

#[test]
fn a_gateway_that_is_removed_takes_its_tools_and_its_server_along() {
    let (database, peer) = (Database::sqlite(), Python::start(&["fastmcp", "http"]));
    let program = serve(&database.data_dir(), &[]);
    let api = Api::sign_in(&program.admin);
    let made = api.ok("POST", "/gateways", &plain("peer", &peer.url("mcp")));
    let path = format!("/gateways/{}", made["id"].as_str().expect("an id"));
    let renamed = api.ok("PUT", &path, &json!({"description": "Another", "enabled": false}));
    assert_eq!(
        (&renamed["description"], &renamed["status"], &renamed["url"]),
        (&json!("Another"), &json!("disabled"), &made["url"])
    );
    assert_eq!(api.ok("DELETE", &path, &Value::Null)["status"], json!("success"));
    assert_eq!(api.send("GET", &path, &Value::Null).status, 404);
    assert_eq!(api.ok("GET", "/api/servers", &Value::Null)["total"], json!(0));
    assert!(waiting(&api).is_empty());
    let again = api.ok("POST", "/gateways", &plain("peer", &peer.url("mcp")));
    assert_eq!(again["status"], json!("active"), "the name is free: {again}");
}
