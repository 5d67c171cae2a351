//! Sessions of the older revisions: what they agree on, what they outlive, and what is told in them.

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::with::{self, TestDoor, legacy, post, read, session_of};

fn opening(version: &Value) -> Value {
    json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    })
}

async fn open(door: &TestDoor, version: &str) -> String {
    session_of(&door.send(legacy(None, &opening(&json!(version)))).await)
}

fn request(id: impl Into<Value>, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params})
}

/// A message in a session whose header names no revision.
fn within(session: &str, message: &Value) -> Request<Body> {
    let request = post().header("mcp-session-id", session);
    request.body(Body::from(message.to_string())).expect("a request")
}

#[tokio::test]
async fn a_session_begins_with_the_revision_that_was_asked_for_if_it_has_sessions() {
    let door = with::open().await;
    for (asked, agreed) in [
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("2024-11-05", "2025-11-25"),
    ] {
        let (status, answer) = read(door.send(legacy(None, &opening(&json!(asked)))).await).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(answer["result"]["protocolVersion"], agreed, "{asked}");
    }
    let (_, answer) = read(door.send(legacy(None, &opening(&json!(null)))).await).await;
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
}

#[tokio::test]
async fn a_method_that_there_is_not_does_not_look_like_the_end_of_the_session() {
    let door = with::open().await;
    for version in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let session = open(&door, version).await;
        for method in ["nope/nope", "subscriptions/listen"] {
            let asked = within(&session, &request(1, method, &json!({})));
            let (status, answer) = read(door.send(asked).await).await;
            assert_eq!(status, StatusCode::OK, "{version} {method}: {answer}");
            assert_eq!(answer["error"]["code"], -32601, "{version} {method}: {answer}");
        }
        let ping = within(&session, &request(2, "ping", &json!({})));
        assert_eq!(read(door.send(ping).await).await.1["result"], json!({}), "{version}");
    }
    // Where there are no sessions, 404 says it as the protocol wants it.
    let (status, answer) = read(door.send(with::modern("nope/nope", json!({}))).await).await;
    assert_eq!((status, &answer["error"]["code"]), (StatusCode::NOT_FOUND, &json!(-32601)));
}

