//! A caller of management tools: plain HTTP in the newest revision of the protocol.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use testkit::http::send;

const PROTOCOL: &str = "2026-07-28";

/// The MCP door, as the caller of a token sees it.
#[derive(Debug)]
pub(crate) struct Door {
    address: String,
    authorization: String,
}

impl Door {
    /// The door at `address`, for whom `token` stands for.
    pub(crate) fn new(address: &str, token: &str) -> Self {
        Self { address: address.to_owned(), authorization: format!("Bearer {token}") }
    }

    /// Calls a tool and returns its structured content.
    pub(crate) fn call(&self, name: &str, arguments: &Value) -> Result<Value> {
        let about = json!({
            "io.modelcontextprotocol/protocolVersion": PROTOCOL,
            "io.modelcontextprotocol/clientInfo": {"name": "conformance", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let message = json!({
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": name, "arguments": arguments, "_meta": about},
        });
        let headers = [
            ("Accept", "application/json, text/event-stream"),
            ("Authorization", self.authorization.as_str()),
            ("Content-Type", "application/json"),
            ("MCP-Protocol-Version", PROTOCOL),
            ("Mcp-Method", "tools/call"),
            ("Mcp-Name", name),
        ];
        let answer = send(&self.address, "POST", "/mcp", &headers, &message.to_string());
        let answer = last_message(&answer.body).with_context(|| {
            format!("{name} was answered with {}: {}", answer.status, answer.body)
        })?;
        if let Some(error) = answer.get("error") {
            bail!("{name}: {error}");
        }
        let result = answer.get("result").cloned().unwrap_or_default();
        let failed = result.get("isError") == Some(&Value::Bool(true));
        ensure!(!failed, "{name}: {}", result.pointer("/content/0/text").unwrap_or(&result));
        result.get("structuredContent").cloned().with_context(|| format!("{name}: {result}"))
    }
}

/// The answer of a body, which is JSON or a stream of events with the answer as the last.
fn last_message(body: &str) -> Result<Value> {
    if let Ok(message) = serde_json::from_str(body) {
        return Ok(message);
    }
    let events = body.lines().filter_map(|line| line.strip_prefix("data:"));
    let last = events.filter_map(|data| serde_json::from_str(data.trim()).ok()).next_back();
    last.context("there is no message in it")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::last_message;

    #[test]
    fn an_answer_is_json_or_the_last_event() {
        assert_eq!(last_message(r#"{"id":1}"#).ok(), Some(json!({"id": 1})));
        let events = "id: 0\ndata:\n\ndata: {\"method\":\"x\"}\n\ndata: {\"id\":1}\n\n";
        assert_eq!(last_message(events).ok(), Some(json!({"id": 1})));
        assert!(last_message("Unauthorized").is_err());
    }
}
