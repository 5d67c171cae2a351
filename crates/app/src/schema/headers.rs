//! The rules of `x-mcp-header`, by which clients repeat an argument in a header.

use serde_json::{Map, Value};

use super::Reach;

const KEYWORD: &str = "x-mcp-header";

/// What a token may hold beside letters and digits: RFC 9110, section 5.6.2.
const TOKEN: &str = "!#$%&'*+-.^_`|~";

/// Clients leave a tool out that breaks these rules.
pub(super) fn check(
    fields: &Map<String, Value>,
    at: &str,
    reach: Option<Reach>,
    seen: &mut Vec<String>,
) -> Result<(), String> {
    let Some(header) = fields.get(KEYWORD) else { return Ok(()) };
    let fault = |why: &str| Err(format!("`{at}/{KEYWORD}` {why}"));
    if reach != Some(Reach::Property) {
        return fault("stands where no chain of `properties` leads to it from the root");
    }
    let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default();
    if !["string", "integer", "boolean"].contains(&kind) {
        return fault("needs a `type` of string, integer or boolean beside it");
    }
    let Some(name) = header.as_str().filter(|name| is_token(name)) else {
        return fault("is not the name of a header");
    };
    let name = name.to_ascii_lowercase();
    if seen.contains(&name) {
        return fault("names a header that another property has, in upper or lower case");
    }
    seen.push(name);
    Ok(())
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || TOKEN.contains(c))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::schema::fault;

    #[test]
    fn a_property_can_be_repeated_in_a_header_of_its_own() {
        let region = json!({"type": "string", "x-mcp-header": "Region"});
        let within = json!({"type": "object", "properties": {"n": {"type": "integer", "x-mcp-header": "N"}}});
        let schema = json!({"type": "object", "properties": {"region": region, "in": within}});
        assert_eq!(fault(&schema), None);
    }

    #[test]
    fn what_makes_clients_leave_the_tool_out_is_refused() {
        let with = |name: &str| json!({"type": "string", "x-mcp-header": name});
        let of = |properties| json!({"type": "object", "properties": properties});
        for schema in [
            json!({"type": "object", "x-mcp-header": "Root"}),
            of(json!({"a": {"type": "number", "x-mcp-header": "A"}})),
            of(json!({"a": {"x-mcp-header": "A"}})),
            of(json!({"a": {"type": "string", "x-mcp-header": 1}})),
            of(json!({"a": with("")})),
            of(json!({"a": with("a b")})),
            of(json!({"a": with("ä")})),
            of(json!({"a": with("Same"), "b": with("same")})),
            of(json!({"a": {"anyOf": [with("A")]}})),
            of(json!({"a": {"type": "array", "items": with("A")}})),
            json!({"type": "object", "$defs": {"A": with("A")}}),
        ] {
            assert!(fault(&schema).is_some_and(|fault| fault.contains("x-mcp-header")), "{schema}");
        }
    }
}
