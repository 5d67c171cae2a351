//! What the target of `fuzz/` calls: the readers of what strangers send to `/mcp`, with what must hold of each refusal.
//!
//! The function returns how much of its input was understood, so that a corpus which has fallen behind the
//! code is noticed.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::catalog::Mirrored;
use crate::rpc::{self, Error, Id, Message, Request};
use crate::suspended::{Binding, Suspended};
use crate::{client, cursor, gate, runs, standalone, streams, version};

#[cfg(test)]
mod tests;

/// Reads bytes as a POST: headers as `name: value` lines, an empty line, the body. Returns how many
/// messages it held.
pub fn messages(bytes: &[u8]) -> usize {
    let (head, body) = split(bytes);
    let headers = headers(head);
    let _json = gate::accepts(&headers, "application/json");
    let message = match rpc::read(body) {
        Ok(message) => message,
        Err(error) => return judge(&error, None),
    };
    match message {
        Value::Array(messages) => messages.into_iter().map(|one| judged(&headers, one)).sum(),
        message => judged(&headers, message),
    }
}

fn judged(headers: &HeaderMap, message: Value) -> usize {
    let given = message.get("id").and_then(Id::of);
    match rpc::message(message) {
        Ok(Message::Request(request)) => {
            assert_eq!(Some(&request.id), given.as_ref(), "an answer repeats the id");
            let id = &request.id;
            assert_eq!(Id::of(&id.value()).as_ref(), Some(id), "an id stays itself as JSON");
            requested(headers, &request);
            1
        }
        Ok(Message::Notification(_)) => {
            assert!(given.is_none(), "what has an id wants an answer");
            1
        }
        Ok(Message::Response(response)) => {
            assert_eq!(Some(response.id), given);
            1
        }
        Err((id, error)) => {
            assert_eq!(id, given, "an error repeats the id");
            judge(&error, id.as_ref())
        }
    }
}

/// Everything that is read of a request before anything is looked up.
fn requested(headers: &HeaderMap, request: &Request) {
    let Request { id, method, params } = request;
    let refused: &dyn Fn(Error) = &|error| {
        judge(&error, Some(id));
    };
    let _alone = version::stands_alone(headers, method, params);
    standalone::check(headers, request).map_or_else(refused, drop);
    runs::answers(params).map_or_else(refused, drop);
    streams::wants(params).map_or_else(refused, drop);
    if let Some(info) = params.get("clientInfo") {
        let name = client::name(info).unwrap_or_default();
        assert!(name.chars().count() <= 100 && !name.contains(char::is_control), "{name:?}");
    }
    if let Some(cursor) = params.get("cursor").and_then(Value::as_str)
        && let Some(place) = cursor::decode("tools/list", cursor)
    {
        let again = cursor::encode("tools/list", &place);
        assert_eq!(cursor::decode("tools/list", &again), Some(place));
    }
    if let Some(state) = params.get("requestState").and_then(Value::as_str) {
        let taken = Suspended::new().take(state, &Binding::of(None, method, params));
        assert!(taken.is_err(), "a state that was made up");
    }
    if let Some(arguments) = params.get("arguments").and_then(Value::as_object) {
        let mirrored = arguments
            .keys()
            .take(3)
            .map(|key| Mirrored { path: vec![key.clone()], header: "Region".to_owned() });
        let mirrored: Vec<Mirrored> = mirrored.collect();
        standalone::check_parameters(headers, &mirrored, arguments).map_or_else(refused, drop);
    }
    runs::named(method, request.params.clone()).map_or_else(refused, drop);
}

/// An error is one line of JSON of the protocol's shape, with a code that the protocol knows.
fn judge(error: &Error, id: Option<&Id>) -> usize {
    let body = error.body(id);
    assert!(!body.contains(['\n', '\r']), "an event of a stream is one line");
    let told: Value = serde_json::from_str(&body).unwrap_or_default();
    assert_eq!(told.get("jsonrpc").and_then(Value::as_str), Some("2.0"), "{body}");
    assert_eq!(told.get("id").and_then(Id::of).as_ref(), id, "{body}");
    let code = told.get("error").and_then(|error| error.get("code")).and_then(Value::as_i64);
    let known = [-32700, -32600, -32602, -32020, -32021, -32022];
    assert!(code.is_some_and(|code| known.contains(&code)), "{body}");
    assert!(!error.message.is_empty());
    0
}

fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n");
    match end.and_then(|end| bytes.split_at_checked(end)) {
        Some((head, rest)) => (head, rest.get(2..).unwrap_or_default()),
        None => (&[], bytes),
    }
}

fn headers(head: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in head.split(|byte| *byte == b'\n').take(32) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = line.split_at(colon);
        let value = HeaderValue::from_bytes(value.get(1..).unwrap_or_default());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), value) {
            headers.append(name, value);
        }
    }
    headers
}
