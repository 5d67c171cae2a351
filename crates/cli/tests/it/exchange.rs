//! Calls of tools as single requests, for tests of what lies around them.

use serde_json::{Value, json};
use testkit::http::{Answer, Api, send};

const VERSION: &str = "2026-07-28";

/// Calls a tool by one POST; `meta` and `headers` come along.
pub(crate) fn call(
    door: &str,
    name: &str,
    arguments: &Value,
    meta: &Value,
    headers: &[(&str, &str)],
) -> Answer {
    let params = json!({"name": name, "arguments": arguments, "_meta": meta});
    ask(door, "tools/call", &params, headers)
}

/// Makes any request that stands alone; `_meta` of `params` comes along.
pub(crate) fn ask(door: &str, method: &str, params: &Value, headers: &[(&str, &str)]) -> Answer {
    let mut params = params.clone();
    let meta = &mut params["_meta"];
    meta["io.modelcontextprotocol/protocolVersion"] = json!(VERSION);
    if meta["io.modelcontextprotocol/clientCapabilities"].is_null() {
        meta["io.modelcontextprotocol/clientCapabilities"] = json!({});
    }
    meta["io.modelcontextprotocol/clientInfo"] = json!({"name": "test", "version": "1"});
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let name = params["name"].as_str().or_else(|| params["uri"].as_str()).unwrap_or_default();
    let own = [
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
        ("MCP-Protocol-Version", VERSION),
        ("Mcp-Method", method),
        ("Mcp-Name", name),
    ];
    send(door, "POST", "/mcp", &[&own, headers].concat(), &message.to_string())
}

/// The response in an answer, be it JSON or the last event of a stream.
pub(crate) fn response(answer: &Answer) -> Value {
    let mut events = answer.body.lines().filter_map(|line| line.strip_prefix("data:"));
    let data = events.rfind(|data| !data.trim().is_empty());
    let text = data.unwrap_or(&answer.body);
    serde_json::from_str(text).unwrap_or_else(|_| panic!("a response: {answer:?}"))
}

/// The value of a series in `/metrics`; 0 where there is none.
pub(crate) fn metric(api: &Api, series: &str) -> f64 {
    let metrics = api.send("GET", "/metrics", &Value::Null);
    assert_eq!(metrics.status, 200, "{metrics:?}");
    let line = metrics.body.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().expect("a number"))
}
