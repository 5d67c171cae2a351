//! `notifications/tools/list_changed`, on the streams of both kinds of clients.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use futures::StreamExt as _;
use http::Request;
use serde_json::{Value, json};

use crate::with::{self, TestDoor, initialize, legacy, modern, session_of};

/// The next message on a stream.
async fn next(stream: &mut BodyDataStream) -> Value {
    let message = async {
        loop {
            let chunk = stream.next().await.expect("the stream goes on").expect("a chunk");
            let text = String::from_utf8(chunk.to_vec()).expect("text");
            let data = text.lines().find_map(|line| line.strip_prefix("data:"));
            if let Some(message) = data.and_then(|data| serde_json::from_str(data).ok()) {
                return message;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), message).await.expect("a message in time")
}

/// Deleting a server may change the list of tools, so it is announced.
async fn change(door: &TestDoor) {
    let created = door.call("mcpbox_create_server", json!({"name": "brief"})).await;
    let id = created["structuredContent"]["id"].clone();
    door.call("mcpbox_delete_server", json!({ "server_id": id })).await;
}

#[tokio::test]
async fn a_session_with_a_stream_hears_of_a_change() {
    let door = with::open().await;
    let opened = door.send(legacy(None, &initialize())).await;
    let session = session_of(&opened);
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    door.send(legacy(Some(&session), &ready)).await;
    let request = Request::get("/mcp")
        .header("host", "localhost")
        .header("accept", "text/event-stream")
        .header("mcp-session-id", &session)
        .body(Body::empty())
        .expect("a request");
    let mut stream = door.send(request).await.into_body().into_data_stream();
    change(&door).await;
    let message = next(&mut stream).await;
    assert_eq!(message["method"], "notifications/tools/list_changed", "{message}");
}

#[tokio::test]
async fn a_listener_without_a_session_hears_of_what_it_asked_for() {
    let door = with::open().await;
    let wanted = json!({"notifications": {"toolsListChanged": true, "promptsListChanged": true}});
    let listening = door.send(modern("subscriptions/listen", wanted)).await;
    let mut stream = listening.into_body().into_data_stream();
    let accepted = next(&mut stream).await;
    assert_eq!(accepted["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(accepted["params"]["notifications"], json!({"toolsListChanged": true}));
    change(&door).await;
    let message = next(&mut stream).await;
    assert_eq!(message["method"], "notifications/tools/list_changed", "{message}");
}
