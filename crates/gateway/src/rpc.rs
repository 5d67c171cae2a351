//! JSON-RPC 2.0: the messages that a body holds, and the errors that answer them.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::problem;

/// A request that its client took back; no code of the protocol.
pub(crate) const CANCELLED: i32 = -32800;

/// The longest id of a request, as JSON.
const ID_MAX_BYTES: usize = 256;

/// One message of a client.
#[derive(Debug)]
pub(crate) enum Message {
    /// Wants an answer.
    Request(Request),
    /// Wants none.
    Notification(Notification),
    /// Answers a request that this server made.
    Response(Response),
}

/// A request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: Id,
    pub(crate) method: String,
    pub(crate) params: Map<String, Value>,
}

/// A notification.
#[derive(Debug)]
pub(crate) struct Notification {
    pub(crate) method: String,
    pub(crate) params: Map<String, Value>,
}

/// An answer of the client.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) id: Id,
    /// What it answered, or the text of its error.
    pub(crate) outcome: Result<Value, String>,
}

/// The id of a request: a text or an integer, kept as its JSON.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Id(String);

impl Id {
    /// None for what is neither a text nor an integer.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        let text = value.to_string();
        let is_integer = || {
            let digits = text.strip_prefix('-').unwrap_or(&text);
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        };
        let fits = value.is_string() || (value.is_number() && is_integer());
        (fits && text.len() <= ID_MAX_BYTES).then_some(Self(text))
    }

    /// A text as an id.
    pub(crate) fn text(text: &str) -> Self {
        Self(Value::from(text).to_string())
    }

    /// The id as JSON.
    pub(crate) fn as_json(&self) -> &str {
        &self.0
    }

    /// The id as a value.
    pub(crate) fn value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

/// An error that answers a request, with the status of HTTP that it comes with if nothing was sent
/// before it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Error {
    pub(crate) status: StatusCode,
    pub(crate) code: i32,
    pub(crate) message: String,
    pub(crate) data: Option<Box<Value>>,
}

impl Error {
    pub(crate) fn new(status: StatusCode, code: i32, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), data: None }
    }

    pub(crate) fn with_data(self, data: Value) -> Self {
        Self { data: Some(Box::new(data)), ..self }
    }

    /// A body that is not JSON.
    pub(crate) fn parse(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, -32700, message)
    }

    /// JSON that is no message of this protocol.
    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, -32600, message)
    }

    /// A method that there is not.
    pub(crate) fn method_not_found(method: &str) -> Self {
        let message = format!("Method not found: {method}");
        Self::new(StatusCode::NOT_FOUND, -32601, message)
    }

    /// Parameters that a method does not take. The exchange itself was in order, so HTTP says 200.
    pub(crate) fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(StatusCode::OK, -32602, message)
    }

    /// A failure of this server; the cause is in its log.
    pub(crate) fn internal() -> Self {
        Self::failure(problem::INTERNAL)
    }

    /// A run that failed, with a text that its author or caller can act on.
    pub(crate) fn failure(message: impl Into<String>) -> Self {
        Self::new(StatusCode::OK, -32603, message)
    }

    /// The whole answer as JSON.
    pub(crate) fn body(&self, id: Option<&Id>) -> String {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let (Some(data), Some(error)) = (&self.data, error.as_object_mut()) {
            error.insert("data".to_owned(), Value::clone(data));
        }
        let id = id.map_or("null", Id::as_json);
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{error}}}")
    }
}

impl From<app::Error> for Error {
    /// What a verb refused, or a failure of the program itself, which its log explains.
    fn from(error: app::Error) -> Self {
        match error {
            app::Error::Internal(_) | app::Error::Unavailable { .. } => {
                tracing::error!(error = &error as &dyn std::error::Error, "a request failed");
                Self::internal()
            }
            app::Error::Unlogged(_) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a request failed");
                Self::failure(error.to_string())
            }
            app::Error::Busy { retry_after_seconds, .. } => {
                Self::failure(format!("{error}; try again in {retry_after_seconds} s"))
            }
            other => Self::invalid_params(other.to_string()),
        }
    }
}

/// A result as the answer to a request, both as JSON.
pub(crate) fn answer(id: &Id, result: &str) -> String {
    let id = id.as_json();
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}")
}

/// A notification of this server.
pub(crate) fn notification(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string()
}

/// A request of this server.
pub(crate) fn request(id: &Id, method: &str, params: &Value) -> String {
    let (id, method) = (id.as_json(), Value::from(method));
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":{method},\"params\":{params}}}")
}

