//! Messages of JSON-RPC as the bridge sees them: their kind and ids; the rest passes through as it is.

use serde_json::{Map, Value, json};

/// The key in `_meta` by which a request of the stateless revisions tells its revision.
const VERSION: &str = "io.modelcontextprotocol/protocolVersion";

/// JSON-RPC: not JSON.
pub(super) const PARSE_ERROR: i64 = -32700;
/// JSON-RPC: JSON, but no message.
pub(super) const INVALID_REQUEST: i64 = -32600;
/// JSON-RPC: anything else that went wrong here.
pub(super) const INTERNAL_ERROR: i64 = -32603;
/// MCP: a header does not say what the body says.
pub(super) const HEADER_MISMATCH: i64 = -32020;

/// A message from the client.
#[derive(Debug, Clone)]
pub(super) struct Message {
    /// The line as it came.
    pub(super) text: String,
    pub(super) kind: Kind,
    /// The ids that are to be answered: one of a request, several of a batch.
    pub(super) ids: Vec<Value>,
    body: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Notification,
    /// The client's answer to a request of the server.
    Answer,
    /// Several in one, as the oldest revision has them.
    Batch,
}

impl Message {
    /// Reads a line; the error is the answer to it.
    pub(super) fn read(line: &str) -> Result<Self, Value> {
        let body: Value = serde_json::from_str(line).map_err(|error| {
            failure(&Value::Null, PARSE_ERROR, &format!("this line is not JSON: {error}"))
        })?;
        let (kind, ids) = match &body {
            Value::Object(fields) => {
                let kind = kind_of(fields)?;
                let id = fields.get("id").filter(|_| kind == Kind::Request);
                (kind, id.cloned().into_iter().collect())
            }
            Value::Array(several) if !several.is_empty() => {
                let requests = several.iter().filter(|one| one.get("method").is_some());
                (Kind::Batch, requests.filter_map(|one| one.get("id").cloned()).collect())
            }
            _ => return Err(invalid(&Value::Null)),
        };
        Ok(Self { text: line.to_owned(), kind, ids, body })
    }

    pub(super) fn method(&self) -> &str {
        self.body.get("method").and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&Value> {
        self.body.get("params")?.get(name)
    }

    /// The revision that a stateless request names.
    pub(super) fn version(&self) -> Option<&str> {
        self.parameter("_meta")?.get(VERSION)?.as_str()
    }

    pub(super) fn meta(&self) -> Option<&Value> {
        self.parameter("_meta")
    }

    /// Whether it begins a session.
    pub(super) fn is_initialize(&self) -> bool {
        self.method() == "initialize" && self.parameter("protocolVersion").is_some()
    }

    /// Whether it is of the stateless revisions.
    pub(super) fn is_modern(&self) -> bool {
        !self.is_initialize()
            && (self.version().is_some()
                || ["server/discover", "subscriptions/listen"].contains(&self.method()))
    }

    /// Whether its answer is a stream that goes on until somebody ends it.
    pub(super) fn is_subscription(&self) -> bool {
        self.method() == "subscriptions/listen"
    }

    /// The id of the request that it cancels, if it cancels one.
    pub(super) fn cancels(&self) -> Option<&Value> {
        let is_cancel = self.method() == "notifications/cancelled";
        self.parameter("requestId").filter(|_| is_cancel)
    }

    /// The same message under another id.
    pub(super) fn with_id(&self, id: &str) -> String {
        let mut body = self.body.clone();
        if let Some(fields) = body.as_object_mut() {
            fields.insert("id".to_owned(), json!(id));
        }
        body.to_string()
    }
}

fn kind_of(fields: &Map<String, Value>) -> Result<Kind, Value> {
    let id = fields.get("id");
    let has_id = matches!(id, Some(Value::String(_) | Value::Number(_)));
    match fields.get("method") {
        Some(Value::String(_)) if has_id => Ok(Kind::Request),
        Some(Value::String(_)) if id.is_none() => Ok(Kind::Notification),
        None if fields.contains_key("result") || fields.contains_key("error") => Ok(Kind::Answer),
        _ => Err(invalid(id.filter(|_| has_id).unwrap_or(&Value::Null))),
    }
}

fn invalid(id: &Value) -> Value {
    failure(id, INVALID_REQUEST, "this line is no message of JSON-RPC: a method and an id expected")
}

/// A response that says what went wrong.
pub(super) fn failure(id: &Value, code: i64, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Message {
        Message::read(line).expect("a message")
    }

    #[test]
    fn messages_are_told_apart() {
        let request = read(r#"{"jsonrpc":"2.0","id":"a","method":"tools/list"}"#);
        assert_eq!((request.kind, request.ids.as_slice()), (Kind::Request, &[json!("a")][..]));
        assert!(!request.is_modern());
        let note = read(
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#,
        );
        assert_eq!((note.kind, note.cancels()), (Kind::Notification, Some(&json!(7))));
        let answer = read(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#);
        assert_eq!((answer.kind, answer.ids.len()), (Kind::Answer, 0));
        let batch = read(r#"[{"id":1,"method":"a"},{"method":"b"},{"id":2,"result":1}]"#);
        assert_eq!((batch.kind, batch.ids.as_slice()), (Kind::Batch, &[json!(1)][..]));
    }

    #[test]
    fn eras_are_told_apart() {
        let modern = r#"{"id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
        assert_eq!(read(modern).version(), Some("2026-07-28"));
        assert!(read(modern).is_modern());
        assert!(read(r#"{"id":1,"method":"server/discover"}"#).is_modern());
        let legacy = r#"{"id":1,"method":"initialize","params":{"protocolVersion":"2026-07-28"}}"#;
        assert!(read(legacy).is_initialize() && !read(legacy).is_modern());
        assert_eq!(
            read(legacy).with_id("x"),
            r#"{"id":"x","method":"initialize","params":{"protocolVersion":"2026-07-28"}}"#
        );
    }

    #[test]
    fn what_is_no_message_is_answered() {
        let code = |line: &str| {
            let refused = Message::read(line).expect_err("no message");
            (refused["error"]["code"].as_i64(), refused["id"].clone())
        };
        assert_eq!(code("{"), (Some(PARSE_ERROR), Value::Null));
        for line in ["1", "[]", "{}", r#"{"method":3}"#, r#"{"id":null,"method":"a"}"#] {
            assert_eq!(code(line), (Some(INVALID_REQUEST), Value::Null), "{line}");
        }
        assert_eq!(code(r#"{"id":5}"#), (Some(INVALID_REQUEST), json!(5)));
    }
}
