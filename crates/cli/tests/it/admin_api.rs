//! The JSON API of the admin door.

use serde_json::{Value, json};

use crate::client::Client;
use crate::database::Database;
use crate::whole_loop::publish;
use testkit::http::{Api, send};
use testkit::program::{ACCOUNT, Start};

const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];

#[test]
fn the_first_account_is_made_once_and_signs_in() {
    let database = Database::sqlite();
    let program = database.serve();
    let post =
        |path: &str, body: Value| send(&program.admin, "POST", path, &JSON, &body.to_string());
    let status = || send(&program.admin, "GET", "/auth/status", &[], "").json();
    assert_eq!(status()["setup_required"], json!(true));
    let short = post("/auth/setup", json!({"username": "grace", "password": "short"}));
    assert_eq!(short.status, 422, "{short:?}");
    assert!(
        short.head.contains("application/problem+json") && short.body.contains("12"),
        "{short:?}"
    );

    let account = json!({"username": ACCOUNT.0, "password": ACCOUNT.1});
    assert_eq!(post("/auth/setup", account.clone()).status, 201);
    assert_eq!(post("/auth/setup", account.clone()).status, 409);
    assert_eq!(status()["setup_required"], json!(false));
    let wrong = post("/auth/login", json!({"username": ACCOUNT.0, "password": "not the password"}));
    assert_eq!(wrong.status, 401, "{wrong:?}");

    let tokens = post("/auth/login", account).json();
    assert_eq!(tokens["token_type"], "bearer");
    assert_eq!(tokens["expires_in"], json!(900));
    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    let next = post("/auth/refresh", refresh.clone());
    assert_eq!(next.status, 200, "{next:?}");
    assert_eq!(post("/auth/refresh", refresh).status, 401, "a refresh token works once");
    let me = |token: &Value| {
        let bearer = format!("Bearer {}", token.as_str().expect("a token"));
        send(&program.admin, "GET", "/auth/me", &[("Authorization", &bearer)], "").status
    };
    assert_eq!(me(&tokens["access_token"]), 401, "the old pair ended");
    assert_eq!(me(&next.json()["access_token"]), 200);
}

#[test]
fn the_first_account_can_come_from_the_settings() {
    let database = Database::sqlite();
    let dir = database.data_dir();
    let arguments = ["--admin-username", ACCOUNT.0, "--admin-password", ACCOUNT.1];
    let start =
        Start { command: "serve", data_dir: &dir, database_url: None, arguments: &arguments };
    let program = start.run();
    let status = send(&program.admin, "GET", "/auth/status", &[], "").json();
    assert_eq!(status["setup_required"], json!(false));
    Api::sign_in(&program.admin);
    let weak = ["--admin-username", "grace", "--admin-password", "short"];
    let other = Database::sqlite();
    let dir = other.data_dir();
    let start = Start { command: "serve", data_dir: &dir, database_url: None, arguments: &weak };
    assert!(start.refused().contains("12"));
}

#[test]
fn strangers_and_bad_requests_get_a_problem_document() {
    let database = Database::sqlite();
    let program = database.serve();
    let stranger = send(&program.admin, "GET", "/api/servers", &[], "");
    assert_eq!(stranger.status, 401);
    assert!(stranger.head.contains("application/problem+json"), "{stranger:?}");
    let api = Api::sign_in(&program.admin);
    assert_eq!(api.ok("GET", "/api/servers", &Value::Null)["total"], json!(0));
    for (method, path, body, status) in [
        ("GET", "/api/servers/not-an-id", Value::Null, 404),
        ("GET", "/api/tools/01890000-0000-7000-8000-000000000000", Value::Null, 404),
        ("POST", "/api/servers", json!({"nome": "x"}), 422),
        ("GET", "/api/nothing", Value::Null, 404),
        ("PUT", "/api/servers", Value::Null, 405),
        ("GET", "/api/approvals/tools?status=sideways", Value::Null, 422),
    ] {
        let answer = api.send(method, path, &body);
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        assert!(answer.head.contains("application/problem+json"), "{method} {path}: {answer:?}");
        assert!(answer.json()["detail"].is_string(), "{answer:?}");
    }
}

#[test]
fn an_approval_is_bound_to_the_digest_that_was_seen() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let code = "async def main() -> int:\n    return 1\n";
    let id = publish(&mut model, &api, "bound", "one", code);
    let edit = json!({"tool_id": id, "python_code": code.replace('1', "2")});
    model.ok("mcpbox_update_tool", &edit);
    model.ok("mcpbox_request_publish", &json!({"tool_id": id}));
    let seen = api.ok("GET", "/api/approvals/tools", &Value::Null)["items"][0]["digest"].clone();
    model
        .ok("mcpbox_update_tool", &json!({"tool_id": id, "python_code": code.replace('1', "666")}));
    model.ok("mcpbox_request_publish", &json!({"tool_id": id}));

    let path = format!("/api/approvals/tools/{id}/action");
    let late = api.send("POST", &path, &json!({"action": "approve", "digest": seen}));
    assert_eq!(late.status, 409, "{late:?}");
    assert_eq!(model.ok("bound__one", &json!({}))["result"], json!(1), "nothing unseen is live");
    let now = api.ok("GET", "/api/approvals/tools", &Value::Null)["items"][0]["digest"].clone();
    api.ok("POST", &path, &json!({"action": "approve", "digest": now}));
    assert_eq!(model.ok("bound__one", &json!({}))["result"], json!(666));
}

#[test]
fn a_rejection_needs_a_reason_which_the_model_reads() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let server = model.ok("mcpbox_create_server", &json!({"name": "a"}));
    let code = "async def main() -> int:\n    return 1\n";
    let new = json!({"server_id": server["id"], "name": "t", "python_code": code});
    let id = model.ok("mcpbox_create_tool", &new)["id"].as_str().expect("an id").to_owned();
    model.ok("mcpbox_request_publish", &json!({"tool_id": id}));
    let path = format!("/api/approvals/tools/{id}/action");
    assert_eq!(api.send("POST", &path, &json!({"action": "reject"})).status, 422);
    api.ok("POST", &path, &json!({"action": "reject", "reason": "say what it is for"}));
    let status = model.ok("mcpbox_get_tool_status", &json!({"tool_id": id}));
    assert_eq!(status["approval_status"], "rejected");
    assert_eq!(status["rejection_reason"], "say what it is for");
    model.ok("mcpbox_request_publish", &json!({"tool_id": id, "notes": "for tests"}));
    assert_eq!(api.ok("GET", "/api/approvals/tools", &Value::Null)["total"], json!(1));
}
