//! What an argument of a prompt or a variable of a resource can be, for who is typing it.

mod own;

use serde_json::Value;
use store::tools::LiveTool;

use crate::identity::Caller;
use crate::revisions::Kind;
use crate::{App, Error, Result, calls, resources};

/// The most values that the protocol lets an answer hold; there may be more, which are counted.
pub const ANSWER_MAX: usize = 100;

/// How many references are followed within one schema.
const REFERENCES_MAX: usize = 16;

/// What is being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference<'a> {
    /// The prompt that clients know by that name.
    Prompt(&'a str),
    /// The resource of that URI or template.
    Resource(&'a str),
}

/// The values of an argument that begin as `so_far` does, in the order in which the schema names them.
/// Of mcpbox's own templates, what the caller can read now.
/// Nothing for one that can be any text. An answer holds the first [`ANSWER_MAX`] of them.
///
/// # Errors
/// [`Error::NotFound`] if there is no such live prompt or resource, [`Error::Invalid`] if it has no
/// such argument.
pub async fn of(
    app: &App,
    caller: &Caller,
    reference: Reference<'_>,
    argument: &str,
    so_far: &str,
) -> Result<Vec<String>> {
    if let Reference::Resource(uri) = reference
        && let Some(template) = own::template(uri)
    {
        let values = own::values(app, caller, template, argument).await?;
        let values = values.ok_or_else(|| unknown(template, argument))?;
        return Ok(begun(values, so_far));
    }
    caller.check_call()?;
    let live = match reference {
        Reference::Prompt(name) => calls::live(app, Kind::Prompt, name).await?,
        Reference::Resource(uri) => calls::live_resource(app, uri).await?,
    };
    if !takes(&live, argument) {
        return Err(unknown(&live.public_name(), argument));
    }
    let schema = &live.revision.input_schema;
    let property = schema.get("properties").and_then(|all| all.get(argument));
    let mut values = Vec::new();
    if let Some(property) = property {
        collect(schema, property, REFERENCES_MAX, &mut values);
    }
    Ok(begun(values, so_far))
}

/// Those that begin so.
fn begun(mut values: Vec<String>, so_far: &str) -> Vec<String> {
    let begun = so_far.to_lowercase();
    values.retain(|value| value.to_lowercase().starts_with(&begun));
    values
}

fn unknown(name: &str, argument: &str) -> Error {
    let argument: String = argument.chars().take(100).collect();
    Error::invalid("argument", format!("`{name}` has no argument `{argument}`"))
}

fn takes(live: &LiveTool, argument: &str) -> bool {
    let schema = &live.revision.input_schema;
    let is_property = schema.get("properties").is_some_and(|all| all.get(argument).is_some());
    let uri = live.revision.uri.as_deref();
    is_property || uri.is_some_and(|uri| resources::variables(uri).contains(argument))
}

/// The values that a schema names, each once: those of `enum` and `const`, and of what it is one of.
fn collect(root: &Value, schema: &Value, depth: usize, values: &mut Vec<String>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let named = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
    for value in named.chain(schema.get("const")) {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            _ => continue,
        };
        if !values.contains(&text) {
            values.push(text);
        }
    }
    for list in ["anyOf", "oneOf", "allOf"] {
        for option in schema.get(list).and_then(Value::as_array).into_iter().flatten() {
            collect(root, option, depth, values);
        }
    }
    let reference = schema.get("$ref").and_then(Value::as_str);
    let pointer = reference.and_then(|reference| reference.strip_prefix('#'));
    if let Some(found) = pointer.and_then(|pointer| root.pointer(pointer)) {
        collect(root, found, depth, values);
    }
    if schema.get("type").and_then(Value::as_str) == Some("boolean") && values.is_empty() {
        values.extend(["true".to_owned(), "false".to_owned()]);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values(schema: &Value) -> Vec<String> {
        let mut values = Vec::new();
        collect(schema, schema, REFERENCES_MAX, &mut values);
        values
    }

    #[test]
    fn values_are_found_wherever_a_schema_names_them_and_each_once() {
        let schema = json!({
            "enum": ["b", 3, null],
            "anyOf": [{"const": "a"}, {"$ref": "#/$defs/More"}, {"type": "null"}],
            "$defs": {"More": {"enum": ["b", "c"]}},
        });
        assert_eq!(values(&schema), ["b", "3", "a", "c"]);
        assert_eq!(values(&json!({"type": "boolean"})), ["true", "false"]);
        assert_eq!(values(&json!({"type": "string"})), [""; 0]);
    }

    #[test]
    fn a_schema_that_holds_itself_comes_to_an_end() {
        let twice = json!({"enum": ["x"], "anyOf": [{"$ref": "#"}]});
        assert_eq!(values(&twice), ["x"]);
        assert_eq!(values(&json!({"$ref": "#/none"})), [""; 0]);
    }
}
