//! The digest of a revision: what a person approves, and what must match before it runs.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::revisions::{Imported, Revision};

/// SHA-256, in hex, of the canonical JSON (RFC 8785) of everything a revision is and may do.
///
/// Fields that tell how the revision came about (who, when, notes, state) are not part of it. Schemas
/// stand in it as texts: they reach clients with the order of their keys and every digit of their
/// numbers, which canonical JSON keeps neither of.
pub fn of(revision: &Revision) -> String {
    let mut content = json!({
        "format": 1,
        "tool": revision.tool_id,
        "language": "python",
        "kind": revision.kind,
        "uri": revision.uri,
        "name": revision.name,
        "description": revision.description,
        "python_code": revision.python_code,
        "input_schema": revision.input_schema.to_string(),
        "schema_given": revision.schema_given,
        "output_schema": revision.output_schema.as_ref().map(Value::to_string),
        "limits": { "timeout_ms": revision.timeout_ms },
        "capabilities": revision.capabilities,
    });
    if let (Some(Imported { source_id, definition }), Some(fields)) =
        (&revision.imported, content.as_object_mut())
    {
        fields.insert("language".to_owned(), json!("mcp"));
        let imported = json!({ "source": source_id, "definition": definition.to_string() });
        fields.insert("imported".to_owned(), imported);
    }
    of_json(&content)
}

/// SHA-256, in hex, of a value's canonical JSON.
pub(crate) fn of_json(value: &Value) -> String {
    let mut text = String::new();
    canonical(value, &mut text);
    hex::encode(Sha256::digest(text))
}

/// Whether a revision still is what its digest was made of.
pub(crate) fn is_intact(revision: &Revision) -> bool {
    of(revision) == revision.digest
}

/// Writes JSON as RFC 8785 does: no white space, the keys of every object in the order of their UTF-16
/// code units, texts with the shortest escapes. Numbers must be integers below 2^53.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut keys: Vec<_> = fields.iter().collect();
            keys.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            out.push('{');
            for (index, (key, field)) in keys.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                canonical(field, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                canonical(item, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_keys_does_not_matter_and_that_of_items_does() {
        let text = |value: Value| {
            let mut out = String::new();
            canonical(&value, &mut out);
            out
        };
        assert_eq!(
            text(json!({"b": [1, {"d": 1, "c": "x\""}], "a": null})),
            r#"{"a":null,"b":[1,{"c":"x\"","d":1}]}"#
        );
        assert_ne!(text(json!([1, 2])), text(json!([2, 1])));
        // The order of RFC 8785, section 3.2.3: by UTF-16 code units, in which U+1F600 comes before U+FB33.
        let keys =
            json!({"\u{fb33}": 1, "\u{1f600}": 2, "\u{20ac}": 3, "\r": 4, "1": 5, "\u{80}": 6});
        let expected =
            "{\"\\r\":4,\"1\":5,\"\u{80}\":6,\"\u{20ac}\":3,\"\u{1f600}\":2,\"\u{fb33}\":1}";
        assert_eq!(text(keys), expected);
        assert_eq!(text(json!("\u{1f}\n\"\\/")), r#""\u001f\n\"\\/""#);
    }
}
