//! Bodies that are no message, or no message of this protocol.

use axum::body::Body;
use http::StatusCode;
use serde_json::{Value, json};

use crate::with::{self, modern, post, read};

async fn answer(body: impl Into<Body>) -> (StatusCode, Value) {
    let door = with::open().await;
    read(door.send(post().body(body.into()).expect("a request")).await).await
}

#[tokio::test]
async fn what_is_not_json_is_a_parse_error() {
    let (status, error) = answer("{\"jsonrpc\": \"2.0\", \"id\": 1,").await;
    assert_eq!((status, &error["error"]["code"]), (StatusCode::BAD_REQUEST, &json!(-32700)));
    assert!(error["error"]["message"].as_str().expect("text").contains("line 1 column"));
    let (_, error) = answer("this is no JSON").await;
    let text = error["error"]["message"].as_str().expect("text");
    assert!(text.contains("the body is not JSON") && !text.contains("ident"), "{text}");
}

#[tokio::test]
async fn json_that_is_no_message_is_an_invalid_request() {
    for body in
        ["[]", "true", "{\"id\": 3}", "[{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"ping\"}]"]
    {
        let (status, error) = answer(body).await;
        let got = (status, error["error"]["code"].as_i64());
        assert_eq!(got, (StatusCode::BAD_REQUEST, Some(-32600)), "{body}");
    }
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_and_one_below_is_read() {
    let limit = 4 * 1024 * 1024;
    let (status, error) = answer(" ".repeat(limit + 1)).await;
    assert_eq!((status, &error["error"]["code"]), (StatusCode::PAYLOAD_TOO_LARGE, &json!(-32600)));
    let (status, _) = answer(" ".repeat(limit)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    // Nobody has to send what is said to be too long.
    let announced = post().header("content-length", limit + 1).body(Body::from("{}"));
    let door = with::open().await;
    let response = door.send(announced.expect("a request")).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn another_content_type_is_told_which_one_is_taken() {
    let door = with::open().await;
    let mut request = modern("tools/list", json!({}));
    request.headers_mut().insert("content-type", "text/plain".parse().expect("a header"));
    let (status, problem) = read(door.send(request).await).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(problem["detail"].as_str().expect("text").contains("application/json"), "{problem}");
}

#[tokio::test]
async fn parameters_of_another_shape_are_invalid_parameters() {
    let door = with::open().await;
    for arguments in [json!("text"), json!([1]), json!(3)] {
        let params = json!({"name": "mcpbox_list_servers", "arguments": arguments});
        let answer = door.ask("tools/call", params).await;
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
    let answer = door.ask("tools/frobnicate", json!({})).await;
    assert_eq!(answer["error"]["code"], -32601);
}
