//! `/gateways`: programs register MCP servers here, as clients of gateways do.

use std::path::Path;
use std::time::{Duration, Instant};

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
        (oauth(json!({"access_token": "a", "refresh_owner": "gateway"})), "refresh_owner"),
        (oauth(json!({"grant_type": "password"})), "grant_type"),
    ] {
        let refused = api.send("POST", "/gateways", &body);
        assert_eq!(refused.status, 422, "{body}: {refused:?}");
        assert_eq!(refused.json()["field"], json!(field), "{body}: {refused:?}");
    }
    let servers = api.ok("GET", "/api/servers", &Value::Null);
    assert_eq!(servers["total"], json!(0), "nothing is left of what was refused: {servers}");
    let fine =
        oauth(json!({"code_challenge_method": "S256", "token_url": "https://auth.example/token"}));
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

#[test]
fn nobody_registers_without_a_token_unless_the_operator_says_so() {
    let (database, peer) = (Database::sqlite(), Python::start(&["fastmcp", "http"]));
    let body = registration(&peer.url("mcp"));
    let dir = database.data_dir();
    let closed = serve(&dir, &[]);
    for (method, path) in
        [("GET", "/gateways"), ("POST", "/gateways"), ("PATCH", "/gateways/box/auth")]
    {
        assert_eq!(unsigned(&closed, method, path, &body).status, 401, "{method} {path}");
    }
    assert!(closed.terminate().success());

    let open = serve(&dir, &["--gateways-without-token"]);
    let made = unsigned(&open, "POST", "/gateways", &body);
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!("/gateways/{}/auth", made.json()["id"].as_str().expect("an id"));
    let renewed = unsigned(
        &open,
        "PATCH",
        &path,
        &json!({"access_token": "at-2", "expires_at": "2999-01-31T12:00:00"}),
    );
    assert_eq!(renewed.status, 200, "{renewed:?}");
    // Nothing else opens.
    assert_eq!(unsigned(&open, "GET", "/api/servers", &Value::Null).status, 401);

    let other = plain("other", &peer.url("mcp")).to_string();
    for (name, value) in [
        ("Origin", "http://evil.example"),
        ("Host", "evil.example"),
        ("Sec-Fetch-Site", "cross-site"),
    ] {
        let refused = send(&open.admin, "POST", "/gateways", &[JSON, (name, value)], &other);
        assert_eq!(refused.status, 403, "{name}: {refused:?}");
    }
    for (name, value) in [
        ("X-Forwarded-For", "203.0.113.7"),
        ("Via", "1.1 proxy"),
        ("Authorization", "Bearer wrong"),
    ] {
        let refused = send(&open.admin, "POST", "/gateways", &[JSON, (name, value)], &other);
        assert_eq!(refused.status, 401, "{name}: {refused:?}");
    }
    let text = send(&open.admin, "POST", "/gateways", &[("Content-Type", "text/plain")], &other);
    assert_eq!(text.status, 415, "what a page elsewhere may send: {text:?}");
}

/// Where an answer leads on to.
fn location(answer: &Answer) -> &str {
    answer.head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap_or_default()
}

#[test]
fn a_login_that_nobody_began_here_goes_on_to_the_program_beside_it() {
    let database = Database::sqlite();
    let dir = database.data_dir();
    let query = "state=of-another&code=abc%20d";
    let get = |program: &Program, path: &str| send(&program.admin, "GET", path, &[], "");
    let closed = serve(&dir, &[]);
    let _account = Api::sign_in(&closed.admin);
    let asked = get(&closed, &format!("/callback?{query}"));
    assert!(location(&asked).starts_with("/login"), "{asked:?}");
    assert!(closed.terminate().success());

    let relay = "http://localhost:8080/callback";
    let open = serve(&dir, &["--login-relay", relay]);
    for path in ["/callback", "/oauth/callback"] {
        let passed = get(&open, &format!("{path}?{query}"));
        assert_eq!(location(&passed), format!("{relay}?{query}"), "{passed:?}");
    }
    for unknown in ["/callback", "/callback?code=abc", "/login?state=of-another&code=abc"] {
        let answer = get(&open, unknown);
        assert!(!location(&answer).contains("8080"), "{unknown}: {answer:?}");
    }
    let elsewhere = ["--login-relay", "https://elsewhere.example/callback"];
    let refused =
        Start { command: "serve", data_dir: &dir, database_url: None, arguments: &elsewhere }
            .refused();
    assert!(refused.contains("address of this machine"), "{refused}");
}

