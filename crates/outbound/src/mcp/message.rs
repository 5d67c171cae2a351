//! Messages of JSON-RPC, made and read. What is in them stays as it came.

use super::error::{Error, ErrorWithin, RpcError};
use serde_json::{Map, Value, json};

/// A message of a source.
#[derive(Debug, PartialEq)]
pub(crate) enum Message {
    /// The answer to a request of ours; errors about what could not be read may have no id.
    Answer { id: Option<u64>, outcome: Result<Value, RpcError> },
    /// Something it asks.
    Request { id: Value, method: String, params: Value },
    /// Something it tells.
    Notification { method: String, params: Value },
}

/// A request as it is sent.
pub(crate) fn request(id: u64, method: &str, params: &Map<String, Value>) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

/// A notification as it is sent.
pub(crate) fn notification(method: &str, params: &Value) -> Value {
    match params {
        Value::Null => json!({"jsonrpc": "2.0", "method": method}),
        params => json!({"jsonrpc": "2.0", "method": method, "params": params}),
    }
}

/// The answer to a request of the source as it is sent.
pub(crate) fn answer(id: &Value, outcome: Result<Value, RpcError>) -> Value {
    match outcome {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(error) => {
            let mut told = json!({"code": error.code, "message": error.message});
            if let (Some(data), Some(told)) = (error.data, told.as_object_mut()) {
                told.insert("data".to_owned(), data);
            }
            json!({"jsonrpc": "2.0", "id": id, "error": told})
        }
    }
}

/// Reads what a source sent at once: one message, or several as revision 2025-03-26 allows.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Message>, Error> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|reason| Error::NotMcp(format!("a message is no JSON ({reason})")))?;
    match value {
        Value::Array(values) => values.into_iter().map(read_one).collect(),
        value => read_one(value).map(|message| vec![message]),
    }
}

fn read_one(value: Value) -> Result<Message, Error> {
    let Value::Object(mut fields) = value else {
        return Err(Error::NotMcp("a message is no object".to_owned()));
    };
    let id = fields.remove("id");
    let params = fields.remove("params").unwrap_or(Value::Null);
    if let Some(Value::String(method)) = fields.remove("method") {
        return Ok(match id {
            Some(id @ (Value::Number(_) | Value::String(_))) => {
                Message::Request { id, method, params }
            }
            _ => Message::Notification { method, params },
        });
    }
    let outcome = match (fields.remove("result"), fields.remove("error")) {
        (Some(result), None | Some(Value::Null)) => Ok(result),
        (_, Some(error)) => Err(read_error(error)),
        (None, None) => {
            return Err(Error::NotMcp("a message is no message of JSON-RPC".to_owned()));
        }
    };
    Ok(Message::Answer { id: id.as_ref().and_then(own_id), outcome })
}

/// Our ids are numbers; some servers give them back as text.
fn own_id(id: &Value) -> Option<u64> {
    id.as_u64().or_else(|| id.as_str()?.parse().ok())
}

/// The error of an answer; one that is no error by the book is told as far as it can be read.
fn read_error(error: Value) -> RpcError {
    let Value::Object(mut fields) = error else {
        return RpcError { code: -32603, message: error.to_string(), data: None };
    };
    let message = match fields.remove("message") {
        Some(Value::String(message)) => message,
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let code = fields.get("code").and_then(Value::as_i64).unwrap_or(-32603);
    RpcError { code, message, data: fields.remove("data") }
}

/// The error within the body of an answer that failed, where it is one of JSON-RPC.
pub(crate) fn error_within(body: &[u8]) -> Option<ErrorWithin> {
    let Value::Object(mut fields) = serde_json::from_slice(body).ok()? else { return None };
    let error =
        fields.remove("error").filter(|error| error.get("code").is_some_and(Value::is_number));
    let request = fields.get("id").and_then(own_id);
    error.map(|error| ErrorWithin { request, error: read_error(error) })
}

#[cfg(test)]
mod tests {
    use super::{Message, error_within, read};
    use serde_json::json;

    #[test]
    fn a_message_is_what_its_fields_say() {
        let one = |text: &str| read(text.as_bytes()).unwrap().pop().unwrap();
        let answer =
            one(r#"{"jsonrpc":"2.0","id":7,"result":{"b":1,"a":12345678901234567890123}}"#);
        let Message::Answer { id: Some(7), outcome: Ok(result) } = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(result.to_string(), r#"{"b":1,"a":12345678901234567890123}"#, "as it came");
        assert!(matches!(
            one(r#"{"id":"7","result":null}"#),
            Message::Answer { id: Some(7), outcome: Ok(_) }
        ));
        let failed = one(r#"{"id":null,"error":{"code":-32700,"message":"what?"}}"#);
        assert!(
            matches!(failed, Message::Answer { id: None, outcome: Err(error) } if error.code == -32700)
        );
        assert_eq!(
            one(r#"{"id":"a","method":"ping"}"#),
            Message::Request { id: json!("a"), method: "ping".to_owned(), params: json!(null) }
        );
        assert!(matches!(one(r#"{"method":"n","params":{}}"#), Message::Notification { .. }));
    }

    #[test]
    fn several_messages_may_come_at_once() {
        let both = read(br#"[{"method":"n"},{"id":1,"result":{}}]"#).unwrap();
        assert_eq!(both.len(), 2);
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for text in ["", "{", "3", "[3]", "{}", r#"{"jsonrpc":"2.0","id":1}"#] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn an_error_in_a_body_is_one_of_json_rpc_or_none() {
        let body = br#"{"id":7,"error":{"code":-32601,"message":"m","data":[1]}}"#;
        let found = error_within(body).unwrap();
        assert_eq!((found.error.code, found.error.data), (-32601, Some(json!([1]))));
        assert_eq!(found.request, Some(7));
        let as_text = error_within(br#"{"id":"7","error":{"code":1,"message":"m"}}"#).unwrap();
        assert_eq!(as_text.request, Some(7), "as in every other answer");
        let nameless = error_within(br#"{"id":null,"error":{"code":1,"message":"m"}}"#).unwrap();
        assert_eq!(nameless.request, None);
        for text in [r#"{"error":"invalid_token"}"#, r#"{"error":{"code":"x"}}"#, "<html>"] {
            assert_eq!(error_within(text.as_bytes()), None, "{text}");
        }
    }
}
