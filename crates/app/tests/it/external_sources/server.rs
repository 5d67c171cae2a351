//! An MCP server of revision 2026-07-28 whose tools and answers are the test's.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use app::external_sources::Wish;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::place::at;

/// What the server does with a call of a tool.
#[derive(Clone)]
pub(super) enum Act {
    /// Gives this result.
    Give(Value),
    /// Closes the connection without an answer.
    Close,
    /// Never answers.
    Hang,
    /// Gives the value of the `Authorization` field as a text.
    Echo,
    /// Answers with this status.
    Status(&'static str),
    /// Answers with this error.
    Fail(String),
}

#[derive(Default)]
struct State {
    tools: Mutex<Vec<Value>>,
    acts: Mutex<HashMap<String, Act>>,
    calls: Mutex<Vec<Value>>,
    connections: AtomicUsize,
    /// How often its notices were asked for, where it has such a stream.
    listened: Mutex<Option<usize>>,
    /// How often its tools were.
    listed: AtomicUsize,
    /// It keeps its lists for the moment.
    keeps_lists: AtomicBool,
    /// It takes connections and answers nothing.
    mute: AtomicBool,
    /// It has answers to nothing but its notices.
    broken: AtomicBool,
}

/// A server on this machine; clones are the same.
#[derive(Clone)]
pub(super) struct Server {
    url: String,
    state: Arc<State>,
}

/// A tool as servers list it.
pub(super) fn tool(name: &str) -> Value {
    json!({
        "name": name,
        "description": format!("Does {name}."),
        "inputSchema": {"type": "object", "properties": {"b": {"type": "integer"}, "a": {"type": "integer"}}},
    })
}

impl Server {
    pub(super) async fn start(tools: &[Value]) -> Self {
        Self::start_at("127.0.0.1:0", tools).await
    }

    /// One at another address of this machine.
    pub(super) async fn start_at(address: &str, tools: &[Value]) -> Self {
        let listener = TcpListener::bind(address).await.expect("a port");
        let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
        let state = Arc::new(State::default());
        *state.tools.lock().expect("whole") = tools.to_vec();
        let server = Self { url, state: Arc::clone(&state) };
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                state.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(connection, Arc::clone(&state)));
            }
        });
        server
    }

    pub(super) fn wish(&self, name: &str) -> Wish {
        at(&self.url, name)
    }

    pub(super) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Lists other tools from now on.
    pub(super) fn lists(&self, tools: &[Value]) {
        *self.state.tools.lock().expect("whole") = tools.to_vec();
    }

    /// What a call of a tool is answered with from now on.
    pub(super) fn act(&self, name: &str, act: Act) {
        self.state.acts.lock().expect("whole").insert(name.to_owned(), act);
    }

    /// Has a stream of notices from now on, which says that the tools have changed, and ends.
    pub(super) fn has_notices(&self) {
        *self.state.listened.lock().expect("whole") = Some(0);
    }

    /// How often they were asked for.
    pub(super) fn listened(&self) -> usize {
        self.state.listened.lock().expect("whole").unwrap_or(0)
    }

    /// How often its tools were listed.
    pub(super) fn listed(&self) -> usize {
        self.state.listed.load(Ordering::SeqCst)
    }

    /// Keeps its lists from now on, or gives them.
    pub(super) fn keeps_lists(&self, keeps: bool) {
        self.state.keeps_lists.store(keeps, Ordering::SeqCst);
    }

    /// Gives nothing but its notices any more.
    pub(super) fn is_broken(&self) {
        self.state.broken.store(true, Ordering::SeqCst);
    }

    /// Answers nothing any more, or answers again.
    pub(super) fn is_mute(&self, mute: bool) {
        self.state.mute.store(mute, Ordering::SeqCst);
    }

    /// The parameters of the calls that came.
    pub(super) fn calls(&self) -> Vec<Value> {
        self.state.calls.lock().expect("whole").clone()
    }
}

