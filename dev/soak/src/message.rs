//! Requests as clients of both eras of the protocol make them.

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::request::Builder;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};

/// The revision whose requests stand alone.
pub(crate) const MODERN: &str = "2026-07-28";

/// The revision with sessions.
pub(crate) const LEGACY: &str = "2025-11-25";

/// The header that names a session.
pub(crate) const SESSION: &str = "Mcp-Session-Id";

/// A request that stands alone. `meta` is added to what it says of itself.
pub(crate) fn modern(
    door: &str,
    id: &Value,
    method: &str,
    params: &Value,
) -> Result<Request<Full<Bytes>>> {
    let mut params = params.clone();
    let members = params.as_object_mut().context("parameters are an object")?;
    let meta = members.entry("_meta").or_insert_with(|| json!({}));
    let meta = meta.as_object_mut().context("_meta is an object")?;
    for (key, value) in [
        ("io.modelcontextprotocol/protocolVersion", json!(MODERN)),
        ("io.modelcontextprotocol/clientCapabilities", json!({"elicitation": {"form": {}}})),
        ("io.modelcontextprotocol/clientInfo", json!({"name": "soak", "version": "1"})),
    ] {
        meta.insert(key.to_owned(), value);
    }
    let mut request =
        post(door).header("MCP-Protocol-Version", MODERN).header("Mcp-Method", method);
    if let Some(name) = params.get("name").or_else(|| params.get("uri")).and_then(Value::as_str) {
        request = request.header("Mcp-Name", name);
    }
    with(request, &call(id, method, &params))
}

/// A request, or a notification where there is no id, within a session.
pub(crate) fn in_session(
    door: &str,
    session: &str,
    id: Option<&Value>,
    method: &str,
    params: &Value,
) -> Result<Request<Full<Bytes>>> {
    let message = match id {
        Some(id) => call(id, method, params),
        None => json!({"jsonrpc": "2.0", "method": method, "params": params}),
    };
    sent(door, session, &message)
}

/// Any message within a session.
pub(crate) fn sent(door: &str, session: &str, message: &Value) -> Result<Request<Full<Bytes>>> {
    let request = post(door).header("MCP-Protocol-Version", LEGACY).header(SESSION, session);
    with(request, message)
}

/// What begins a session.
pub(crate) fn initialize(door: &str, id: &Value) -> Result<Request<Full<Bytes>>> {
    let params = json!({
        "protocolVersion": LEGACY,
        "capabilities": {"elicitation": {}},
        "clientInfo": {"name": "soak", "version": "1"},
    });
    with(post(door), &call(id, "initialize", &params))
}

/// A request without a body within a session: GET for its stream, DELETE to end it.
pub(crate) fn bare(door: &str, session: &str, method: Method) -> Result<Request<Full<Bytes>>> {
    let request = Request::builder().method(method).uri(format!("http://{door}/mcp"));
    let request = request.header("Accept", "text/event-stream").header("Host", door);
    let request = request.header("MCP-Protocol-Version", LEGACY).header(SESSION, session);
    Ok(request.body(Full::default())?)
}

/// A request of the JSON API.
pub(crate) fn api(
    door: &str,
    token: &str,
    method: Method,
    path: &str,
    body: &Value,
) -> Result<Request<Full<Bytes>>> {
    let request = Request::builder().method(method).uri(format!("http://{door}{path}"));
    let request = request.header("Host", door).header("Authorization", format!("Bearer {token}"));
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = request.header("Content-Type", "application/json");
    Ok(request.body(Full::new(Bytes::from(body)))?)
}

fn call(id: &Value, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

fn post(door: &str) -> Builder {
    Request::builder()
        .method(Method::POST)
        .uri(format!("http://{door}/mcp"))
        .header("Host", door)
        .header("Content-Type", "application/json")
        .header("Accept", "application/json, text/event-stream")
}

fn with(request: Builder, message: &Value) -> Result<Request<Full<Bytes>>> {
    Ok(request.body(Full::new(Bytes::from(message.to_string())))?)
}
