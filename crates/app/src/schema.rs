//! What a schema that the sandbox reports must look like before it is kept and shown to clients.

use serde_json::{Map, Value};

/// A schema longer than this, in bytes of JSON, is not kept.
const BYTES_MAX: usize = 64 << 10;

/// How deeply a schema may be nested: clients of several languages read it.
const DEPTH_MAX: usize = 32;

/// Says why a tool's schema cannot be published; nothing where it can.
///
/// One tool whose schema is not of this form makes official clients refuse the whole list.
pub(crate) fn fault(schema: &Value) -> Option<String> {
    let Value::Object(fields) = schema else { return Some("it is no object".to_owned()) };
    if fields.get("type").and_then(Value::as_str) != Some("object") {
        return Some("its type is not `object`".to_owned());
    }
    if schema.to_string().len() > BYTES_MAX {
        return Some(format!("it is longer than {BYTES_MAX} bytes"));
    }
    if !is_shallow(schema, DEPTH_MAX) {
        return Some(format!("it is nested more than {DEPTH_MAX} levels deep"));
    }
    ["properties", "$defs"].into_iter().find_map(|group| group_fault(fields, group))
}

fn group_fault(fields: &Map<String, Value>, group: &str) -> Option<String> {
    match fields.get(group) {
        None => None,
        Some(Value::Object(members)) => members
            .iter()
            .find(|(_, member)| !member.is_object())
            .map(|(name, _)| format!("`{group}/{name}` is no object")),
        Some(_) => Some(format!("`{group}` is no object")),
    }
}

fn is_shallow(value: &Value, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match value {
        Value::Array(items) => items.iter().all(|item| is_shallow(item, depth)),
        Value::Object(fields) => fields.values().all(|field| is_shallow(field, depth)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_ordinary_schema_is_taken() {
        let schema = json!({
            "type": "object",
            "properties": {"days": {"type": "integer"}, "any": {}},
            "required": ["days"],
            "$defs": {"Colour": {"enum": ["red"]}},
        });
        assert_eq!(fault(&schema), None);
    }

    #[test]
    fn what_clients_would_refuse_is_refused_before() {
        let mut deep = json!({});
        for _ in 0..40 {
            deep = json!({"items": deep});
        }
        for schema in [
            json!([]),
            json!({}),
            json!({"type": "array"}),
            json!({"type": "object", "properties": []}),
            json!({"type": "object", "properties": {"a": true}}),
            json!({"type": "object", "title": "x".repeat(70_000)}),
            json!({"type": "object", "properties": {"a": deep}}),
        ] {
            assert!(fault(&schema).is_some(), "{schema}");
        }
    }
}
