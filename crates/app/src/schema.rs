//! What a tool's schema must look like before it is kept and shown to clients, whoever wrote it.

mod headers;
mod references;

use jsonschema::{Draft, PatternOptions};
use serde_json::{Map, Value};

/// A schema longer than this, in bytes of JSON, is not kept.
const BYTES_MAX: usize = 64 << 10;

/// How deeply a schema may be nested: clients of several languages read it.
const DEPTH_MAX: usize = 32;

/// The most schemas within one, itself included.
const SCHEMAS_MAX: usize = 1_000;

/// The most patterns in one, and the most bytes of what each is compiled to: whoever reads a schema
/// compiles them.
const PATTERNS_MAX: usize = 100;
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// So many characters of what is wrong are told.
const TOLD_MAX: usize = 200;

/// The one dialect that is spoken, with and without the empty fragment.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The keywords that hold schemas by name, two of them as older dialects call them.
pub(crate) const NAMED: [&str; 6] =
    ["properties", "patternProperties", "$defs", "dependentSchemas", "definitions", "dependencies"];

/// The keywords that hold lists of schemas.
pub(crate) const LISTED: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];

/// The keywords that hold one schema.
pub(crate) const SINGLE: [&str; 12] = [
    "items",
    "contains",
    "additionalProperties",
    "additionalItems",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "not",
    "if",
    "then",
    "else",
    "contentSchema",
];

/// Those of them where all clients take `true` and `false`; elsewhere some take them for no schema.
pub(crate) const BOOLEAN: [&str; 4] =
    ["additionalProperties", "additionalItems", "unevaluatedItems", "unevaluatedProperties"];

/// What depends on how a schema was reached, which not all clients follow.
const DYNAMIC: [&str; 5] =
    ["$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$vocabulary"];

/// Says why a tool's schema cannot be published, and where in it; nothing where it can.
///
/// One tool whose schema is not of this form makes official clients refuse the whole list.
pub fn fault(schema: &Value) -> Option<String> {
    check(schema).err()
}

fn check(schema: &Value) -> Result<(), String> {
    let Value::Object(fields) = schema else { return Err("it is no object".to_owned()) };
    if fields.get("type").and_then(Value::as_str) != Some("object") {
        return Err("its `type` is not `object`".to_owned());
    }
    if schema.to_string().len() > BYTES_MAX {
        return Err(format!("it is longer than {BYTES_MAX} bytes"));
    }
    if !is_shallow(schema, DEPTH_MAX) {
        return Err(format!("it is nested more than {DEPTH_MAX} levels deep"));
    }
    let mut walk = Walk::default();
    walk.look(schema, "", Some(Reach::Root))?;
    references::check(schema, &walk.seen)?;
    check_compiles(schema)
}

fn check_compiles(schema: &Value) -> Result<(), String> {
    if let Err(error) = jsonschema::draft202012::meta::validate(schema) {
        let place = error.instance_path().to_string();
        return Err(format!("it is no JSON Schema 2020-12: at `{place}`: {}", told(&error)));
    }
    let patterns = PatternOptions::fancy_regex().size_limit(PATTERN_BYTES_MAX);
    let options = jsonschema::options().with_draft(Draft::Draft202012).offline();
    match options.with_pattern_options(patterns).build(schema) {
        Ok(_) => Ok(()),
        Err(error) => {
            let place = error.schema_path().to_string();
            Err(format!("it cannot be used: at `{place}`: {}", told(&error)))
        }
    }
}

