//! Arguments that a source wants repeated in headers (`x-mcp-header`), for who routes requests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use std::collections::HashSet;

const KEYWORD: &str = "x-mcp-header";

/// How deep schemas are looked through: deeper than JSON is read.
const DEPTH: usize = 128;

/// The largest integer that everybody reads alike.
const LARGEST: i64 = (1 << 53) - 1;

/// An argument that a header repeats.
#[derive(Debug, PartialEq, Eq)]
struct Mirrored {
    /// The header.
    header: String,
    /// Where the argument is.
    path: Vec<String>,
}

/// Whether what a tool's schema says of headers can be followed; a sentence where it cannot.
pub(crate) fn check(schema: &Value) -> Result<(), String> {
    find(schema).map(|_found| ())
}

/// The headers that repeat `arguments`, by the schema of the tool.
pub(crate) fn headers(
    schema: &Value,
    arguments: &Map<String, Value>,
) -> Result<Vec<(String, String)>, String> {
    let mut headers = Vec::new();
    for mirrored in find(schema)? {
        let mut steps = mirrored.path.iter();
        let first = steps.next().and_then(|step| arguments.get(step));
        let value = steps.fold(first, |value, step| value?.get(step));
        let text = match value {
            // The source refuses what is no simple value itself.
            None | Some(Value::Null | Value::Array(_) | Value::Object(_)) => continue,
            Some(Value::String(text)) => text.clone(),
            Some(Value::Bool(flag)) => flag.to_string(),
            Some(Value::Number(number)) => match number.as_i64() {
                Some(number) if (-LARGEST..=LARGEST).contains(&number) => number.to_string(),
                _ => continue,
            },
        };
        headers.push((mirrored.header, encode(&text)));
    }
    Ok(headers)
}

/// A text as the value of a header: as it is, or in base64 where it could be misread.
pub(crate) fn encode(text: &str) -> String {
    let plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && text.trim() == text;
    let marked = text.starts_with("=?base64?") && text.ends_with("?=");
    if plain && !marked { text.to_owned() } else { format!("=?base64?{}?=", STANDARD.encode(text)) }
}

/// All arguments that headers repeat.
fn find(schema: &Value) -> Result<Vec<Mirrored>, String> {
    let (mut found, mut names) = (Vec::new(), HashSet::new());
    let mut steps = Vec::new();
    properties(schema, &mut steps, &mut found)?;
    for mirrored in &found {
        if !names.insert(mirrored.header.to_ascii_lowercase()) {
            return Err(format!("two arguments have the header {}", mirrored.header));
        }
    }
    // A mark anywhere else is one that nobody can follow.
    let marks = count(schema, false, 0);
    if marks != found.len() {
        return Err(format!("`{KEYWORD}` stands where no argument can be told"));
    }
    Ok(found)
}

/// Those reachable through `properties` alone.
fn properties(
    schema: &Value,
    steps: &mut Vec<String>,
    found: &mut Vec<Mirrored>,
) -> Result<(), String> {
    let inner = schema.get("properties").and_then(Value::as_object);
    if steps.len() > DEPTH {
        return Ok(());
    }
    for (name, property) in inner.into_iter().flatten() {
        steps.push(name.clone());
        if let Some(header) = property.get(KEYWORD) {
            let header =
                name_of(header, property).map_err(|why| format!("argument '{name}': {why}"))?;
            found.push(Mirrored { header, path: steps.clone() });
        }
        properties(property, steps, found)?;
        steps.pop();
    }
    Ok(())
}

fn name_of(header: &Value, property: &Value) -> Result<String, String> {
    let Some(name) = header.as_str() else { return Err(format!("`{KEYWORD}` is no text")) };
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || name.len() > 128 || !name.bytes().all(token) {
        return Err(format!("`{KEYWORD}` is no name of a header"));
    }
    match property.get("type").and_then(Value::as_str) {
        Some("string" | "integer" | "boolean") => Ok(format!("Mcp-Param-{name}")),
        _ => Err("only texts, integers and booleans can stand in a header".to_owned()),
    }
}

