//! A door to send requests to, and what its answers hold.

use std::net::SocketAddr;
use std::sync::Arc;

use app::{App, Location};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::response::Response;
use gateway::Door;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// The newest revision of the protocol, without sessions.
pub(crate) const MODERN: &str = "2026-07-28";

/// A revision of the protocol with sessions.
pub(crate) const LEGACY: &str = "2025-11-25";

/// A door with a database that lives as long as it does.
pub(crate) struct TestDoor {
    pub(crate) app: App,
    router: Router,
    shutdown: CancellationToken,
    directory: Arc<tempfile::TempDir>,
}

/// A door that lets anybody on loopback in.
pub(crate) async fn open() -> TestDoor {
    set_up(false).await
}

/// A door that asks for tokens.
pub(crate) async fn guarded() -> TestDoor {
    set_up(true).await
}

async fn set_up(require_token: bool) -> TestDoor {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let location = Location::Sqlite(directory.path().join("mcpbox.db"));
    let app = App::open_without_sandbox(&location).await.expect("the database opens");
    let (router, shutdown) = door_of(&app, require_token);
    TestDoor { app, router, shutdown, directory: Arc::new(directory) }
}

fn door_of(app: &App, require_token: bool) -> (Router, CancellationToken) {
    let shutdown = CancellationToken::new();
    let door = Door {
        require_token,
        allowed_hosts: vec!["box.example".to_owned()],
        allowed_origins: vec!["https://app.example".to_owned()],
        admin_address: "http://127.0.0.1:3000".to_owned(),
        shutdown: shutdown.clone(),
        giving_up: CancellationToken::new(),
    };
    (gateway::router(app.clone(), door), shutdown)
}

impl Drop for TestDoor {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl TestDoor {
    /// A door of another process on the same database, which lets anybody in.
    pub(crate) fn restarted(&self) -> Self {
        let (app, directory) = (self.app.clone(), Arc::clone(&self.directory));
        let (router, shutdown) = door_of(&app, false);
        Self { app, router, shutdown, directory }
    }

    /// Has the program begin to end.
    pub(crate) fn stop(&self) {
        self.shutdown.cancel();
    }

    pub(crate) async fn send(&self, mut request: Request<Body>) -> Response {
        let peer: SocketAddr = ([127, 0, 0, 1], 50_000).into();
        request.extensions_mut().insert(ConnectInfo(peer));
        self.router.clone().oneshot(request).await.expect("the router does not fail")
    }

    /// A modern call of a tool; the answer's result.
    pub(crate) async fn call(&self, name: &str, arguments: Value) -> Value {
        let answer = self.ask("tools/call", json!({ "name": name, "arguments": arguments })).await;
        answer["result"].clone()
    }

    /// A modern request; the whole answer.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Value {
        read(self.send(modern(method, params)).await).await.1
    }
}

/// A POST with the headers that every MCP client sends.
pub(crate) fn post() -> http::request::Builder {
    Request::post("/mcp")
        .header("host", "127.0.0.1:8002")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
}

/// A request of the revision without sessions.
pub(crate) fn modern(method: &str, mut params: Value) -> Request<Body> {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": { "name": "tester", "version": "1" },
    });
    let name = params["name"].as_str().or_else(|| params["uri"].as_str()).map(str::to_owned);
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
    let mut request = post().header("mcp-protocol-version", MODERN).header("mcp-method", method);
    if let Some(name) = name {
        request = request.header("mcp-name", name);
    }
    request.body(Body::from(body)).expect("a request")
}

/// A message of a revision with sessions.
pub(crate) fn legacy(session: Option<&str>, message: &Value) -> Request<Body> {
    let body = message.to_string();
    let mut request = post();
    if let Some(session) = session {
        request = request.header("mcp-session-id", session).header("mcp-protocol-version", LEGACY);
    }
    request.body(Body::from(body)).expect("a request")
}

/// The message that opens a session.
pub(crate) fn initialize() -> Value {
    json!({
        "jsonrpc": "2.0",
        "id": 0,
        "method": "initialize",
        "params": {
            "protocolVersion": LEGACY,
            "capabilities": {},
            "clientInfo": { "name": "tester", "version": "1" },
        },
    })
}

pub(crate) fn with_token(mut request: Request<Body>, token: &str) -> Request<Body> {
    let value = format!("Bearer {token}").parse().expect("a header");
    request.headers_mut().insert("authorization", value);
    request
}

/// The id of the session that a response opens.
pub(crate) fn session_of(response: &Response) -> String {
    let id = response.headers().get("mcp-session-id").expect("a session");
    id.to_str().expect("text").to_owned()
}

/// The status and the JSON of a response, which may be the one event of a stream.
pub(crate) async fn read(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    let text = String::from_utf8(body.to_vec()).expect("text");
    let data = text.lines().filter_map(|line| line.strip_prefix("data:")).find(|d| d.len() > 2);
    let json = serde_json::from_str(data.unwrap_or(&text)).unwrap_or(Value::Null);
    (status, json)
}
