//! The definition of a tool at its source: what is pinned of it, and under which name it is imported.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::projection;
use crate::{digest, names};

/// What a person's approval holds of a definition. A change of anything else is no change.
const PINNED: [&str; 7] =
    ["name", "title", "description", "inputSchema", "outputSchema", "annotations", "icons"];

/// The longest description that is taken over, in characters.
const DESCRIPTION_MAX: usize = 20_000;

/// The most bytes of a definition.
const BYTES_MAX: usize = 256 << 10;

/// The longest public name that clients take.
const PUBLIC_NAME_MAX: usize = 64;

/// What is pinned of a tool: its name, description, schemas and annotations, as they came.
pub(super) fn pinned(listed: &Value) -> Value {
    let fields = PINNED.into_iter().filter_map(|name| {
        let value = listed.get(name).filter(|value| !value.is_null())?;
        Some((name.to_owned(), value.clone()))
    });
    let mut fields: Map<String, Value> = fields.collect();
    let schema = fields.entry("inputSchema").or_insert_with(|| Value::Object(Map::new()));
    if let Some(schema) = schema.as_object_mut()
        && !schema.contains_key("type")
    {
        // The protocol demands it, and some servers leave it out.
        schema.insert("type".to_owned(), Value::from("object"));
    }
    Value::Object(fields)
}

/// A hash by which two definitions are the same, in whatever order a source writes their keys.
pub(super) fn hash(definition: &Value) -> String {
    digest::of_json(&pinned(definition))
}

/// The fields in which two definitions differ.
pub(super) fn differing(old: &Value, new: &Value) -> Vec<&'static str> {
    let of = |definition: &Value, name: &str| definition.get(name).map(digest::of_json);
    let (old, new) = (pinned(old), pinned(new));
    PINNED.into_iter().filter(|name| of(&old, name) != of(&new, name)).collect()
}

/// Why a tool cannot be offered to clients.
pub(super) fn fault(definition: &Value) -> Option<String> {
    let name = definition.get("name").and_then(Value::as_str).unwrap_or_default();
    if name.is_empty() || name.contains('\0') {
        return Some("it has no name".to_owned());
    }
    let bytes = definition.to_string().len();
    if bytes > BYTES_MAX {
        return Some(format!(
            "its definition has {bytes} bytes; at most {BYTES_MAX} are taken over"
        ));
    }
    let description = description(definition);
    if description.contains('\0') || name.contains('\0') {
        return Some("its texts hold the character NUL (U+0000)".to_owned());
    }
    let length = description.chars().count();
    if length > DESCRIPTION_MAX {
        return Some(format!(
            "its description has {length} characters; at most {DESCRIPTION_MAX} are taken over"
        ));
    }
    let schema = definition.get("inputSchema").unwrap_or(&Value::Null);
    let fault = projection::published(schema).err()?;
    Some(format!("its input schema cannot be published: {fault}"))
}

/// The schemas of arguments and results as clients get them. A result whose schema cannot be published is
/// promised nothing; the sentence says so.
pub(super) fn schemas(definition: &Value) -> (Option<Value>, Option<Value>, Option<String>) {
    let of = |name: &str| definition.get(name).map(projection::published);
    let input = of("inputSchema").and_then(Result::ok);
    match of("outputSchema") {
        Some(Ok(output)) => (input, Some(output), None),
        Some(Err(fault)) => {
            let left = format!("its output schema is left out, as it cannot be published: {fault}");
            (input, None, Some(left))
        }
        None => (input, None, None),
    }
}

/// Whether a tool can only be called as a task (MCP 2025-11-25, `execution.taskSupport`).
pub(super) fn wants_tasks(tool: &Value) -> bool {
    let support = tool.get("execution").and_then(|execution| execution.get("taskSupport"));
    support.is_some_and(|support| support == "required")
}

/// What a tool does, in its source's words.
pub(super) fn description(definition: &Value) -> &str {
    definition.get("description").and_then(Value::as_str).unwrap_or_default()
}

/// The name that a tool gets here: those of source and tool as `source_tool`, cut so that clients take
/// it with the server's prefix. What is cut is told apart by a hash.
pub(super) fn local_name(prefix: &str, source: &str, tool: &str) -> String {
    let whole = format!("{}_{}", sanitised(source), sanitised(tool));
    let beginning = names::public(prefix, "").len();
    let most = PUBLIC_NAME_MAX.saturating_sub(beginning).clamp(16, PUBLIC_NAME_MAX - 1);
    if whole.len() <= most {
        return whole;
    }
    let hash = hex::encode(Sha256::digest(format!("{source}\0{tool}")));
    let cut: String = whole.chars().take(most - 7).collect();
    let hash: String = hash.chars().take(6).collect();
    format!("{}_{hash}", cut.trim_end_matches('_'))
}

/// A name of lower-case letters, digits and single underscores that begins with a letter.
pub(super) fn sanitised(name: &str) -> String {
    let mut made = String::new();
    for letter in name.chars() {
        let letter = letter.to_ascii_lowercase();
        if letter.is_ascii_lowercase() || letter.is_ascii_digit() {
            made.push(letter);
        } else if !made.ends_with('_') {
            made.push('_');
        }
    }
    let made = made.trim_matches('_');
    if made.starts_with(|c: char| c.is_ascii_lowercase()) {
        made.to_owned()
    } else {
        format!("t_{made}").trim_end_matches('_').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_order_of_keys_and_unknown_fields_are_no_change_and_all_else_is() {
        let tool = json!({"name": "a", "description": "b", "inputSchema": {"type": "object", "properties": {"x": {}, "y": {}}}, "_meta": {"n": 1}});
        let same = json!({"_meta": {"n": 2}, "inputSchema": {"properties": {"y": {}, "x": {}}, "type": "object"}, "description": "b", "name": "a"});
        assert_eq!(hash(&tool), hash(&same));
        assert!(differing(&tool, &same).is_empty());
        for (field, value) in [
            ("description", json!("c")),
            ("inputSchema", json!({"type": "object"})),
            ("outputSchema", json!({"type": "object"})),
            ("annotations", json!({"readOnlyHint": true})),
        ] {
            let mut other = tool.clone();
            other[field] = value;
            assert_eq!(differing(&tool, &other), [field]);
            assert_ne!(hash(&tool), hash(&other));
        }
    }

    #[test]
    fn a_schema_without_a_type_is_one_of_an_object() {
        for tool in [json!({"name": "a"}), json!({"name": "a", "inputSchema": {"properties": {}}})]
        {
            assert_eq!(pinned(&tool)["inputSchema"]["type"], "object");
            assert_eq!(fault(&pinned(&tool)), None);
        }
        assert!(fault(&pinned(&json!({"name": "a", "inputSchema": {"type": "string"}}))).is_some());
        assert!(fault(&pinned(&json!({"inputSchema": {}}))).is_some());
    }

    #[test]
    fn names_are_made_of_source_and_tool() {
        for (source, tool, expected) in [
            ("Box", "search_files", "box_search_files"),
            ("my  source!", "Do--It", "my_source_do_it"),
            ("3d", "2x", "t_3d_t_2x"),
            ("é", "__", "t_t"),
        ] {
            assert_eq!(local_name("files", source, tool), expected);
        }
    }

    #[test]
    fn long_names_are_cut_and_stay_different() {
        let (source, tool) = ("a".repeat(100), "b".repeat(100));
        let names = ["1", "2"].map(|end| local_name("files", &source, &format!("{tool}{end}")));
        assert_ne!(names[0], names[1]);
        for name in &names {
            assert!(names::check_tool("files", name).is_ok(), "{name}");
        }
    }
}
