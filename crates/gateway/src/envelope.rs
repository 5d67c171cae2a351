//! The HTTP around a JSON-RPC message, where the protocol library is stricter or terser than clients need.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::problem::Problem;

/// The header that names a session of the older protocol revisions.
pub(crate) const SESSION_ID: &str = "mcp-session-id";

const PROTOCOL_VERSION: &str = "mcp-protocol-version";

/// From this protocol revision on there are no sessions.
const MODERN: &str = "2026-07-28";

/// What the protocol library says of a request that should be part of a session and is not.
const SESSION_MISSING: &[u8] = b"Bad Request: Session ID is required";

const SESSION_ADVICE: &str = "this request needs a session: POST `initialize` first and send the `Mcp-Session-Id` header of its answer with every request after it; or use protocol revision 2026-07-28, which has no sessions";

/// The most of a refusal's text that is passed on.
const TEXT_MAX_BYTES: usize = 16 * 1024;

/// Whether a request is of a protocol revision without sessions. Revisions are dates, which
/// compare as text.
pub(crate) fn is_modern(headers: &HeaderMap) -> bool {
    let version = headers.get(PROTOCOL_VERSION).and_then(|value| value.to_str().ok());
    version.is_some_and(|version| version >= MODERN)
}

/// Clients that accept anything, or say nothing about it, take both types that answers have.
pub(crate) fn widen_accept(headers: &mut HeaderMap) {
    let mut accepted = headers.get_all(ACCEPT).iter().peekable();
    let anything = accepted.peek().is_none()
        || accepted.any(|value| value.to_str().is_ok_and(|text| text.contains("*/*")));
    if anything {
        let both = HeaderValue::from_static("application/json, text/event-stream");
        headers.insert(ACCEPT, both);
    }
}

/// Whether the body is said to be JSON.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// The JSON-RPC error for a body that is no message: what is wrong with it and where.
pub(crate) fn unreadable(body: &[u8]) -> Response {
    let message: Value = match serde_json::from_slice(body) {
        Ok(message) => message,
        Err(error) => {
            return error_response(
                StatusCode::BAD_REQUEST,
                &Value::Null,
                -32700,
                &format!("Parse error: the body is not JSON: {}", broken(&error)),
            );
        }
    };
    let wrong = match &message {
        Value::Array(_) => "batches are not supported; send one message per request",
        Value::Object(_) => {
            "not a JSON-RPC 2.0 message: expected `jsonrpc` \"2.0\", `method`, `id` (a string or an integer; none for notifications) and `params` as an object"
        }
        _ => "not a JSON-RPC 2.0 message: expected an object",
    };
    let id = message.get("id").filter(|id| id.is_string() || id.is_i64() || id.is_u64());
    let id = id.unwrap_or(&Value::Null);
    error_response(StatusCode::BAD_REQUEST, id, -32600, &format!("Invalid Request: {wrong}"))
}

/// Where JSON breaks off, without the reader's own words for it.
fn broken(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let what = if error.is_eof() { "it ends too early" } else { "it is wrong" };
    format!("{what} at line {line} column {column}; send one JSON-RPC message as an object")
}

/// The JSON-RPC error for a body above the limit.
pub(crate) fn too_large(limit: usize) -> Response {
    let text = format!("Invalid Request: the body is larger than {limit} bytes; send less at once");
    error_response(StatusCode::PAYLOAD_TOO_LARGE, &Value::Null, -32600, &text)
}

fn error_response(status: StatusCode, id: &Value, code: i32, message: &str) -> Response {
    let error =
        json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } });
    (status, axum::Json(error)).into_response()
}

/// Gives a refusal that is bare text the form of all other refusals.
pub(crate) async fn with_form(response: Response) -> Response {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let bare = kind.is_none_or(|kind| kind.starts_with("text/plain"));
    let status = response.status();
    if !bare || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let text = axum::body::to_bytes(body, TEXT_MAX_BYTES).await.unwrap_or_default();
    let detail = if status.is_server_error() {
        "internal error; the server's log has the cause".to_owned()
    } else if *text == *SESSION_MISSING {
        SESSION_ADVICE.to_owned()
    } else {
        String::from_utf8_lossy(&text).into_owned()
    };
    let formed = Problem::new(status, detail).into_response();
    let (head, body) = formed.into_parts();
    parts.headers.extend(head.headers);
    Response::from_parts(parts, Body::new(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(response: Response) -> (StatusCode, Value) {
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), TEXT_MAX_BYTES).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn what_is_not_json_is_told_where_it_breaks() {
        let (status, error) = read(unreadable(b"{\"jsonrpc\": }")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(error["error"]["code"], -32700);
        assert!(error["error"]["message"].as_str().unwrap().contains("line 1 column"), "{error}");
    }

    #[tokio::test]
    async fn json_that_is_no_message_keeps_its_id() {
        let (_, error) = read(unreadable(b"{\"id\": 7}")).await;
        assert_eq!((&error["error"]["code"], &error["id"]), (&json!(-32600), &json!(7)));
        for body in ["[]", "3", "{\"id\": null}"] {
            let (_, error) = read(unreadable(body.as_bytes())).await;
            assert_eq!((&error["error"]["code"], &error["id"]), (&json!(-32600), &Value::Null));
        }
    }

    #[test]
    fn only_clients_that_take_anything_are_taken_to_accept_both_types() {
        let accept = |value: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.extend(value.map(|value| (ACCEPT, HeaderValue::from_static(value))));
            widen_accept(&mut headers);
            headers.get(ACCEPT).unwrap().to_str().unwrap().to_owned()
        };
        let both = "application/json, text/event-stream";
        assert_eq!(accept(None), both);
        assert_eq!(accept(Some("*/*")), both);
        assert_eq!(accept(Some("text/html")), "text/html");
    }

    #[tokio::test]
    async fn a_bare_refusal_becomes_a_problem_and_json_stays() {
        let bare = (StatusCode::BAD_REQUEST, "no session").into_response();
        let (status, problem) = read(with_form(bare).await).await;
        assert_eq!((status, &problem["detail"]), (StatusCode::BAD_REQUEST, &json!("no session")));
        let formed = error_response(StatusCode::BAD_REQUEST, &json!(1), -32602, "x");
        let (_, error) = read(with_form(formed).await).await;
        assert_eq!(error["error"]["code"], -32602);
    }
}