/// Reads a body as JSON.
pub(crate) fn read(body: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let what = if error.is_eof() { "it ends too early" } else { "it is wrong" };
        Error::parse(format!(
            "Parse error: the body is not JSON: {what} at line {line} column {column}; send one JSON-RPC message as an object"
        ))
    })
}

/// Reads one message; what is wrong with it comes with the id that it had.
pub(crate) fn message(value: Value) -> Result<Message, (Option<Id>, Error)> {
    let Value::Object(mut message) = value else {
        return Err((None, invalid("expected an object")));
    };
    let given = message.get("id");
    let id = given.and_then(Id::of);
    let refuse = |what: &str| Err((id.clone(), invalid(what)));
    if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return refuse("`jsonrpc` must be \"2.0\"");
    }
    if given.is_some() && id.is_none() {
        return refuse("`id` must be a string or an integer; notifications have none");
    }
    let method = match message.remove("method") {
        Some(Value::String(method)) => method,
        Some(_) => return refuse("`method` must be a string"),
        None => return response(id, message),
    };
    let params = match message.remove("params") {
        None => Map::new(),
        Some(Value::Object(params)) => params,
        Some(_) => {
            let text = format!("Invalid params for {method}: `params` must be an object");
            let error = Error { status: StatusCode::BAD_REQUEST, ..Error::invalid_params(text) };
            return Err((id, error));
        }
    };
    Ok(match id {
        Some(id) => Message::Request(Request { id, method, params }),
        None => Message::Notification(Notification { method, params }),
    })
}

fn response(
    id: Option<Id>,
    mut message: Map<String, Value>,
) -> Result<Message, (Option<Id>, Error)> {
    let outcome = match (message.remove("result"), message.remove("error")) {
        (Some(result), None) => Ok(result),
        (None, Some(error)) => Err(text_of(&error)),
        _ => return Err((id, invalid("expected `method`, or one of `result` and `error`"))),
    };
    match id {
        Some(id) => Ok(Message::Response(Response { id, outcome })),
        None => Err((None, invalid("a response names the `id` of the request that it answers"))),
    }
}

/// What the error of a client says, cut to what is worth showing.
fn text_of(error: &Value) -> String {
    let text = error.get("message").and_then(Value::as_str).unwrap_or("no reason given");
    text.chars().filter(|letter| !letter.is_control()).take(500).collect()
}

fn invalid(what: &str) -> Error {
    Error::invalid_request(format!("Invalid Request: not a JSON-RPC 2.0 message: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(value: Value) -> (Option<String>, i32) {
        let (id, error) = message(value).expect_err("no message");
        (id.map(|id| id.as_json().to_owned()), error.code)
    }

    #[test]
    fn requests_notifications_and_responses_are_told_apart() {
        let request = message(json!({"jsonrpc": "2.0", "id": "a", "method": "ping"})).unwrap();
        assert!(matches!(request, Message::Request(Request { id, .. }) if id.as_json() == "\"a\""));
        let notification = message(json!({"jsonrpc": "2.0", "method": "x", "params": {}})).unwrap();
        assert!(matches!(notification, Message::Notification(_)));
        let error = json!({"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "no\n"}});
        let Message::Response(response) = message(error).unwrap() else { panic!("a response") };
        assert_eq!(response.outcome, Err("no".to_owned()));
    }

    #[test]
    fn what_is_no_message_is_refused_with_its_id() {
        for value in [json!([]), json!(3), json!(null)] {
            assert_eq!(refused(value), (None, -32600));
        }
        assert_eq!(refused(json!({"id": 7, "method": "a"})), (Some("7".to_owned()), -32600));
        assert_eq!(refused(json!({"jsonrpc": "2.0", "id": null, "method": "a"})), (None, -32600));
        assert_eq!(refused(json!({"jsonrpc": "2.0", "id": 1.5, "method": "a"})), (None, -32600));
        assert_eq!(refused(json!({"jsonrpc": "2.0", "id": 1})).1, -32600);
        let array = json!({"jsonrpc": "2.0", "id": 1, "method": "a", "params": []});
        assert_eq!(refused(array), (Some("1".to_owned()), -32602));
    }

    #[test]
    fn large_integers_stay_what_they_are() {
        let value: Value = serde_json::from_str("12345678901234567890123").unwrap();
        assert_eq!(Id::of(&value).unwrap().as_json(), "12345678901234567890123");
        assert_eq!(Id::of(&json!("x".repeat(300))), None);
    }

    #[test]
    fn where_json_breaks_off_is_told() {
        let error = read(b"{\"jsonrpc\": }").unwrap_err();
        assert_eq!(error.code, -32700);
        assert!(error.message.contains("line 1 column"), "{}", error.message);
    }
}