#[test]
fn only_a_signed_in_person_registers_a_command() {
    let database = Database::sqlite();
    let program = serve(&database.data_dir(), &["--gateways-without-token"]);
    let api = Api::sign_in(&program.admin);
    let (python, script) = (testkit::peer::python(), testkit::peer::script());
    let body = json!({
        "name": "process",
        "transport": "stdio",
        "command": python.to_str().expect("a path"),
        "args": [script.to_str().expect("a path"), "fastmcp", "stdio"],
    });
    let refused = unsigned(&program, "POST", "/gateways", &body);
    assert_eq!(refused.status, 403, "{refused:?}");
    let made = api.ok("POST", "/gateways", &body);
    assert_eq!(made["transport"], json!("stdio"), "{made}");
    let path = format!("/gateways/{}", made["id"].as_str().expect("an id"));
    // A process that takes its time to start is listed later.
    let began = Instant::now();
    while api.ok("GET", &path, &Value::Null)["status"] != json!("active") {
        assert!(began.elapsed() < Duration::from_mins(2), "it was never listed");
        std::thread::sleep(Duration::from_millis(100));
    }
    let changed = unsigned(&program, "PATCH", &path, &json!({"command": "/bin/sh"}));
    assert_eq!(changed.status, 403, "{changed:?}");
    assert_eq!(unsigned(&program, "DELETE", &path, &Value::Null).status, 403);
}

/// A source that a model asks for, on a server of its own; gives its id.
fn asked_by_a_model(program: &Program, server_id: &Value, url: &str) -> String {
    let mut model = Client::connect(&program.mcp, "auto");
    let wish = json!({"server_id": server_id, "name": "asked", "url": url});
    let asked = model.call("mcpbox_add_external_source", &wish);
    asked["structuredContent"]["source_id"].as_str().unwrap_or_else(|| panic!("{asked}")).to_owned()
}

#[test]
fn a_program_without_a_token_changes_only_what_such_programs_registered() {
    let (database, peer) = (Database::sqlite(), Python::start(&["fastmcp", "http"]));
    let other = Python::start(&["fastmcp", "http"]);
    let program = serve(&database.data_dir(), &["--gateways-without-token"]);
    let api = Api::sign_in(&program.admin);
    let server = api.ok("POST", "/api/servers", &json!({"name": "mine"}))["id"].clone();
    let asked = format!("/gateways/{}", asked_by_a_model(&program, &server, &peer.url("mcp")));
    let made = api.ok(
        "POST",
        "/gateways",
        &json!({"name": "bear", "url": peer.url("mcp"), "auth_config": {"type": "bearer", "token": "canary-credential"}}),
    );
    let signed = format!("/gateways/{}", made["id"].as_str().expect("an id"));
    for (path, owner) in [(&asked, " at "), (&signed, "grace")] {
        for body in [json!({"description": "y"}), json!({"url": other.url("mcp")})] {
            let refused = unsigned(&program, "PATCH", path, &body);
            assert_eq!(refused.status, 403, "{path} {body}: {refused:?}");
            assert!(refused.body.contains(owner), "it says who added it: {refused:?}");
        }
        let token = json!({"access_token": "another-credential"});
        let auth = format!("{path}/auth");
        assert_eq!(unsigned(&program, "PATCH", &auth, &token).status, 403);
        assert_eq!(unsigned(&program, "DELETE", path, &Value::Null).status, 403);
    }
    assert_eq!(api.ok("GET", &asked, &Value::Null)["status"], json!("pending"));
    assert_eq!(api.ok("GET", &signed, &Value::Null)["url"], json!(peer.url("mcp")));

    let made = unsigned(&program, "POST", "/gateways", &plain("own", &peer.url("mcp"))).json();
    let own = format!("/gateways/{}", made["id"].as_str().expect("an id"));
    let moved = unsigned(&program, "PATCH", &own, &json!({"url": other.url("mcp")}));
    assert_eq!((moved.status, &moved.json()["status"]), (200, &json!("active")), "{moved:?}");
    let source = format!("/api/external-sources/sources/{}", made["id"].as_str().expect("an id"));
    api.ok("POST", &format!("{source}/reject"), &json!({"reason": "not needed"}));
    let refused = unsigned(&program, "PATCH", &own, &json!({"url": peer.url("mcp")}));
    assert!(refused.status == 403 && refused.body.contains("not needed"), "{refused:?}");
    api.ok("POST", &format!("{source}/grant"), &Value::Null);
    assert_eq!(unsigned(&program, "DELETE", &own, &Value::Null).status, 200);
}