#[tokio::test]
async fn another_process_on_the_database_goes_on_with_a_session() {
    let door = with::open().await;
    let session = open(&door, "2025-11-25").await;
    let level = request(1, "logging/setLevel", &json!({"level": "error"}));
    let (_, set) = read(door.send(within(&session, &level)).await).await;
    assert_eq!(set["result"], json!({}));
    let another = door.restarted();
    let ping = request("p", "ping", &json!({}));
    let (status, answer) = read(another.send(within(&session, &ping)).await).await;
    assert_eq!(
        (status, &answer["result"], &answer["id"]),
        (StatusCode::OK, &json!({}), &json!("p"))
    );

    let end =
        Request::delete("/mcp").header("host", "localhost").header("mcp-session-id", &session);
    let ended = another.send(end.body(Body::empty()).expect("a request")).await;
    assert_eq!(ended.status(), StatusCode::NO_CONTENT);
    assert_eq!(another.send(within(&session, &ping)).await.status(), StatusCode::NOT_FOUND);
    let third = door.restarted();
    assert_eq!(third.send(within(&session, &ping)).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_a_client_wants_to_hear_is_checked() {
    let door = with::open().await;
    let session = open(&door, "2025-11-25").await;
    for (method, params, is_right) in [
        ("logging/setLevel", json!({"level": "debug"}), true),
        ("logging/setLevel", json!({"level": "loud"}), false),
        ("logging/setLevel", json!({}), false),
        ("resources/subscribe", json!({"uri": "x".repeat(3_000)}), false),
        ("resources/subscribe", json!({"uri": 3}), false),
        ("resources/unsubscribe", json!({"uri": "test://a"}), true),
        ("resources/unsubscribe", json!({"uri": "test://never"}), true),
    ] {
        let message = request(1, method, &params);
        let (_, answer) = read(door.send(within(&session, &message)).await).await;
        if is_right {
            assert_eq!(answer["result"], json!({}), "{method} {params}");
        } else {
            assert_eq!(answer["error"]["code"], -32602, "{method} {params}");
        }
    }
    // What is not there is answered as a read of it is.
    let unknown = request(1, "resources/subscribe", &json!({"uri": "test://a"}));
    let (_, answer) = read(door.send(within(&session, &unknown)).await).await;
    assert_eq!(answer["error"]["code"], -32002, "{answer}");
}

#[tokio::test]
async fn the_oldest_revision_has_batches_and_the_others_have_not() {
    let door = with::open().await;
    let oldest = open(&door, "2025-03-26").await;
    let batch = json!([
        request(1, "ping", &json!({})),
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        request("x", "tools/call", &json!({"name": "mcpbox_list_servers"})),
        request(3, "no/such", &json!({})),
        {"jsonrpc": "2.0", "id": 4},
    ]);
    let (status, answers) = read(door.send(within(&oldest, &batch)).await).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answers[0], json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
    assert_eq!((&answers[1]["id"], &answers[1]["result"]["isError"]), (&json!("x"), &json!(false)));
    assert_eq!((&answers[2]["id"], &answers[2]["error"]["code"]), (&json!(3), &json!(-32601)));
    assert_eq!(answers[3]["error"]["code"], -32600);
    assert_eq!(answers.as_array().map(Vec::len), Some(4));

    let silent = json!([{"jsonrpc": "2.0", "method": "notifications/initialized"}]);
    assert_eq!(door.send(within(&oldest, &silent)).await.status(), StatusCode::ACCEPTED);
    let many = Value::Array(vec![request(1, "ping", &json!({})); 51]);
    for wrong in [json!([]), many] {
        let (status, answer) = read(door.send(within(&oldest, &wrong)).await).await;
        assert_eq!((status, &answer["error"]["code"]), (StatusCode::BAD_REQUEST, &json!(-32600)));
    }
    let newer = open(&door, "2025-06-18").await;
    let (status, _) = read(door.send(within(&newer, &batch)).await).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_oldest_revision_gets_no_structured_content() {
    let door = with::open().await;
    for (version, is_structured) in [("2025-03-26", false), ("2025-06-18", true)] {
        let session = open(&door, version).await;
        let call = request(1, "tools/call", &json!({"name": "mcpbox_list_servers"}));
        let (_, answer) = read(door.send(within(&session, &call)).await).await;
        let structured = answer["result"].get("structuredContent").is_some();
        assert_eq!(structured, is_structured, "{version}: {answer}");
    }
}

#[tokio::test]
async fn the_oldest_revision_is_shown_no_titles_and_no_output_schemas() {
    let door = with::open().await;
    for (version, is_shown) in [("2025-03-26", false), ("2025-06-18", true)] {
        let (_, opened) = read(door.send(legacy(None, &opening(&json!(version)))).await).await;
        let titled = opened["result"]["serverInfo"].get("title").is_some();
        assert_eq!(titled, is_shown, "{version}: {opened}");
        let session = open(&door, version).await;
        for (method, key) in
            [("tools/list", "tools"), ("resources/templates/list", "resourceTemplates")]
        {
            let list = request(1, method, &json!({}));
            let (_, answer) = read(door.send(within(&session, &list)).await).await;
            let listed = answer["result"][key].as_array().expect("a list").clone();
            assert!(!listed.is_empty(), "{answer}");
            for one in listed {
                assert_eq!(one.get("title").is_some(), is_shown, "{version}: {one}");
                if key == "tools" {
                    assert_eq!(one.get("outputSchema").is_some(), is_shown, "{version}: {one}");
                    let among_hints = one["annotations"].get("title").is_some();
                    assert_eq!(among_hints, !is_shown, "{version}: {one}");
                    let first = one.as_object().and_then(|one| one.keys().next());
                    assert_eq!(first.map(String::as_str), Some("name"), "in the order as written");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_header_that_names_another_revision_with_sessions_is_taken_and_an_unknown_one_is_not() {
    let door = with::open().await;
    let session = open(&door, "2025-11-25").await;
    for (named, status) in [
        ("2025-03-26", StatusCode::OK),
        ("2025-11-25", StatusCode::OK),
        ("2024-01-01", StatusCode::BAD_REQUEST),
    ] {
        let mut ping = within(&session, &request(1, "ping", &json!({})));
        ping.headers_mut().insert("mcp-protocol-version", named.parse().expect("a header"));
        assert_eq!(door.send(ping).await.status(), status, "{named}");
    }
}

#[tokio::test]
async fn an_answer_that_nobody_waits_for_is_taken() {
    let door = with::open().await;
    let session = open(&door, "2025-11-25").await;
    for message in [
        json!({"jsonrpc": "2.0", "id": "no", "result": {}}),
        json!({"jsonrpc": "2.0", "id": "no", "error": {"code": -1, "message": "no"}}),
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 9}}),
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled"}),
        json!({"jsonrpc": "2.0", "method": "notifications/whatever", "params": {}}),
    ] {
        let status = door.send(within(&session, &message)).await.status();
        assert_eq!(status, StatusCode::ACCEPTED, "{message}");
    }
}

#[tokio::test]
async fn a_resource_that_there_is_not_has_the_code_of_its_revision() {
    let door = with::open().await;
    let session = open(&door, "2025-11-25").await;
    let read_it = request(1, "resources/read", &json!({"uri": "test://nothing"}));
    let (_, answer) = read(door.send(within(&session, &read_it)).await).await;
    assert_eq!(answer["error"]["code"], -32002, "{answer}");
}