/// How many marks there are in all. Under `properties`, a key is a name of an argument, not a keyword; what stands in
/// examples and defaults is data.
fn count(schema: &Value, names: bool, depth: usize) -> usize {
    if depth > DEPTH {
        return 0;
    }
    match schema {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| match key.as_str() {
                _ if names => count(value, false, depth + 1),
                KEYWORD => 1,
                "const" | "default" | "enum" | "examples" => 0,
                "$defs" | "definitions" | "dependentSchemas" | "patternProperties"
                | "properties" => count(value, true, depth + 1),
                _ => count(value, false, depth + 1),
            })
            .sum(),
        Value::Array(values) => values.iter().map(|value| count(value, false, depth + 1)).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{check, encode, headers};
    use serde_json::{Value, json};

    fn repeated(schema: &Value, arguments: &Value) -> Vec<(String, String)> {
        headers(schema, arguments.as_object().unwrap()).unwrap()
    }

    #[test]
    fn arguments_are_repeated_where_the_schema_says_so() {
        let schema = json!({"type": "object", "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "other": {"type": "string"},
            "deep": {"type": "object", "properties": {
                "count": {"type": "integer", "x-mcp-header": "Count"},
                "flag": {"type": "boolean", "x-mcp-header": "Flag"},
            }},
        }});
        let arguments =
            json!({"region": "zürich", "other": "x", "deep": {"count": 3, "flag": false}});
        let expected = [
            ("Mcp-Param-Region", "=?base64?esO8cmljaA==?="),
            ("Mcp-Param-Count", "3"),
            ("Mcp-Param-Flag", "false"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(repeated(&schema, &arguments), expected);
        assert_eq!(repeated(&schema, &json!({"region": null, "deep": {}})), []);
        assert_eq!(repeated(&schema, &json!({"deep": 3})), []);
        assert_eq!(repeated(&json!({}), &json!({"a": 1})), []);
    }

    #[test]
    fn what_a_header_cannot_hold_is_encoded() {
        for (text, header) in [
            ("a b", "a b"),
            ("", ""),
            (" a", "=?base64?IGE=?="),
            ("a\nb", "=?base64?YQpi?="),
            ("=?base64?YQ==?=", "=?base64?PT9iYXNlNjQ/WVE9PT89?="),
        ] {
            assert_eq!(encode(text), header, "{text:?}");
        }
    }

    #[test]
    fn a_mark_that_cannot_be_followed_is_refused() {
        let with = |property: Value| json!({"type": "object", "properties": {"a": property}});
        for good in [
            with(json!({"type": "string", "x-mcp-header": "A"})),
            with(json!({"type": "string", "default": {"x-mcp-header": 3}})),
            json!({"properties": {"x-mcp-header": {"type": "string"}}}),
        ] {
            assert_eq!(check(&good), Ok(()), "{good}");
        }
        for bad in [
            with(json!({"type": "string", "x-mcp-header": ""})),
            with(json!({"type": "string", "x-mcp-header": "a b"})),
            with(json!({"type": "string", "x-mcp-header": "a\r\nb"})),
            with(json!({"type": "string", "x-mcp-header": 3})),
            with(json!({"type": "number", "x-mcp-header": "A"})),
            with(json!({"x-mcp-header": "A"})),
            with(json!({"type": "array", "items": {"type": "string", "x-mcp-header": "A"}})),
            json!({"anyOf": [{"properties": {"a": {"type": "string", "x-mcp-header": "A"}}}]}),
            json!({"properties": {
                "a": {"type": "string", "x-mcp-header": "Same"},
                "b": {"type": "string", "x-mcp-header": "same"},
            }}),
        ] {
            assert!(check(&bad).is_err(), "{bad}");
        }
    }
}