#[test]
fn what_waits_or_was_refused_is_allowed_by_no_edit_but_one_of_its_place() {
    let (database, peer) = (Database::sqlite(), Python::start(&["fastmcp", "http"]));
    let program = serve(&database.data_dir(), &[]);
    let api = Api::sign_in(&program.admin);
    let server = api.ok("POST", "/api/servers", &json!({"name": "mine"}))["id"].clone();
    let id = asked_by_a_model(&program, &server, &peer.url("other"));
    let (gateway, source) =
        (format!("/gateways/{id}"), format!("/api/external-sources/sources/{id}"));
    let edit = json!({"description": "as the model wrote it"});
    assert_eq!(api.ok("PATCH", &gateway, &edit)["status"], json!("pending"));
    assert_eq!(api.ok("PUT", &source, &edit)["status"], json!("pending"));
    api.ok("POST", &format!("{source}/reject"), &json!({"reason": "not needed"}));
    assert_eq!(api.ok("PATCH", &gateway, &edit)["status"], json!("rejected"));
    let edited = api.ok("PUT", &source, &edit);
    assert_eq!((&edited["status"], &edited["grants"]), (&json!("rejected"), &json!([])));
    let moved = api.ok("PATCH", &gateway, &json!({"url": peer.url("mcp")}));
    assert_eq!(moved["status"], json!("active"), "{moved}");
    // Whose grant it is stays told.
    let granted = api.ok("PUT", &source, &edit);
    assert_eq!(granted["granted_by"], json!("grace"), "{granted}");
}

#[test]
fn a_credential_goes_to_another_origin_only_where_it_is_sent_anew() {
    let (database, peer) = (Database::sqlite(), Python::start(&["fastmcp", "http"]));
    let other = Python::start(&["fastmcp", "http"]);
    let program = serve(&database.data_dir(), &[]);
    let api = Api::sign_in(&program.admin);
    let auth = json!({"type": "bearer", "token": "canary-credential"});
    let made = api.ok(
        "POST",
        "/gateways",
        &json!({"name": "bear", "url": peer.url("mcp"), "auth_config": auth}),
    );
    let id = made["id"].as_str().expect("an id");
    let (gateway, source) =
        (format!("/gateways/{id}"), format!("/api/external-sources/sources/{id}"));
    let elsewhere = other.url("mcp");
    let refused = api.send("PATCH", &gateway, &json!({"url": elsewhere}));
    assert_eq!((refused.status, &refused.json()["field"]), (422, &json!("auth_config")));
    let refused = api.send("PUT", &source, &json!({"url": elsewhere}));
    assert_eq!((refused.status, &refused.json()["field"]), (422, &json!("auth_secret_name")));
    assert_eq!(api.ok("GET", &gateway, &Value::Null)["url"], json!(peer.url("mcp")));
    let moved = api.ok("PATCH", &gateway, &json!({"url": elsewhere, "auth_config": auth}));
    assert_eq!((&moved["url"], &moved["status"]), (&json!(elsewhere), &json!("active")), "{moved}");
    let back = json!({"url": peer.url("mcp"), "auth_secret_name": "BEAR_TOKEN"});
    assert_eq!(api.ok("PUT", &source, &back)["url"], json!(peer.url("mcp")));
}
