//! Checks the arguments of a management tool against its published schema, and reads them.

use app::{Error, Page};
use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::cursor;

/// The most characters of a wrong value that are shown.
const SHOWN_CHARS: usize = 60;

/// Compiles a tool's schema, ids included; none if it is no schema.
pub(super) fn validator(schema: &Value) -> Option<Validator> {
    let options = jsonschema::options().with_draft(Draft::Draft202012);
    options.should_validate_formats(true).build(schema).ok()
}

/// Arguments that fit their tool's schema.
#[derive(Debug)]
pub(super) struct Arguments {
    values: Map<String, Value>,
}

impl Arguments {
    /// Checks `values`, once what models often send was made what they mean: an optional parameter that
    /// is null counts as left out, an object as empty, and an integer may be written as a text.
    ///
    /// # Errors
    /// One line for each mistake: where it is, what came and what is expected.
    pub(super) fn check(
        mut values: Map<String, Value>,
        schema: &Value,
        validator: &Validator,
    ) -> Result<Self, String> {
        let required = schema.get("required").and_then(Value::as_array);
        let is_required =
            |key: &String| required.is_some_and(|required| required.iter().any(|one| one == key));
        values.retain(|key, value| {
            let Some(kind) = property(schema, key).and_then(|known| known.get("type")) else {
                return true;
            };
            meant(value, kind.as_str().unwrap_or_default());
            !value.is_null() || is_required(key)
        });
        let values = Value::Object(values);
        let mut mistakes: Vec<String> = Vec::new();
        for error in validator.iter_errors(&values) {
            for mistake in told(&error, schema) {
                if !mistakes.contains(&mistake) {
                    mistakes.push(mistake);
                }
            }
        }
        match values {
            Value::Object(values) if mistakes.is_empty() => Ok(Self { values }),
            _ => Err(mistakes.join("\n")),
        }
    }

    /// An id that has to be there.
    pub(super) fn id(&self, key: &'static str) -> Result<Uuid, Error> {
        let id = self.text(key).and_then(|text| text.parse().ok());
        id.ok_or_else(|| Error::Invalid { field: key, reason: "expected a UUID".to_owned() })
    }

    pub(super) fn value(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.values.get(key)?.as_str()
    }

    /// A text that the schema requires.
    pub(super) fn required_text(&self, key: &str) -> String {
        self.text(key).unwrap_or_default().to_owned()
    }

    pub(super) fn boolean(&self, key: &str) -> Option<bool> {
        self.values.get(key)?.as_bool()
    }

    /// An integer; `3.0` is one as well, in JSON Schema.
    pub(super) fn integer(&self, key: &str) -> Option<i64> {
        let value = self.values.get(key)?;
        #[expect(clippy::cast_possible_truncation, reason = "the schema bounds it")]
        value.as_i64().or_else(|| value.as_f64().map(|value| value as i64))
    }

    /// An integer that fits its schema's bounds, which lie within 32 bits.
    pub(super) fn small_integer(&self, key: &str) -> Option<i32> {
        self.integer(key).and_then(|value| i32::try_from(value).ok())
    }

    pub(super) fn object(&self, key: &str) -> Map<String, Value> {
        self.values.get(key).and_then(Value::as_object).cloned().unwrap_or_default()
    }

    /// The page of `list` that `cursor` asks for, else the one of `page`, with so many rows.
    pub(super) fn page_of(&self, list: &str, size: u64) -> Result<Page, Error> {
        match self.text("cursor") {
            Some(cursor) => cursor::page(list, cursor),
            None => Ok(Page { number: self.positive("page").unwrap_or(1), size }),
        }
    }

    /// An integer that its schema wants above zero.
    pub(super) fn positive(&self, key: &str) -> Option<u64> {
        self.integer(key).and_then(|value| u64::try_from(value).ok())
    }
}

/// One mistake as a line for each parameter that it concerns.
fn told(error: &jsonschema::ValidationError<'_>, schema: &Value) -> Vec<String> {
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            vec![format!("- {key}: missing; expected {}", expected(key, schema))]
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let known = schema.get("properties").and_then(Value::as_object);
            let known = known.into_iter().flat_map(Map::keys);
            let known: Vec<&str> = known.map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let line = |key| format!("- {key}: there is no such parameter; known are: {known}");
            unexpected.iter().map(line).collect()
        }
        _ => {
            let path = error.instance_path().to_string();
            let path = path.trim_start_matches('/');
            let key = path.split('/').next().unwrap_or_default();
            let came = shown(error.instance());
            vec![format!("- {path}: got {came}; expected {}", expected(key, schema))]
        }
    }
}

fn property<'a>(schema: &'a Value, key: &str) -> Option<&'a Value> {
    schema.get("properties")?.get(key)
}

/// Makes of a value what it means where its parameter is of this type.
fn meant(value: &mut Value, kind: &str) {
    match (kind, &*value) {
        ("object", Value::Null) => *value = Value::Object(Map::new()),
        ("integer", Value::String(text)) => {
            if let Ok(number) = text.trim().parse::<i64>() {
                *value = Value::from(number);
            }
        }
        _ => {}
    }
}

