//! What requests of the revision without sessions must say, and what they are told where they do not.

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::with::{self, MODERN, TestDoor, modern, post, read};

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// A request of that method whose body and headers say as little as they are given here.
fn bare(method: &str, params: &Value, version: Option<&str>) -> Request<Body> {
    let body = json!({"jsonrpc": "2.0", "id": "a", "method": method, "params": params});
    let mut request = post().header("mcp-method", method);
    if let Some(version) = version {
        request = request.header("mcp-protocol-version", version);
    }
    request.body(Body::from(body.to_string())).expect("a request")
}

async fn code(door: &TestDoor, request: Request<Body>) -> (StatusCode, Option<i64>) {
    let (status, answer) = read(door.send(request).await).await;
    assert_eq!(answer["id"], "a", "the id is repeated: {answer}");
    (status, answer["error"]["code"].as_i64())
}

#[tokio::test]
async fn what_a_client_says_of_itself_comes_first() {
    let door = with::open().await;
    for params in [
        json!({}),
        json!({"_meta": {(CAPABILITIES): {}}}),
        json!({"_meta": {(VERSION): MODERN}}),
        json!({"_meta": null}),
    ] {
        let request = bare("server/discover", &params, Some(MODERN));
        let wrong = code(&door, request).await;
        assert_eq!(wrong, (StatusCode::BAD_REQUEST, Some(-32602)), "{params}");
    }
    let enough = json!({"_meta": {(VERSION): MODERN, (CAPABILITIES): {}}});
    let right = code(&door, bare("server/discover", &enough, Some(MODERN))).await;
    assert_eq!(right, (StatusCode::OK, None));
}

#[tokio::test]
async fn a_revision_is_known_and_named_alike_in_header_and_body() {
    let door = with::open().await;
    let meta = |version: &str| json!({"_meta": {(VERSION): version, (CAPABILITIES): {}}});
    let unknown = bare("server/discover", &meta("v999.0.0"), Some("v999.0.0"));
    let (status, answer) = read(door.send(unknown).await).await;
    assert_eq!((status, &answer["error"]["code"]), (StatusCode::BAD_REQUEST, &json!(-32022)));
    assert_eq!(answer["error"]["data"]["requested"], "v999.0.0");
    assert!(answer["error"]["data"]["supported"].as_array().is_some_and(|all| all.len() == 4));
    for (body, header) in [("v999.0.0", Some(MODERN)), (MODERN, Some("2025-11-25")), (MODERN, None)]
    {
        let differing = code(&door, bare("tools/list", &meta(body), header)).await;
        assert_eq!(differing, (StatusCode::BAD_REQUEST, Some(-32020)), "{body} {header:?}");
    }
}

#[tokio::test]
async fn headers_say_what_the_body_says() {
    let door = with::open().await;
    let with_header = |name: &'static str, value: Option<&'static str>| {
        let mut request = modern("tools/call", json!({"name": "mcpbox_list_servers"}));
        request.headers_mut().remove(name);
        if let Some(value) = value {
            request.headers_mut().insert(name, value.parse().expect("a value"));
        }
        request
    };
    for (name, value) in [
        ("mcp-method", Some("prompts/list")),
        ("mcp-method", Some("TOOLS/CALL")),
        ("mcp-method", None),
        ("mcp-name", Some("wrong")),
        ("mcp-name", None),
        ("mcp-name", Some("=?base64?!?=")),
    ] {
        let (status, answer) = read(door.send(with_header(name, value)).await).await;
        let told = (status, answer["error"]["code"].as_i64());
        assert_eq!(told, (StatusCode::BAD_REQUEST, Some(-32020)), "{name} {value:?}");
    }
    for value in ["  mcpbox_list_servers  ", "=?base64?bWNwYm94X2xpc3Rfc2VydmVycw==?="] {
        let (status, answer) = read(door.send(with_header("mcp-name", Some(value))).await).await;
        assert_eq!(
            (status, &answer["result"]["isError"]),
            (StatusCode::OK, &json!(false)),
            "{value}"
        );
    }
}

#[tokio::test]
async fn what_only_sessions_have_is_not_found() {
    let door = with::open().await;
    let gone = ["initialize", "ping", "logging/setLevel", "resources/subscribe", "unknown/method"];
    for method in gone {
        let (status, answer) = read(door.send(modern(method, json!({}))).await).await;
        let told = (status, answer["error"]["code"].as_i64());
        assert_eq!(told, (StatusCode::NOT_FOUND, Some(-32601)), "{method}");
    }
    for method in ["GET", "DELETE", "PUT"] {
        let request = Request::builder()
            .method(method)
            .uri("/mcp")
            .header("host", "localhost")
            .header("mcp-protocol-version", MODERN)
            .body(Body::empty());
        let response = door.send(request.expect("a request")).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert!(response.headers().contains_key("allow"), "{method}");
    }
}

#[tokio::test]
async fn results_say_what_they_are_and_how_long_they_may_be_kept() {
    let door = with::open().await;
    for method in [
        "server/discover",
        "tools/list",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
    ] {
        let result = door.ask(method, json!({})).await["result"].clone();
        assert_eq!(result["resultType"], "complete", "{method}");
        assert_eq!((&result["ttlMs"], &result["cacheScope"]), (&json!(0), &json!("private")));
        let info = &result["_meta"]["io.modelcontextprotocol/serverInfo"];
        assert_eq!(info["name"], "mcpbox", "{method}");
    }
    let discovered = door.ask("server/discover", json!({})).await;
    let capabilities = &discovered["result"]["capabilities"];
    assert_eq!(capabilities["prompts"], json!({"listChanged": true}));
    assert_eq!(capabilities["resources"], json!({"listChanged": true, "subscribe": true}));
}

#[tokio::test]
async fn answers_to_questions_are_objects_and_states_are_this_servers() {
    let door = with::open().await;
    let call = |more: Value| {
        let mut params = json!({"name": "mcpbox_list_servers", "arguments": {}});
        params.as_object_mut().expect("an object").extend(more.as_object().expect("more").clone());
        params
    };
    for wrong in [
        json!({"inputResponses": null}),
        json!({"inputResponses": {"a": 12345}}),
        json!({"requestState": 1}),
        json!({"requestState": "made.up.1.00"}),
    ] {
        let answer = door.ask("tools/call", call(wrong.clone())).await;
        assert_eq!(answer["error"]["code"], -32602, "{wrong}: {answer}");
    }
    let unasked = json!({"inputResponses": {"a": {"action": "accept"}}});
    let answer = door.ask("tools/call", call(unasked)).await;
    assert_eq!(answer["result"]["isError"], false, "{answer}");
}

#[tokio::test]
async fn notifications_are_taken_and_responses_are_not() {
    let door = with::open().await;
    let send = |message: Value| {
        let request = post().header("mcp-protocol-version", MODERN);
        door.send(request.body(Body::from(message.to_string())).expect("a request"))
    };
    let notified = send(json!({"jsonrpc": "2.0", "method": "notifications/cancelled"})).await;
    assert_eq!(notified.status(), StatusCode::ACCEPTED);
    let response = send(json!({"jsonrpc": "2.0", "id": 1, "result": {}})).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_resource_that_there_is_not_is_named() {
    let door = with::open().await;
    let answer = door.ask("resources/read", json!({"uri": "test://nothing"})).await;
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    assert_eq!(answer["error"]["data"]["uri"], "test://nothing");
}