async fn serve(mut connection: TcpStream, state: Arc<State>) {
    while let Some((head, body)) = read(&mut connection).await {
        let message: Value = serde_json::from_slice(&body).unwrap_or_default();
        let Some((status, body)) = answer(&state, &head, &message) else { return };
        while message["method"] == "tools/list" && state.keeps_lists.load(Ordering::SeqCst) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        if status.is_empty() {
            std::future::pending::<()>().await;
        }
        let length = body.len();
        let kind = if body.starts_with("data:") { "text/event-stream" } else { "application/json" };
        let text = format!(
            "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        if connection.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Status and body; an empty status never to answer, nothing to close.
fn answer(state: &State, head: &str, message: &Value) -> Option<(&'static str, String)> {
    let id = message["id"].clone();
    let result = |mut result: Value| {
        result["resultType"] = json!("complete");
        Some(("200 OK", json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string()))
    };
    if state.mute.load(Ordering::SeqCst) {
        return Some(("", String::new()));
    }
    let method = message["method"].as_str().unwrap_or_default();
    if state.broken.load(Ordering::SeqCst) && method != "subscriptions/listen" {
        return Some(("503 Service Unavailable", String::new()));
    }
    match method {
        "server/discover" => result(json!({
            "supportedVersions": ["2026-07-28"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "scripted", "version": "1"},
        })),
        "tools/list" => {
            state.listed.fetch_add(1, Ordering::SeqCst);
            if let Some(Act::Fail(text)) = state.acts.lock().expect("whole").get("tools/list") {
                let error = json!({"code": -32000, "message": text});
                let body = json!({"jsonrpc": "2.0", "id": id, "error": error});
                return Some(("200 OK", body.to_string()));
            }
            let tools = state.tools.lock().expect("whole").clone();
            result(json!({"tools": tools, "ttlMs": 0, "cacheScope": "private"}))
        }
        "tools/call" => {
            let params = &message["params"];
            state.calls.lock().expect("whole").push(params.clone());
            let name = params["name"].as_str().unwrap_or_default();
            match state.acts.lock().expect("whole").get(name).cloned() {
                Some(Act::Give(given)) => result(given),
                Some(Act::Close) => None,
                Some(Act::Hang) => Some(("", String::new())),
                Some(Act::Status(status)) => Some((status, String::new())),
                Some(Act::Fail(text)) => {
                    let error = json!({"code": -32000, "message": text});
                    let body = json!({"jsonrpc": "2.0", "id": id, "error": error});
                    Some(("200 OK", body.to_string()))
                }
                Some(Act::Echo) => {
                    let lines = head.lines().filter_map(|line| line.split_once(": "));
                    let field = lines
                        .into_iter()
                        .find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
                    let text = field.map_or("nothing", |(_, value)| value);
                    result(json!({"content": [{"type": "text", "text": text}]}))
                }
                None => result(json!({"content": [{"type": "text", "text": name}]})),
            }
        }
        "subscriptions/listen" => match state.listened.lock().expect("whole").as_mut() {
            Some(listened) => {
                *listened += 1;
                let notice =
                    json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"});
                Some(("200 OK", format!("data: {notice}\n\n")))
            }
            None => Some(("404 Not Found", String::new())),
        },
        _ => Some(("404 Not Found", String::new())),
    }
}

pub(super) async fn read(connection: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut taken = Vec::new();
    let mut part = [0; 4096];
    loop {
        if let Some(end) = taken.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&taken[..end]).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
            });
            let whole = end + 4 + length.unwrap_or(0);
            while taken.len() < whole {
                let count = connection.read(&mut part).await.ok().filter(|count| *count > 0)?;
                taken.extend_from_slice(&part[..count]);
            }
            return Some((head, taken[end + 4..whole].to_vec()));
        }
        let count = connection.read(&mut part).await.ok().filter(|count| *count > 0)?;
        taken.extend_from_slice(&part[..count]);
    }
}
