//! What clients that listen hear of the sources of tools, in both eras of the protocol.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::http::{Api, send};

use crate::client::Client;
use crate::database::Database;
use crate::exchange::{ask, response};

const LISTS: &str = "notifications/resources/list_changed";
const UPDATED: &str = "notifications/resources/updated";
const SOURCE: &str = "mcpbox://tools/notes/day/source";
const LIVE: &str = "mcpbox://tools/notes/day/source?version=live";
const CODE: &str = "async def main() -> int:\n    return 1\n";
pub(crate) const LEGACY: &str = "2025-11-25";

/// A stream of events.
pub(crate) struct Stream(BufReader<TcpStream>);

impl Stream {
    pub(crate) fn open(door: &str, head: &str, body: &str) -> Self {
        let host = door.trim_start_matches("http://").split('/').next().expect("a host");
        let mut stream = TcpStream::connect(host).expect("the door listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        let length = body.len();
        let head = format!("{head}Host: {host}\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(head.as_bytes()).expect("it is sent");
        Self(BufReader::new(stream))
    }

    /// A request that listens.
    fn listen(door: &str, filter: &Value, token: Option<&str>) -> Self {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = json!({"notifications": filter, "_meta": meta});
        let body = json!({
            "jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": params,
        });
        let token = token.map(|token| format!("Authorization: Bearer {token}\r\n"));
        let head = format!(
            "POST /mcp HTTP/1.1\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nMcp-Protocol-Version: 2026-07-28\r\n\
             Mcp-Method: subscriptions/listen\r\n{}",
            token.unwrap_or_default()
        );
        Self::open(door, &head, &body.to_string())
    }

    /// The stream of a session.
    pub(crate) fn of(door: &str, session: &str) -> Self {
        let head = format!(
            "GET /mcp HTTP/1.1\r\nAccept: text/event-stream\r\nMcp-Session-Id: {session}\r\n"
        );
        let mut stream = Self::open(door, &head, "");
        // What comes first shows that it listens.
        while !stream.line().starts_with("id: changes") {}
        stream
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        let length = self.0.read_line(&mut line).expect("something comes in time");
        assert!(length > 0, "the stream ended");
        line
    }

    /// The next message.
    pub(crate) fn next(&mut self) -> Value {
        loop {
            if let Some(data) = self.line().strip_prefix("data:")
                && let Ok(message) = serde_json::from_str(data)
            {
                return message;
            }
        }
    }

    /// What it acknowledges.
    fn acknowledged(&mut self) -> Value {
        let told = self.next();
        assert_eq!(told["method"], "notifications/subscriptions/acknowledged", "{told}");
        told["params"]["notifications"].clone()
    }

    /// Waits for a message of this method, and for a resource of this URI.
    fn hears(&mut self, method: &str, uri: Option<&str>) {
        loop {
            let told = self.next();
            if told["method"] == method && told["params"]["uri"].as_str() == uri {
                return;
            }
        }
    }
}

/// Posts a message of a session; the answer, and the session that it opened.
pub(crate) fn post(door: &str, session: &str, message: &Value) -> (Value, String) {
    let mut headers = vec![
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
    ];
    if !session.is_empty() {
        headers.extend([("Mcp-Session-Id", session), ("Mcp-Protocol-Version", LEGACY)]);
    }
    let answer = send(door, "POST", "/mcp", &headers, &message.to_string());
    let opened = answer.head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("mcp-session-id").then(|| value.trim().to_owned())
    });
    let body = if answer.body.is_empty() { Value::Null } else { response(&answer) };
    (body, opened.unwrap_or_default())
}

