//! Who may register and change what: programs without a token, programs of a signed-in person, logins of others.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::http::{Answer, Api, send};
use testkit::peer::Python;
use testkit::program::{Program, Start};

use super::{JSON, plain, registration, serve, unsigned, waiting};
use crate::client::Client;
use crate::database::Database;

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

#[test]
fn a_program_without_a_token_undoes_nothing_that_a_person_decided() {
    let (database, peer) = (Database::sqlite(), Python::start(&["fastmcp", "http"]));
    let other = Python::start(&["fastmcp", "http"]);
    let program = serve(&database.data_dir(), &["--gateways-without-token"]);
    let api = Api::sign_in(&program.admin);
    let made = unsigned(&program, "POST", "/gateways", &plain("own", &peer.url("mcp"))).json();
    let id = made["id"].as_str().expect("an id");
    let gateway = format!("/gateways/{id}");
    let patch = |body: &Value| unsigned(&program, "PATCH", &gateway, body);

    api.ok("POST", &format!("/api/external-sources/sources/{id}/disable"), &Value::Null);
    assert_eq!(patch(&json!({"enabled": true})).status, 403);
    assert_eq!(patch(&json!({"description": "x"})).status, 200);
    assert_eq!(api.ok("PATCH", &gateway, &json!({"enabled": true}))["enabled"], json!(true));

    let elsewhere = json!({"url": other.url("mcp")});
    api.approve(&waiting(&api)[0]);
    let refused = patch(&elsewhere);
    assert!(refused.status == 403 && refused.body.contains("approved"), "{refused:?}");
    assert_eq!(api.ok("PATCH", &gateway, &elsewhere)["url"], elsewhere["url"]);

    // What a person registered may have a key in its address.
    let keyed = format!("{}?key=canary-credential", peer.url("mcp"));
    let signed = api.ok("POST", "/gateways", &plain("keyed", &keyed));
    assert_eq!(signed["url"], json!(keyed));
    let seen = unsigned(&program, "GET", "/gateways", &Value::Null);
    assert!(seen.body.contains("?key\"") && !seen.body.contains("canary"), "{seen:?}");
}

#[test]
fn a_program_without_a_token_sends_nobody_what_was_given_to_another() {
    let (database, peer) = (Database::sqlite(), Python::start(&["fastmcp", "http"]));
    let program = serve(&database.data_dir(), &["--gateways-without-token"]);
    let auth = json!({
        "type": "oauth2.1", "access_token": "an-access-token", "refresh_token": "a-refresh-token",
        "client_id": "one", "client_secret": "a-client-secret", "refresh_owner": "client",
    });
    let body = json!({"name": "vault", "url": peer.url("mcp"), "auth_config": auth});
    let made = unsigned(&program, "POST", "/gateways", &body).json();
    let gateway = format!("/gateways/{}", made["id"].as_str().expect("an id"));
    let with = |changes: Value| {
        let mut auth = json!({"type": "oauth2.1", "client_id": "one"});
        auth.as_object_mut().expect("an object").extend(changes.as_object().expect("one").clone());
        unsigned(&program, "PATCH", &gateway, &json!({ "auth_config": auth })).status
    };
    assert_eq!(with(json!({"issuer": "http://127.0.0.1:9"})), 403);
    assert_eq!(with(json!({"token_url": "http://127.0.0.1:9/token"})), 403);
    assert_eq!(with(json!({"client_id": "two"})), 403);
    assert_eq!(with(json!({"scopes": ["read"]})), 200);
}
