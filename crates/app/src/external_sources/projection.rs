//! Schemas of sources in the form that all clients take: older dialects of JSON Schema, written in the one that is spoken here.
//!
//! What can be published as it is stays as it is, byte for byte.

use serde_json::{Map, Value, json};

use crate::schema;

/// What the address of an older dialect holds: drafts 3 to 7, and 2019-09.
const OLDER: [&str; 2] = ["json-schema.org/draft-0", "json-schema.org/draft/2019-09"];

/// Where older dialects keep what is referred to, and where it is now.
const DEFINITIONS: (&str, &str) = ("definitions", "$defs");

/// A schema that can be published, or why there is none.
pub(super) fn published(schema: &Value) -> Result<Value, String> {
    let Some(fault) = schema::fault(schema) else { return Ok(schema.clone()) };
    let mut projected = schema.clone();
    if let Value::Object(fields) = &mut projected {
        let is_older = |uri: &str| OLDER.iter().any(|older| uri.contains(older));
        if fields.get("$schema").and_then(Value::as_str).is_some_and(is_older) {
            fields.remove("$schema");
        }
    }
    rewrite(&mut projected);
    // What was wrong at first is told, as it is in the source's own words.
    if schema::fault(&projected).is_none() { Ok(projected) } else { Err(fault) }
}

/// Writes a schema and all within it anew. Values that are no schemas, such as examples, are left alone.
fn rewrite(schema: &mut Value) {
    if let Value::Bool(is_any) = *schema {
        *schema = if is_any { json!({}) } else { json!({"not": {}}) };
    }
    let Value::Object(fields) = schema else { return };
    if let Some(Value::String(reference)) = fields.get_mut("$ref")
        && let Some(rest) = reference.strip_prefix("#/definitions/")
    {
        *reference = format!("#/$defs/{rest}");
    }
    let (old, new) = DEFINITIONS;
    if !fields.contains_key(new)
        && let Some(definitions) = fields.remove(old)
    {
        fields.insert(new.to_owned(), definitions);
    }
    tuples(fields);
    for group in schema::NAMED {
        let members = fields.get_mut(group).and_then(Value::as_object_mut);
        members.into_iter().flat_map(Map::values_mut).for_each(rewrite);
    }
    for list in schema::LISTED {
        let items = fields.get_mut(list).and_then(Value::as_array_mut);
        items.into_iter().flatten().for_each(rewrite);
    }
    for single in schema::SINGLE {
        let may_be_boolean = schema::BOOLEAN.contains(&single);
        let inner = fields.get_mut(single);
        inner.filter(|inner| !(may_be_boolean && inner.is_boolean())).into_iter().for_each(rewrite);
    }
}

/// `items` as a list is called `prefixItems` by now, and `additionalItems` beside it `items`.
fn tuples(fields: &mut Map<String, Value>) {
    if !fields.get("items").is_some_and(Value::is_array) || fields.contains_key("prefixItems") {
        return;
    }
    if let Some(items) = fields.remove("items") {
        fields.insert("prefixItems".to_owned(), items);
    }
    if let Some(rest) = fields.remove("additionalItems") {
        fields.insert("items".to_owned(), rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_published_stays_as_it_is() {
        let schema = json!({"type": "object", "definitions": {"A": {}}, "properties": {"z": {}, "a": {"$ref": "#/definitions/A"}}});
        if schema::fault(&schema).is_none() {
            assert_eq!(published(&schema).unwrap().to_string(), schema.to_string());
        }
        let plain =
            json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"});
        assert_eq!(published(&plain).unwrap(), plain);
    }

    #[test]
    fn older_dialects_are_written_anew() {
        let old = json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": {
                "point": {"type": "array", "items": [{"type": "number"}, {"type": "number"}], "additionalItems": false},
                "colour": {"$ref": "#/definitions/Colour"},
                "any": true,
            },
            "definitions": {"Colour": {"enum": ["red"]}},
            "additionalProperties": false,
        });
        let new = published(&old).unwrap();
        assert_eq!(
            new,
            json!({
                "type": "object",
                "properties": {
                    "point": {"type": "array", "prefixItems": [{"type": "number"}, {"type": "number"}], "items": {"not": {}}},
                    "colour": {"$ref": "#/$defs/Colour"},
                    "any": {},
                },
                "$defs": {"Colour": {"enum": ["red"]}},
                "additionalProperties": false,
            })
        );
        assert_eq!(schema::fault(&new), None);
    }

    #[test]
    fn true_and_false_are_written_as_schemas_where_clients_want_them() {
        let old = json!({
            "type": "object",
            "properties": {
                "list": {"type": "array", "contains": true, "unevaluatedItems": false},
                "open": {"type": "object", "properties": {"x": true}, "additionalProperties": true},
                "any": {"anyOf": [{"type": "null"}, true], "not": false},
            },
            "patternProperties": {"^x-": false},
            "additionalProperties": false,
            "examples": [{"items": true}],
        });
        let new = json!({
            "type": "object",
            "properties": {
                "list": {"type": "array", "contains": {}, "unevaluatedItems": false},
                "open": {"type": "object", "properties": {"x": {}}, "additionalProperties": true},
                "any": {"anyOf": [{"type": "null"}, {}], "not": {"not": {}}},
            },
            "patternProperties": {"^x-": {"not": {}}},
            "additionalProperties": false,
            "examples": [{"items": true}],
        });
        assert!(schema::fault(&old).is_some());
        assert_eq!(published(&old).unwrap().to_string(), new.to_string());
        assert_eq!(schema::fault(&new), None);
    }

    #[test]
    fn what_cannot_be_mended_is_refused_with_what_is_wrong() {
        for schema in [
            json!({"type": "string"}),
            json!({"type": "object", "properties": {"a": {"$ref": "http://x/y"}}}),
            json!({"$schema": "https://example.com/own", "type": "object"}),
        ] {
            assert_eq!(published(&schema).err(), schema::fault(&schema));
        }
    }
}
