//! Both kinds of clients: with a session of the older revisions, and without one.

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::with::{self, LEGACY, MODERN, TestDoor, initialize, legacy, modern, read, session_of};

async fn open_session(door: &TestDoor) -> String {
    let opened = door.send(legacy(None, &initialize())).await;
    let session = session_of(&opened);
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let status = door.send(legacy(Some(&session), &ready)).await.status();
    assert_eq!(status, StatusCode::ACCEPTED);
    session
}

fn request(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 5, "method": method, "params": params})
}

#[tokio::test]
async fn a_session_is_opened_used_and_ended() {
    let door = with::open().await;
    let (_, opened) = read(door.send(legacy(None, &initialize())).await).await;
    assert_eq!(opened["result"]["protocolVersion"], LEGACY);
    assert_eq!(opened["result"]["serverInfo"]["name"], "mcpbox");
    assert_eq!(opened["result"]["capabilities"]["tools"]["listChanged"], true);

    let session = open_session(&door).await;
    let message = request("tools/list", &json!({}));
    let (_, listed) = read(door.send(legacy(Some(&session), &message)).await).await;
    assert_eq!(listed["result"]["tools"].as_array().map(Vec::len), Some(28));
    assert!(listed["result"].get("resultType").is_none());

    let end = || {
        let request = Request::delete("/mcp").header("host", "localhost");
        request.header("mcp-session-id", &session).body(Body::empty()).expect("a request")
    };
    assert_eq!(door.send(end()).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(door.send(end()).await.status(), StatusCode::NOT_FOUND);
    let status = door.send(legacy(Some(&session), &message)).await.status();
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_request_that_lacks_its_session_is_told_how_to_get_one() {
    let door = with::open().await;
    let message = request("tools/list", &json!({}));
    let (status, problem) = read(door.send(legacy(None, &message)).await).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let detail = problem["detail"].as_str().expect("text");
    assert!(detail.contains("`initialize`") && detail.contains("Mcp-Session-Id"), "{detail}");
}

#[tokio::test]
async fn without_a_session_each_request_stands_alone() {
    let door = with::open().await;
    let discovered = door.ask("server/discover", json!({})).await;
    let versions = discovered["result"]["supportedVersions"].as_array().expect("versions");
    assert!(versions.contains(&json!(MODERN)) && versions.contains(&json!(LEGACY)));
    let listed = door.ask("tools/list", json!({})).await;
    assert_eq!(listed["result"]["resultType"], "complete");
    assert_eq!(listed["result"]["cacheScope"], "private");
    assert_eq!(listed["result"]["tools"].as_array().map(Vec::len), Some(28));
}

#[tokio::test]
async fn a_request_without_a_session_opens_none_and_enters_none() {
    let door = with::open().await;
    let session = open_session(&door).await;
    let mut modern = modern("tools/list", json!({}));
    modern.headers_mut().insert("mcp-session-id", session.parse().expect("a header"));
    let response = door.send(modern).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.headers().get("mcp-session-id").is_none());
}

#[tokio::test]
async fn what_is_not_declared_is_not_answered() {
    let door = with::open().await;
    for method in ["tasks/get", "resources/subscribe", "ping"] {
        let (status, answer) = read(door.send(modern(method, json!({}))).await).await;
        let code = (status, answer["error"]["code"].as_i64());
        assert_eq!(code, (StatusCode::NOT_FOUND, Some(-32601)), "{method}");
    }
}

#[tokio::test]
async fn a_client_that_accepts_anything_is_answered_in_json() {
    let door = with::open().await;
    let mut request = modern("tools/list", json!({}));
    request.headers_mut().insert("accept", "*/*".parse().expect("a header"));
    let response = door.send(request).await;
    let kind = response.headers().get("content-type").expect("a type").clone();
    assert_eq!((response.status(), kind.to_str().ok()), (StatusCode::OK, Some("application/json")));
}
