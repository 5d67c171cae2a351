//! What came back for a message, whatever the server made of it.

use app::remote::Incoming;
use axum::http::{HeaderMap, Response, StatusCode};
use serde_json::Value;

use super::door::{self, Undelivered, is_of_type};
use super::events::{Events, one_line};

/// An answer over HTTP.
pub(super) enum Reply {
    /// One message, or a batch of them, as one line.
    Whole(String),
    /// Messages that come one by one.
    Stream(Box<Events>),
    /// It was taken.
    Nothing,
    /// It was not, for this reason.
    Refused(String),
}

/// Reads an answer, with its head.
pub(super) async fn read(answer: Response<Incoming>) -> Result<(HeaderMap, Reply), Undelivered> {
    let (status, head) = (answer.status(), answer.headers().clone());
    let reply = if status.is_success() && is_of_type(&head, "text/event-stream") {
        Reply::Stream(Box::new(Events::new(answer.into_body())))
    } else if is_of_type(&head, "application/json") {
        let text = one_line(&door::text(answer.into_body()).await?);
        match serde_json::from_str::<Value>(&text) {
            Ok(said) if is_message(&said) => Reply::Whole(text),
            _ if status == StatusCode::ACCEPTED => Reply::Nothing,
            _ => Reply::Refused(format!("the server answered {status} without a message: {text}")),
        }
    } else if status.is_success() {
        Reply::Nothing
    } else {
        Reply::Refused(door::reason(answer).await)
    };
    Ok((head, reply))
}

/// The response in an answer, which nothing else in it matters to; null where there is none.
pub(super) async fn response(reply: Reply) -> Value {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let mut events = match reply {
        Reply::Whole(text) => return read(&text),
        Reply::Stream(events) => events,
        Reply::Nothing | Reply::Refused(_) => return Value::Null,
    };
    while let Some(text) = events.next().await {
        let said = read(&text);
        if said.get("method").is_none() {
            return said;
        }
    }
    Value::Null
}

/// The code of an error.
pub(super) fn code(text: &str) -> Option<i64> {
    let said: Value = serde_json::from_str(text).ok()?;
    said.get("error")?.get("code")?.as_i64()
}

/// An error about a request that could not be read names no id: here it is known which was meant.
pub(super) fn for_request(text: String, asked: &[Value]) -> String {
    let [id] = asked else { return text };
    let Ok(Value::Object(mut said)) = serde_json::from_str(&text) else { return text };
    let names_none = said.get("id").is_none_or(Value::is_null);
    if !names_none || !said.contains_key("error") {
        return text;
    }
    said.insert("id".to_owned(), id.clone());
    Value::Object(said).to_string()
}

fn is_message(said: &Value) -> bool {
    match said {
        Value::Object(fields) => fields.contains_key("jsonrpc"),
        Value::Array(several) => !several.is_empty() && several.iter().all(is_message),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_without_an_id_gets_that_of_the_request_and_others_stay_as_they_are() {
        let error = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}"#;
        let given = for_request(error.to_owned(), &[json!(7)]);
        assert_eq!(given, error.replace("null", "7"));
        for same in [
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"no"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"n":100000000000000000000,"n":1}}"#,
        ] {
            assert_eq!(for_request(same.to_owned(), &[json!(7)]), same);
        }
        assert_eq!(code(error), Some(-32600));
    }
}
