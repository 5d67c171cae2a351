//! A plain HTTP client for the JSON API and for requests that no proper client sends.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::program::ACCOUNT;

/// An answer: status, head and body.
#[derive(Debug)]
pub struct Answer {
    /// The status code; 0 if no answer came.
    pub status: u16,
    /// Status line and header fields.
    pub head: String,
    /// The body, its chunks joined.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("JSON expected: {self:?}"))
    }
}

/// Sends one request to `base` (`http://host:port`, a path after it is ignored).
pub fn send(base: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let host = base.trim_start_matches("http://").split('/').next().expect("a host").to_owned();
    let mut stream = TcpStream::connect(&host).expect("the door listens");
    stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a timeout");
    let length = body.len().to_string();
    let mut fields = vec![("Connection", "close"), ("Content-Length", &length)];
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        fields.push(("Host", &host));
    }
    fields.extend(headers);
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let head = format!("{method} {path} HTTP/1.1\r\n{}\r\n", fields.join("\r\n"));
    stream.write_all(format!("{head}\r\n").as_bytes()).expect("the head is sent");
    // A door that refuses by the head alone may close before it has read the body.
    let _sent = stream.write_all(body.as_bytes());
    let mut bytes = Vec::new();
    let _until_closed = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text.as_str(), ""));
    let status = head.split_whitespace().nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        unchunked(body)
    } else {
        body.to_owned()
    };
    Answer { status, head: head.to_owned(), body }
}

fn unchunked(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let Ok(size) = usize::from_str_radix(size.trim(), 16) else { break };
        if size == 0 || after.len() < size {
            break;
        }
        body.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
    }
    body
}

/// A signed-in user of the JSON API.
#[derive(Debug)]
pub struct Api {
    base: String,
    token: String,
}

impl Api {
    /// Makes the first account if there is none, and signs in.
    pub fn sign_in(base: &str) -> Self {
        let account = json!({"username": ACCOUNT.0, "password": ACCOUNT.1}).to_string();
        let json_body = [("Content-Type", "application/json")];
        let made = send(base, "POST", "/auth/setup", &json_body, &account);
        assert!([201, 409].contains(&made.status), "{made:?}");
        let signed_in = send(base, "POST", "/auth/login", &json_body, &account);
        assert_eq!(signed_in.status, 200, "{signed_in:?}");
        let token = signed_in.json()["access_token"].as_str().expect("a token").to_owned();
        Self { base: base.to_owned(), token }
    }

    /// Sends a request with the session's token.
    pub fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        send(&self.base, method, path, &headers, &body)
    }

    /// Sends a request that must succeed and returns its JSON.
    pub fn ok(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.send(method, path, body);
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
        if answer.body.is_empty() { Value::Null } else { answer.json() }
    }

    /// Approves the newest revision of a tool.
    pub fn approve(&self, tool_id: &str) -> Value {
        let path = format!("/api/approvals/tools/{tool_id}/action");
        self.ok("POST", &path, &json!({"action": "approve"}))
    }
}