pub(crate) fn open_session(door: &str) -> String {
    let params = json!({
        "protocolVersion": LEGACY, "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    });
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params});
    let (_, session) = post(door, "", &hello);
    post(door, &session, &json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    session
}

fn subscribe(door: &str, session: &str, uri: &str) -> Value {
    let params = json!({"uri": uri});
    let message =
        json!({"jsonrpc": "2.0", "id": 2, "method": "resources/subscribe", "params": params});
    post(door, session, &message).0
}

#[test]
fn authors_hear_of_the_sources_of_tools() {
    let database = Database::sqlite();
    let program = database.serve();
    let (door, api) = (&program.mcp, Api::sign_in(&program.admin));
    let mut model = Client::connect(door, "auto");
    let server = model.ok("mcpbox_create_server", &json!({"name": "notes"}));
    let session = open_session(door);
    let mut lists = Stream::listen(door, &json!({"resourcesListChanged": true}), None);
    lists.acknowledged();
    let mut heard = Stream::of(door, &session);

    let new = json!({"server_id": server["id"], "name": "day", "python_code": CODE});
    let id = model.ok("mcpbox_create_tool", &new)["id"].clone();
    assert_eq!(lists.next()["method"], LISTS);
    assert_eq!(heard.next()["method"], LISTS, "and of nothing before it");

    let uris = [SOURCE, LIVE, "mcpbox://tools/notes/none/source", "test://none"];
    let mut source = Stream::listen(door, &json!({"resourceSubscriptions": uris}), None);
    assert_eq!(source.acknowledged(), json!({"resourceSubscriptions": [SOURCE, LIVE]}));
    for uri in [SOURCE, LIVE] {
        assert_eq!(subscribe(door, &session, uri)["result"], json!({}), "{uri}");
    }
    for uri in ["mcpbox://tools/notes/none/source", "test://none", "mcpbox://artifacts/1"] {
        let refused = subscribe(door, &session, uri);
        // As `resources/read` answers it in the revisions with sessions.
        assert!(refused["error"]["code"].is_i64(), "{uri}: {refused}");
        assert_eq!(refused["error"]["data"]["uri"].as_str().unwrap_or(uri), uri, "{refused}");
    }

    let other = CODE.replace('1', "2");
    model.ok("mcpbox_update_tool", &json!({"tool_id": id, "python_code": other}));
    for stream in [&mut source, &mut heard] {
        stream.hears(UPDATED, Some(SOURCE));
    }
    model.ok("mcpbox_request_publish", &json!({"tool_id": id}));
    api.approve(id.as_str().expect("an id"));
    for stream in [&mut source, &mut heard] {
        stream.hears(UPDATED, Some(LIVE));
    }
    model.ok("mcpbox_delete_tool", &json!({"tool_id": id}));
    for stream in [&mut lists, &mut heard] {
        stream.hears(LISTS, None);
    }
}

#[test]
fn others_hear_nothing_of_sources_and_are_told_what_their_token_lacks() {
    let database = Database::sqlite();
    let program = database.serve();
    let (door, api) = (&program.mcp, Api::sign_in(&program.admin));
    let made = api.ok("POST", "/api/tokens", &json!({"name": "phone", "scopes": ["call"]}));
    let token = made["token"].as_str().expect("the token, this once");
    let mut model = Client::connect(door, "auto");
    let server = model.ok("mcpbox_create_server", &json!({"name": "notes"}));
    let filter = json!({"toolsListChanged": true, "resourcesListChanged": true});
    let mut lists = Stream::listen(door, &filter, Some(token));
    lists.acknowledged();
    let new = json!({"server_id": server["id"], "name": "day", "python_code": CODE});
    let id = model.ok("mcpbox_create_tool", &new)["id"].clone();

    let wishes = json!({"resourceSubscriptions": [SOURCE]});
    let mut source = Stream::listen(door, &wishes, Some(token));
    assert_eq!(source.acknowledged(), json!({}));
    let bearer = format!("Bearer {token}");
    let bearer = [("Authorization", bearer.as_str())];
    let refused = response(&ask(door, "resources/read", &json!({"uri": SOURCE}), &bearer));
    let text = refused["error"]["message"].as_str().expect("a text");
    assert!(text.contains("no `author` scope") && !text.contains("expired"), "{text}");
    let read = response(&ask(door, "resources/read", &json!({"uri": SOURCE}), &[]));
    assert_eq!(read["result"]["contents"][0]["text"], CODE, "{read}");

    // Time for the change to be heard of alone, before the next.
    std::thread::sleep(Duration::from_secs(1));
    model.ok("mcpbox_request_publish", &json!({"tool_id": id}));
    api.approve(id.as_str().expect("an id"));
    assert_eq!(lists.next()["method"], "notifications/tools/list_changed", "and nothing before");
}
