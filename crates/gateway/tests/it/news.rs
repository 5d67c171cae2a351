//! Streams of changes, of both kinds of clients. What changes the lists needs a sandbox: the tests of the whole program show that.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use futures::StreamExt as _;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::with::{self, TestDoor, initialize, legacy, modern, read, session_of};

const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

/// The next message on a stream; none at its end.
async fn next(stream: &mut BodyDataStream) -> Option<Value> {
    let message = async {
        loop {
            let chunk = stream.next().await?.expect("a chunk");
            let text = String::from_utf8(chunk.to_vec()).expect("text");
            let data = text.lines().find_map(|line| line.strip_prefix("data:"));
            if let Some(message) = data.and_then(|data| serde_json::from_str(data).ok()) {
                return Some(message);
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), message).await.expect("a message in time")
}

fn stream_of(session: &str) -> Request<Body> {
    Request::get("/mcp")
        .header("host", "localhost")
        .header("accept", "text/event-stream")
        .header("mcp-session-id", session)
        .body(Body::empty())
        .expect("a request")
}

async fn listen(door: &TestDoor, filter: Value) -> BodyDataStream {
    let response =
        door.send(modern("subscriptions/listen", json!({"notifications": filter}))).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    response.into_body().into_data_stream()
}

#[tokio::test]
async fn a_listener_is_told_at_once_what_it_will_hear_of() {
    let door = with::open().await;
    let filter = json!({
        "toolsListChanged": true,
        "promptsListChanged": true,
        "resourcesListChanged": false,
        "resourceSubscriptions": ["test://a"],
        "taskIds": ["x"],
    });
    let mut streams = Vec::new();
    for _ in 0..6 {
        streams.push(listen(&door, filter.clone()).await);
    }
    for stream in &mut streams {
        let told = next(stream).await.expect("a message");
        assert_eq!(told["method"], "notifications/subscriptions/acknowledged");
        let kept = json!({
            "toolsListChanged": true,
            "promptsListChanged": true,
        });
        assert_eq!(told["params"]["notifications"], kept);
        assert_eq!(told["params"]["_meta"][SUBSCRIPTION_ID], 1, "the id of the request");
    }
}

#[tokio::test]
async fn what_a_listener_may_have_kept_for_it_is_bounded() {
    let door = with::open().await;
    let uris = |count: usize| {
        let uri = |number| format!("test://{number}/{}", "x".repeat(1_000));
        json!({"resourceSubscriptions": (0..count).map(uri).collect::<Vec<_>>()})
    };
    let few = listen(&door, uris(60)).await;
    drop(few);
    let many = modern("subscriptions/listen", json!({"notifications": uris(70)}));
    let (_, refused) = read(door.send(many).await).await;
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
}

#[tokio::test]
async fn a_listener_is_answered_when_the_program_ends() {
    let door = with::open().await;
    let mut stream = listen(&door, json!({"toolsListChanged": true})).await;
    next(&mut stream).await.expect("the acknowledgement");
    door.stop();
    let answer = next(&mut stream).await.expect("the answer");
    assert_eq!((&answer["id"], &answer["result"]["resultType"]), (&json!(1), &json!("complete")));
    assert_eq!(answer["result"]["_meta"][SUBSCRIPTION_ID], 1);
    assert_eq!(next(&mut stream).await, None);

    let refused = door.send(modern("tools/list", json!({}))).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn a_filter_of_another_shape_is_refused() {
    let door = with::open().await;
    for params in [json!({}), json!({"notifications": {"toolsListChanged": "yes"}})] {
        let answer = door.ask("subscriptions/listen", params).await;
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
}

#[tokio::test]
async fn whoever_comes_back_after_a_restart_hears_that_all_may_have_changed() {
    let door = with::open().await;
    let session = session_of(&door.send(legacy(None, &initialize())).await);
    let first = door.send(stream_of(&session)).await;
    assert_eq!(first.status(), StatusCode::OK);
    let another = door.restarted();
    let mut stream = another.send(stream_of(&session)).await.into_body().into_data_stream();
    for list in ["tools", "prompts", "resources"] {
        let told = next(&mut stream).await.expect("a message");
        assert_eq!(told["method"], format!("notifications/{list}/list_changed"));
        assert!(told.get("params").is_none(), "{told}");
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_session() {
    let door = with::open().await;
    let session = session_of(&door.send(legacy(None, &initialize())).await);
    let mut stream = door.send(stream_of(&session)).await.into_body().into_data_stream();
    let end =
        Request::delete("/mcp").header("host", "localhost").header("mcp-session-id", &session);
    door.send(end.body(Body::empty()).expect("a request")).await;
    assert_eq!(next(&mut stream).await, None);
}

#[tokio::test]
async fn a_stream_needs_its_session_and_its_media_type() {
    let door = with::open().await;
    let session = session_of(&door.send(legacy(None, &initialize())).await);
    let mut other = stream_of(&session);
    other.headers_mut().insert("accept", "application/json".parse().expect("a header"));
    assert_eq!(door.send(other).await.status(), StatusCode::NOT_ACCEPTABLE);
    assert_eq!(door.send(stream_of("none")).await.status(), StatusCode::NOT_FOUND);
    let mut without = stream_of(&session);
    without.headers_mut().remove("mcp-session-id");
    assert_eq!(door.send(without).await.status(), StatusCode::BAD_REQUEST);
}
