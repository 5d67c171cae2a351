//! The headers that say what the body of a stateless request says.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::message::Message;

/// How deep properties are looked for in a schema.
const DEPTH_MAX: usize = 16;

/// What is known of the arguments that tools want as headers, by the tool's name.
#[derive(Debug, Default)]
pub(super) struct Listed(HashMap<String, Vec<Mirrored>>);

/// An argument that is a header, too.
#[derive(Debug, PartialEq, Eq)]
struct Mirrored {
    header: String,
    /// The keys that lead to it.
    path: Vec<String>,
}

impl Listed {
    /// Takes note of a page of `tools/list`.
    pub(super) fn note(&mut self, response: &Value) {
        let tools = response.get("result").and_then(|result| result.get("tools"));
        for tool in tools.and_then(Value::as_array).into_iter().flatten() {
            let Some(name) = tool.get("name").and_then(Value::as_str) else { continue };
            let mut found = Vec::new();
            if let Some(schema) = tool.get("inputSchema") {
                collect(schema, &mut Vec::new(), &mut found);
            }
            self.0.insert(name.to_owned(), found);
        }
    }

    /// The headers of a stateless request.
    pub(super) fn of(&self, message: &Message) -> Vec<(String, String)> {
        let mut headers = vec![("Mcp-Method".to_owned(), written(message.method()))];
        if let Some(version) = message.version() {
            headers.push(("MCP-Protocol-Version".to_owned(), written(version)));
        }
        let name = named_by(message.method()).and_then(|key| message.parameter(key)?.as_str());
        headers.extend(name.map(|name| ("Mcp-Name".to_owned(), written(name))));
        if message.method() == "tools/call"
            && let Some(arguments) = message.parameter("arguments")
        {
            let mirrored = name.and_then(|name| self.0.get(name)).into_iter().flatten();
            headers.extend(mirrored.filter_map(|one| Some((one.name(), one.of(arguments)?))));
        }
        headers
    }
}

impl Mirrored {
    fn name(&self) -> String {
        format!("Mcp-Param-{}", self.header)
    }

    /// The value; nothing where there is none, or none that a header could have.
    fn of(&self, arguments: &Value) -> Option<String> {
        let value = self.path.iter().try_fold(arguments, |value, key| value.get(key))?;
        match value {
            Value::String(text) => Some(written(text)),
            Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
            _ => None,
        }
    }
}

/// The parameter that `Mcp-Name` repeats.
fn named_by(method: &str) -> Option<&'static str> {
    match method {
        "tools/call" | "prompts/get" => Some("name"),
        "resources/read" => Some("uri"),
        method if method.starts_with("tasks/") => Some("taskId"),
        _ => None,
    }
}

fn collect(schema: &Value, path: &mut Vec<String>, found: &mut Vec<Mirrored>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    if path.len() == DEPTH_MAX {
        return;
    }
    for (key, property) in properties {
        path.push(key.clone());
        if let Some(header) = property.get("x-mcp-header").and_then(Value::as_str) {
            found.push(Mirrored { header: header.to_owned(), path: path.clone() });
        }
        collect(property, path, found);
        path.pop();
    }
}

/// A text as a header has it: itself where it is plain, else encoded and marked as that.
fn written(text: &str) -> String {
    let plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if plain && text.trim() == text && !text.is_empty() && !text.starts_with("=?base64?") {
        text.to_owned()
    } else {
        format!("=?base64?{}?=", STANDARD.encode(text))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn headers(listed: &Listed, arguments: &Value) -> Vec<(String, String)> {
        let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28"});
        let params = json!({"name": "map__find", "arguments": arguments, "_meta": meta});
        let line = json!({"id": 1, "method": "tools/call", "params": params}).to_string();
        listed.of(&Message::read(&line).expect("a message"))
    }

    #[test]
    fn arguments_that_a_listed_tool_marks_are_headers() {
        let mut listed = Listed::default();
        assert_eq!(headers(&listed, &json!({"region": "eu"})).len(), 3, "nothing is known yet");
        let schema = json!({"type": "object", "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "at": {"type": "object", "properties": {"zoom": {"type": "integer", "x-mcp-header": "Zoom"}}},
            "items": {"type": "array", "items": {"properties": {"a": {"x-mcp-header": "No"}}}},
        }});
        listed.note(&json!({"result": {"tools": [{"name": "map__find", "inputSchema": schema}]}}));
        let sent = headers(&listed, &json!({"region": "Skåne", "at": {"zoom": 3}}));
        let of =
            |name: &str| sent.iter().find(|(known, _)| known == name).map(|(_, it)| it.as_str());
        assert_eq!(of("MCP-Protocol-Version"), Some("2026-07-28"));
        assert_eq!(of("Mcp-Method"), Some("tools/call"));
        assert_eq!(of("Mcp-Name"), Some("map__find"));
        assert_eq!(of("Mcp-Param-Region"), Some("=?base64?U2vDpW5l?="));
        assert_eq!(of("Mcp-Param-Zoom"), Some("3"));
        assert_eq!(sent.len(), 5);
        assert_eq!(headers(&listed, &json!({"region": null})).len(), 3);
    }

    #[test]
    fn what_a_header_could_not_carry_is_encoded() {
        assert_eq!(written("plain text"), "plain text");
        for text in [" padded", "line\nbreak", "=?base64?eA==?=", "", "ü"] {
            let sent = written(text);
            let inner = sent.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
            let decoded = STANDARD.decode(inner.expect("it is marked")).expect("base64");
            assert_eq!(decoded, text.as_bytes());
        }
    }
}
