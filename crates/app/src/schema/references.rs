//! What a schema comes to when its references are followed: to an end, and to not too much.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// The most schemas that one comes to where each reference stands for what it names.
const EXPANDED_MAX: u64 = 10_000;

/// The most schemas that lead on to each other; some validators go as deep in calls of their own.
const CHAIN_MAX: usize = 128;

/// The keywords whose schemas are held against the same value as the schema that they stand in.
const SAME_LISTED: [&str; 3] = ["allOf", "anyOf", "oneOf"];
const SAME_SINGLE: [&str; 4] = ["not", "if", "then", "else"];
const SAME_NAMED: [&str; 1] = ["dependentSchemas"];

/// Those whose schemas are held against a part of that value.
const PART_LISTED: [&str; 1] = ["prefixItems"];
const PART_SINGLE: [&str; 7] = [
    "items",
    "contains",
    "additionalProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
];
const PART_NAMED: [&str; 2] = ["properties", "patternProperties"];

/// Refuses references that no validator comes to the end of, and those that some would follow for ever:
/// each is followed anew wherever it stands. Schemas that hold themselves within a part of their value,
/// as those of trees do, are finite for each value.
///
/// `schemas` are all that `root` holds.
pub(super) fn check(root: &Value, schemas: &[&Value]) -> Result<(), String> {
    let anchors = schemas
        .iter()
        .filter_map(|schema| Some((schema.get("$anchor")?.as_str()?, *schema)))
        .collect();
    for parts in [false, true] {
        let mut expansion = Expansion { root, anchors: &anchors, parts, seen: HashMap::new() };
        for schema in schemas {
            expansion.size(schema, CHAIN_MAX)?;
        }
    }
    Ok(())
}

/// How much schemas come to.
struct Expansion<'a> {
    root: &'a Value,
    anchors: &'a HashMap<&'a str, &'a Value>,
    /// Whether schemas for parts of a value count, too.
    parts: bool,
    /// By where a schema is in memory; nothing while it is being looked at.
    seen: HashMap<*const Value, Option<u64>>,
}

impl<'a> Expansion<'a> {
    fn size(&mut self, schema: &'a Value, left: usize) -> Result<u64, String> {
        let Value::Object(fields) = schema else { return Ok(1) };
        let place = std::ptr::from_ref(schema);
        match self.seen.get(&place) {
            Some(Some(size)) => return Ok(*size),
            // It holds itself within a part of its value: how often is up to the value.
            Some(None) if self.parts => return Ok(1),
            Some(None) => return Err(circle(schema)),
            None => {}
        }
        let Some(left) = left.checked_sub(1) else {
            return Err(format!("more than {CHAIN_MAX} of its schemas lead on to each other"));
        };
        self.seen.insert(place, None);
        let mut size = 1_u64;
        for inner in self.inner(fields) {
            size = size.saturating_add(self.size(inner, left)?);
        }
        if size > EXPANDED_MAX {
            return Err(format!(
                "its references come to more than {EXPANDED_MAX} schemas where each stands for what it names: refer to the same less often"
            ));
        }
        self.seen.insert(place, Some(size));
        Ok(size)
    }

    /// The schemas that one leads on to.
    fn inner(&self, fields: &'a Map<String, Value>) -> Vec<&'a Value> {
        let mut inner = Vec::new();
        let reference = fields.get("$ref").and_then(Value::as_str);
        inner.extend(reference.and_then(|reference| self.named(reference)));
        let mut add = |named: &[&str], listed: &[&str], single: &[&str]| {
            let of = |key: &&str| fields.get(*key);
            let members = named.iter().filter_map(of).filter_map(Value::as_object);
            inner.extend(members.flat_map(Map::values));
            let items = listed.iter().filter_map(of).filter_map(Value::as_array);
            inner.extend(items.flatten());
            inner.extend(single.iter().filter_map(of));
        };
        add(&SAME_NAMED, &SAME_LISTED, &SAME_SINGLE);
        if self.parts {
            add(&PART_NAMED, &PART_LISTED, &PART_SINGLE);
        }
        inner
    }

    /// What a reference within the document names; whether there is such a thing is seen elsewhere.
    fn named(&self, reference: &str) -> Option<&'a Value> {
        let fragment = percent_decode_str(reference.strip_prefix('#')?).decode_utf8().ok()?;
        if fragment.is_empty() || fragment.starts_with('/') {
            return self.root.pointer(&fragment);
        }
        self.anchors.get(&*fragment).copied()
    }
}