/// What a parameter has to be, in words.
fn expected(key: &str, schema: &Value) -> String {
    let Some(property) = property(schema, key) else { return "another value".to_owned() };
    let said = |name: &str| property.get(name).and_then(Value::as_str);
    let mut text = said("type").unwrap_or("a value").to_owned();
    if let Some(values) = property.get("enum").and_then(Value::as_array) {
        let values: Vec<String> = values.iter().map(Value::to_string).collect();
        text = format!("one of {}", values.join(", "));
    }
    if let Some(format) = said("format") {
        text = format!("{text} ({format})");
    }
    let bounds = [
        ("minimum", "at least "),
        ("maximum", "at most "),
        ("minLength", "characters: at least "),
        ("maxLength", "characters: at most "),
    ];
    for (bound, words) in bounds {
        if let Some(limit) = property.get(bound) {
            text = format!("{text}, {words}{limit}");
        }
    }
    if let Some(description) = said("description") {
        text = format!("{text}: {description}");
    }
    text
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= SHOWN_CHARS {
        return text;
    }
    let beginning: String = text.chars().take(SHOWN_CHARS).collect();
    format!("{beginning}…")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::schema;
    use super::*;

    fn check(values: &Value) -> Result<Arguments, String> {
        // With a page, a size and a cursor.
        let schema = schema::paged(&["server_id"], vec![schema::server_id()]);
        let validator = validator(&schema).unwrap();
        Arguments::check(values.as_object().unwrap().clone(), &schema, &validator)
    }

    #[test]
    fn right_arguments_are_read() {
        let id = Uuid::from_u128(7);
        let arguments = check(&json!({"server_id": id, "page": 3.0, "page_size": null})).unwrap();
        assert_eq!(arguments.id("server_id").unwrap(), id);
        assert_eq!(arguments.positive("page_size"), None);
        assert_eq!(arguments.page_of("tools", 50).unwrap(), Page { number: 3, size: 50 });
    }

    #[test]
    fn what_models_often_send_is_taken_for_what_it_means() {
        let kind = |kind: &str| json!({ "type": kind });
        let properties =
            vec![("count", kind("integer")), ("with", kind("object")), ("id", kind("string"))];
        let schema = schema::parameters(&[], properties);
        let validator = validator(&schema).unwrap();
        let read = |values: Value| {
            let values = values.as_object().unwrap().clone();
            Arguments::check(values, &schema, &validator)
        };
        let taken = read(json!({"count": " 12 ", "with": null, "id": "12"})).unwrap();
        assert_eq!((taken.small_integer("count"), taken.text("id")), (Some(12), Some("12")));
        assert_eq!(taken.value("with"), Some(&json!({})));
        assert_eq!(read(json!({"id": null})).unwrap().value("id"), None);
        for wrong in [json!({"count": "1.5"}), json!({"count": ""}), json!({"with": "{}"})] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_mistake_names_its_place_what_came_and_what_is_expected() {
        let id = Uuid::from_u128(7);
        let text = check(&json!({"server_id": id, "page": "two"})).unwrap_err();
        for part in ["page", "\"two\"", "integer", "at least 1"] {
            assert!(text.contains(part), "{text}");
        }
        let text = check(&json!({"server_id": id, "page_size": 101})).unwrap_err();
        assert!(text.contains("101") && text.contains("at most 100"), "{text}");
    }

    #[test]
    fn missing_and_unknown_parameters_are_named_together() {
        let text = check(&json!({"serverid": "x"})).unwrap_err();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("- server_id: missing"), "{text}");
        assert!(text.contains("- serverid: there is no such parameter"), "{text}");
        assert!(text.contains("known are: server_id, page, page_size, cursor"), "{text}");
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let values = json!({"page": "two", "page_size": 101, "cursor": 3, "size": 1, "id": "x"});
        let text = check(&values).unwrap_err();
        for key in ["server_id", "page", "page_size", "cursor", "size", "id"] {
            let line = format!("- {key}: ");
            assert!(text.lines().any(|one| one.starts_with(&line)), "{key}: {text}");
        }
        assert_eq!(text.lines().count(), 6, "{text}");
    }

    #[test]
    fn null_is_no_id_and_neither_is_a_word() {
        let text = check(&json!({"server_id": null})).unwrap_err();
        assert!(text.contains("null") && text.contains("uuid"), "{text}");
        let text = check(&json!({"server_id": "seven"})).unwrap_err();
        assert!(text.contains("\"seven\"") && text.contains("uuid"), "{text}");
    }

    #[test]
    fn the_values_that_are_allowed_are_named() {
        let property = json!({"type": "string", "enum": ["a", "b"], "description": "Which."});
        let schema = schema::parameters(&[], vec![("which", property)]);
        let validator = validator(&schema).unwrap();
        let check = |value: &str| {
            let values = Map::from_iter([("which".to_owned(), json!(value))]);
            Arguments::check(values, &schema, &validator)
        };
        assert!(check("b").is_ok());
        let text = check("c").unwrap_err();
        assert_eq!(text, "- which: got \"c\"; expected one of \"a\", \"b\": Which.");
    }

    #[test]
    fn a_long_wrong_value_is_shown_by_its_beginning() {
        let text = check(&json!({"server_id": 1, "page": "x".repeat(1000)})).unwrap_err();
        assert!(text.len() < 400, "{text}");
    }
}