fn told(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    match text.char_indices().nth(TOLD_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
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

/// How the place of a schema is written: a JSON pointer.
fn place(above: &str, name: &str) -> String {
    let name: String = name.chars().take(60).collect();
    format!("{above}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// How a schema is reached from the root by nothing but `properties`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Root,
    Property,
}

/// What was seen on the way through a schema.
#[derive(Default)]
struct Walk<'a> {
    seen: Vec<&'a Value>,
    patterns: usize,
    headers: Vec<String>,
}

impl<'a> Walk<'a> {
    /// Looks at one schema and all within it; `reach` is nothing for those that no chain of
    /// `properties` leads to.
    fn look(&mut self, schema: &'a Value, at: &str, reach: Option<Reach>) -> Result<(), String> {
        self.seen.push(schema);
        if self.seen.len() > SCHEMAS_MAX {
            return Err(format!("it holds more than {SCHEMAS_MAX} schemas"));
        }
        let fields = match schema {
            Value::Object(fields) => fields,
            Value::Bool(true) => {
                return Err(format!("`{at}` is `true`: write {{}}, which any value fits, too"));
            }
            Value::Bool(false) => {
                return Err(format!(
                    "`{at}` is `false`: write {{\"not\": {{}}}}, which no value fits, either"
                ));
            }
            _ => return Err(format!("`{at}` is no schema")),
        };
        self.check_keywords(fields, at, reach)?;
        headers::check(fields, at, reach, &mut self.headers)?;
        for group in NAMED {
            let Some(Value::Object(members)) = fields.get(group) else { continue };
            let inner = reach.filter(|_| group == "properties").map(|_| Reach::Property);
            // What depends on a property may be the names of others.
            for (name, member) in members.iter().filter(|(_, member)| !member.is_array()) {
                self.look(member, &place(&place(at, group), name), inner)?;
            }
        }
        for list in LISTED {
            let items = fields.get(list).and_then(Value::as_array);
            for (index, item) in items.into_iter().flatten().enumerate() {
                self.look(item, &format!("{}/{index}", place(at, list)), None)?;
            }
        }
        for single in SINGLE {
            let inner = fields.get(single);
            let is_taken = |inner: &&Value| !(inner.is_boolean() && BOOLEAN.contains(&single));
            if let Some(inner) = inner.filter(is_taken) {
                self.look(inner, &place(at, single), None)?;
            }
        }
        Ok(())
    }

    fn check_keywords(
        &mut self,
        fields: &Map<String, Value>,
        at: &str,
        reach: Option<Reach>,
    ) -> Result<(), String> {
        let text = |key: &str| fields.get(key).and_then(Value::as_str);
        if let Some(dialect) = text("$schema").filter(|uri| uri.trim_end_matches('#') != DIALECT) {
            let shown: String = dialect.chars().take(TOLD_MAX).collect();
            return Err(format!("`{at}/$schema` is {shown}; leave it out, or write {DIALECT}"));
        }
        if let Some(reference) = text("$ref").filter(|uri| !uri.starts_with('#')) {
            let shown: String = reference.chars().take(TOLD_MAX).collect();
            return Err(format!(
                "`{at}/$ref` leads outside, to {shown}: move what it names to `$defs` and refer to `#/$defs/…`"
            ));
        }
        if fields.contains_key("$id") && reach != Some(Reach::Root) {
            return Err(format!("`{at}/$id` makes a document within the document: leave it out"));
        }
        if let Some(word) = DYNAMIC.into_iter().find(|word| fields.contains_key(*word)) {
            return Err(format!("`{at}/{word}` is not followed by clients: use `$ref`"));
        }
        let more = fields.get("patternProperties").and_then(Value::as_object).map_or(0, Map::len);
        self.patterns += more + usize::from(fields.contains_key("pattern"));
        if self.patterns > PATTERNS_MAX {
            return Err(format!("it holds more than {PATTERNS_MAX} patterns"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_ordinary_schema_is_taken() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "days": {"type": "integer", "maximum": 18_446_744_073_709_551_616_f64},
                "any": {},
                "colour": {"$ref": "#/$defs/Colour"},
                "anchored": {"$ref": "#place"},
                "name": {"type": "string", "pattern": r"^(?!x)\p{L}+$"},
            },
            "required": ["days"],
            "allOf": [{"anyOf": [{"required": ["any"]}, {"required": ["name"]}]}],
            "if": {"properties": {"any": {"const": 1}}},
            "then": {"required": ["name"]},
            "else": {"not": {}},
            "unevaluatedProperties": false,
            "$defs": {"Colour": {"enum": ["red"]}, "Place": {"$anchor": "place", "type": "string"}},
            "additionalProperties": false,
        });
        assert_eq!(fault(&schema), None);
    }

    #[test]
    fn what_clients_would_refuse_is_refused_before_with_its_place() {
        let mut deep = json!({});
        for _ in 0..40 {
            deep = json!({"items": deep});
        }
        let many: Map<String, Value> =
            (0..1_000).map(|number| (number.to_string(), json!({}))).collect();
        let patterns: Map<String, Value> =
            (0..101).map(|number| (format!("p{number}"), json!({"pattern": "x"}))).collect();
        let property = |schema: Value| json!({"type": "object", "properties": {"a": schema}});
        for (schema, part) in [
            (json!([]), "no object"),
            (json!({}), "type"),
            (json!({"type": "array"}), "type"),
            (json!({"type": ["object", "null"]}), "type"),
            (json!({"type": "object", "properties": []}), "`/properties`"),
            (property(json!(true)), "`/properties/a` is `true`"),
            (json!({"type": "object", "$defs": {"A": false}}), "`/$defs/A` is `false`"),
            (json!({"type": "object", "title": "x".repeat(70_000)}), "bytes"),
            (property(deep), "levels"),
            (json!({"type": "object", "properties": many}), "1000 schemas"),
            (json!({"type": "object", "properties": patterns}), "100 patterns"),
            (property(json!({"type": "text"})), "/properties/a/type"),
            (property(json!({"items": [{}]})), "/properties/a/items"),
            (property(json!({"minimum": "1"})), "/properties/a/minimum"),
            (property(json!({"enum": 1})), "/properties/a/enum"),
            (property(json!({"allOf": [3]})), "/properties/a/allOf/0"),
            (property(json!({"$ref": "https://a.example/b"})), "/properties/a/$ref"),
            (property(json!({"$ref": "other.json#/x"})), "outside"),
            (property(json!({"$ref": "#/$defs/None"})), "cannot be used"),
            (property(json!({"$ref": "#none"})), "cannot be used"),
            (property(json!({"$id": "https://a.example/b"})), "/properties/a/$id"),
            (property(json!({"$dynamicRef": "#x"})), "$dynamicRef"),
            (property(json!({"pattern": "("})), "/properties/a/pattern"),
            (property(json!({"pattern": "((a{500}){500}){500}"})), "cannot be used"),
            (
                json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}),
                "$schema",
            ),
        ] {
            let fault = fault(&schema).unwrap_or_else(|| panic!("taken: {schema}"));
            assert!(fault.contains(part), "{part}: {fault}");
        }
    }

    #[test]
    fn true_and_false_stand_for_no_schema_but_where_all_clients_take_them() {
        let object =
            |key: &str, held: Value| json!({"type": "object", "properties": {"a": {key: held}}});
        for named in NAMED {
            let fault = fault(&object(named, json!({"b": true}))).unwrap();
            assert!(fault.contains(&format!("`/properties/a/{named}/b` is `true`")), "{fault}");
            assert!(fault.contains("write {}"), "{fault}");
        }
        for listed in LISTED {
            let fault = fault(&object(listed, json!([{}, false]))).unwrap();
            assert!(fault.contains(&format!("`/properties/a/{listed}/1` is `false`")), "{fault}");
            assert!(fault.contains(r#"write {"not": {}}"#), "{fault}");
        }
        for single in SINGLE {
            for held in [true, false] {
                let fault = fault(&object(single, json!(held)));
                assert_eq!(fault.is_none(), BOOLEAN.contains(&single), "{single}: {fault:?}");
            }
            for held in [json!({}), json!({"not": {}})] {
                assert_eq!(fault(&object(single, held)), None, "{single}");
            }
        }
        let needed = json!({"type": "object", "dependencies": {"a": ["b"]}});
        assert_eq!(fault(&needed), None, "the names of an older dialect");
    }
}
