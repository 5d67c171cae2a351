//! The pieces that the management tools' schemas are made of.

use serde_json::{Map, Value, json};

/// The fields of a result, each with its JSON type; a `?` behind a type allows null as well.
pub(super) type Fields<'a> = &'a [(&'a str, &'a str)];

/// The parameters of a tool by name. Others than these are refused.
pub(super) fn parameters(required: &[&str], properties: Vec<(&str, Value)>) -> Value {
    let mut schema = object(named(properties));
    schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    Value::Object(schema)
}

/// The same for a list in pages, which also have numbers.
pub(super) fn paged(required: &[&str], mut properties: Vec<(&str, Value)>) -> Value {
    let page =
        json!({ "type": "integer", "minimum": 1, "default": 1, "description": "Page, from 1." });
    properties.push(("page", page));
    properties.push(("page_size", integer(1, 100, 50, "Rows per page.")));
    followed(required, properties)
}

/// The same for a list of which one page leads to the next.
pub(super) fn followed(required: &[&str], mut properties: Vec<(&str, Value)>) -> Value {
    properties.push(("cursor", text("`next_cursor` of the page before.")));
    parameters(required, properties)
}

pub(super) fn integer(minimum: i64, maximum: i64, default: i64, description: &str) -> Value {
    json!({
        "type": "integer",
        "minimum": minimum,
        "maximum": maximum,
        "default": default,
        "description": description,
    })
}

pub(super) fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

/// The one parameter of the tools that are about a server.
pub(super) fn server_id() -> (&'static str, Value) {
    ("server_id", id("Id of the server."))
}

/// The one parameter of the tools that are about a tool.
pub(super) fn tool_id() -> (&'static str, Value) {
    ("tool_id", id("Id of the tool."))
}

/// One of these texts, the first if it is left out.
pub(super) fn choice(values: &[&str], description: &str) -> Value {
    json!({
        "type": "string",
        "enum": values,
        "default": values.first(),
        "description": description,
    })
}

pub(super) fn id(description: &str) -> Value {
    json!({ "type": "string", "format": "uuid", "description": description })
}

/// A result with these fields.
pub(super) fn result(fields: Fields<'_>) -> Value {
    result_with(fields, Vec::new())
}

/// A result with these fields and further ones that have a schema of their own.
pub(super) fn result_with(fields: Fields<'_>, further: Vec<(&str, Value)>) -> Value {
    let shape = |kind: &str| match kind.strip_suffix('?') {
        Some("any") => json!({}),
        Some(kind) => json!({ "type": [kind, "null"] }),
        None => json!({ "type": kind }),
    };
    let mut properties = named(fields.iter().map(|(name, kind)| (*name, shape(kind))));
    properties.extend(named(further));
    Value::Object(object(properties))
}

/// A list of objects with these fields.
pub(super) fn list_of(fields: Fields<'_>) -> Value {
    json!({ "type": "array", "items": result(fields) })
}

fn object(properties: Map<String, Value>) -> Map<String, Value> {
    named([("type", json!("object")), ("properties", Value::Object(properties))])
}

fn named<Name: Into<String>>(
    values: impl IntoIterator<Item = (Name, Value)>,
) -> Map<String, Value> {
    values.into_iter().map(|(name, value)| (name.into(), value)).collect()
}
