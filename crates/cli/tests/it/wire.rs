//! Sessions as single requests, and streams of events as they come, for tests of what clients hide.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::http::{Answer, send};

const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";

/// A stream of events.
pub(crate) struct Stream(BufReader<TcpStream>);

impl Stream {
    fn open(door: &str, head: &str, token: Option<&str>, body: &str) -> Self {
        let host = door.trim_start_matches("http://").split('/').next().expect("a host");
        let mut stream = TcpStream::connect(host).expect("the door listens");
        stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a timeout");
        let token = token.map(|token| format!("Authorization: Bearer {token}\r\n"));
        let (token, length) = (token.unwrap_or_default(), body.len());
        let head = format!("{head}{token}Host: {host}\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(head.as_bytes()).expect("it is sent");
        Self(BufReader::new(stream))
    }

    /// The answer to a request that stands alone.
    fn alone(door: &str, method: &str, params: &Value, token: Option<&str>) -> Self {
        let mut params = params.clone();
        params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!(MODERN);
        params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
        let name = params["name"].as_str().map(|name| format!("Mcp-Name: {name}\r\n"));
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let head = format!(
            "POST /mcp HTTP/1.1\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nMcp-Protocol-Version: {MODERN}\r\n\
             Mcp-Method: {method}\r\n{}",
            name.unwrap_or_default()
        );
        Self::open(door, &head, token, &body.to_string())
    }

    /// A request that listens.
    pub(crate) fn listen(door: &str, filter: &Value, token: Option<&str>) -> Self {
        Self::alone(door, "subscriptions/listen", &json!({"notifications": filter}), token)
    }

    /// The answer to a call that stands alone.
    pub(crate) fn call(door: &str, params: &Value) -> Self {
        Self::alone(door, "tools/call", params, None)
    }

    /// The next line; nothing behind the end.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let length = self.0.read_line(&mut line).expect("something comes in time");
        // The last part of a body in parts is an empty one.
        (length > 0 && line != "0\r\n").then_some(line)
    }

    /// Waits for a line that readers pass over.
    pub(crate) fn comment(&mut self) {
        while !self.line().expect("the stream goes on").starts_with(':') {}
    }

    /// The next message.
    pub(crate) fn next(&mut self) -> Value {
        loop {
            let line = self.line().expect("the stream goes on");
            if let Some(message) = message(&line) {
                return message;
            }
        }
    }

    /// What it acknowledges.
    pub(crate) fn acknowledged(&mut self) -> Value {
        let told = self.next();
        assert_eq!(told["method"], "notifications/subscriptions/acknowledged", "{told}");
        told["params"]["notifications"].clone()
    }

    /// Waits for a message of this method, and for a resource of this URI.
    pub(crate) fn hears(&mut self, method: &str, uri: Option<&str>) {
        loop {
            let told = self.next();
            if told["method"] == method && told["params"]["uri"].as_str() == uri {
                return;
            }
        }
    }
}

/// The message in a line, if it holds one.
pub(crate) fn message(line: &str) -> Option<Value> {
    line.strip_prefix("data:").and_then(|data| serde_json::from_str(data).ok())
}

/// A session of the older revisions.
pub(crate) struct Session {
    door: String,
    id: String,
    token: Option<String>,
}

impl Session {
    /// Begins one for a client that can be asked what `capabilities` say.
    pub(crate) fn open(door: &str, capabilities: &Value, token: Option<&str>) -> Self {
        let (door, token) = (door.to_owned(), token.map(str::to_owned));
        let mut session = Self { door, id: String::new(), token };
        let hello = session.ask(
            "initialize",
            &json!({
                "protocolVersion": LEGACY, "capabilities": capabilities,
                "clientInfo": {"name": "test", "version": "1"},
            }),
        );
        let id = hello.head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("mcp-session-id").then(|| value.trim().to_owned())
        });
        session.id = id.unwrap_or_else(|| panic!("a session: {hello:?}"));
        session.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        session
    }

    /// Sends a message.
    pub(crate) fn send(&self, message: &Value) -> Answer {
        let bearer = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let mut headers = vec![
            ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
        ];
        headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
        if !self.id.is_empty() {
            headers.extend([("Mcp-Session-Id", &*self.id), ("Mcp-Protocol-Version", LEGACY)]);
        }
        send(&self.door, "POST", "/mcp", &headers, &message.to_string())
    }

    /// Makes a request.
    pub(crate) fn ask(&self, method: &str, params: &Value) -> Answer {
        self.send(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
    }

    /// Answers what the server asked.
    pub(crate) fn answer(&self, asked: &Value, result: &Value) {
        let taken = self.send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": result}));
        assert_eq!(taken.status, 202, "{taken:?}");
    }

    /// The answer to a call, as a stream.
    pub(crate) fn call(&self, params: &Value) -> Stream {
        let body = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params});
        let head = format!(
            "POST /mcp HTTP/1.1\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nMcp-Protocol-Version: {LEGACY}\r\n\
             Mcp-Session-Id: {}\r\n",
            self.id
        );
        Stream::open(&self.door, &head, self.token.as_deref(), &body.to_string())
    }

    /// Its stream, which listens by now.
    pub(crate) fn stream(&self) -> Stream {
        let id = &self.id;
        let head =
            format!("GET /mcp HTTP/1.1\r\nAccept: text/event-stream\r\nMcp-Session-Id: {id}\r\n");
        let mut stream = Stream::open(&self.door, &head, self.token.as_deref(), "");
        while !stream.line().expect("it goes on").starts_with("id: changes") {}
        stream
    }

    /// Comes back behind an event.
    pub(crate) fn back(&self, event: &str) -> Stream {
        let id = &self.id;
        let head = format!(
            "GET /mcp HTTP/1.1\r\nAccept: text/event-stream\r\nMcp-Session-Id: {id}\r\n\
             Last-Event-ID: {event}\r\n"
        );
        Stream::open(&self.door, &head, self.token.as_deref(), "")
    }
}