fn circle(schema: &Value) -> String {
    let shown: String = schema.to_string().chars().take(super::TOLD_MAX).collect();
    format!(
        "references lead in a circle, back to {shown}, which nothing ends: put what comes again into `properties` or `items`"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::schema::fault;

    fn with(definitions: &serde_json::Value) -> serde_json::Value {
        json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": definitions})
    }

    /// Each names the next twice, by what `doubled` makes of it.
    fn doubling(count: usize, doubled: impl Fn(&str) -> serde_json::Value) -> serde_json::Value {
        let mut definitions = serde_json::Map::new();
        definitions.insert("A".to_owned(), json!({"$ref": "#/$defs/N0"}));
        for number in 0..count {
            let next = doubled(&format!("#/$defs/N{}", number + 1));
            definitions.insert(format!("N{number}"), next);
        }
        definitions.insert(format!("N{count}"), json!({"type": "string"}));
        with(&definitions.into())
    }

    #[test]
    fn schemas_of_trees_are_taken() {
        let node = json!({"type": "object", "properties": {
            "value": {"type": "string"},
            "left": {"$ref": "#/$defs/A"},
            "right": {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]},
            "children": {"type": "array", "items": {"$ref": "#/$defs/A"}},
            "more": {"type": "object", "additionalProperties": {"$ref": "#"}},
        }});
        assert_eq!(fault(&with(&json!({"A": node}))), None);
        let value = json!({"anyOf": [
            {"type": ["string", "number", "boolean", "null"]},
            {"type": "array", "items": {"$ref": "#/$defs/A"}},
            {"type": "object", "additionalProperties": {"$ref": "#/$defs/A"}},
        ]});
        assert_eq!(fault(&with(&json!({"A": value}))), None);
        let named = json!({"A": {"$anchor": "a", "items": {"$ref": "#a"}, "allOf": [{"$ref": "#/$defs/b%20c"}]}, "b c": {}});
        assert_eq!(fault(&with(&named)), None);
    }

    #[test]
    fn a_circle_that_no_value_ends_is_refused() {
        for definitions in [
            json!({"A": {"$ref": "#/$defs/A"}}),
            json!({"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}}),
            json!({"A": {"anyOf": [{"type": "string"}, {"not": {"$ref": "#/$defs/A"}}]}}),
            json!({"A": {"if": {}, "then": {"dependentSchemas": {"x": {"$ref": "#a"}}}, "$anchor": "a"}}),
            json!({"A": {}, "Unused": {"allOf": [{"$ref": "#/%24defs/Unused"}]}}),
            json!({"A": {"x": {"$ref": "#/$defs/B"}, "$ref": "#/$defs/A/x"}, "B": {"$ref": "#/$defs/A/x"}}),
        ] {
            let fault =
                fault(&with(&definitions)).unwrap_or_else(|| panic!("taken: {definitions}"));
            assert!(fault.contains("in a circle"), "{fault}");
        }
        let whole = json!({"type": "object", "allOf": [{"$ref": "#"}]});
        assert!(fault(&whole).is_some_and(|fault| fault.contains("in a circle")));
    }

    #[test]
    fn what_doubles_at_every_step_is_refused_before_it_is_too_much() {
        let same = |next: &str| json!({"allOf": [{"$ref": next}, {"$ref": next}]});
        let parts = |next: &str| json!({"properties": {"x": {"$ref": next}, "y": {"$ref": next}}});
        let hidden = |next: &str| {
            let part = json!({"properties": {"x": {"$ref": next}}});
            json!({"allOf": [part, part]})
        };
        for (few, many) in [
            (doubling(8, same), doubling(24, same)),
            (doubling(8, parts), doubling(24, parts)),
            (doubling(8, hidden), doubling(24, hidden)),
        ] {
            assert_eq!(fault(&few), None);
            assert!(fault(&many).is_some_and(|fault| fault.contains("10000 schemas")));
        }
    }

    #[test]
    fn a_long_chain_is_refused_and_a_shorter_one_is_not() {
        let chain = |count| doubling(count, |next| json!({"$ref": next}));
        assert_eq!(fault(&chain(100)), None);
        assert!(fault(&chain(500)).is_some_and(|fault| fault.contains("lead on to each other")));
    }
}
