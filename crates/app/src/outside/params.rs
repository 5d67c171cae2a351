//! The parameters of questions to a client, held against the protocol's shapes.

use serde_json::{Map, Value};
use url::Url;

use crate::conversation::QuestionKind;

type Params = Map<String, Value>;

/// Whether a value has a shape.
type Fits = fn(&Value) -> bool;

/// The longest text that a person is shown, in characters.
const MESSAGE_MAX: usize = 10_000;

/// The longest address, in bytes.
const URL_MAX: usize = 4_000;

/// The most fields of a form.
const FIELDS_MAX: usize = 100;

/// The most messages that a client's model is given.
const MESSAGES_MAX: usize = 200;

const SAMPLE: [&str; 8] = [
    "messages",
    "maxTokens",
    "systemPrompt",
    "modelPreferences",
    "includeContext",
    "temperature",
    "stopSequences",
    "metadata",
];

/// What is wrong with the parameters, as a sentence.
pub(super) fn check(kind: QuestionKind, params: &Params) -> Result<(), String> {
    match kind {
        QuestionKind::Roots => only(params, &[]),
        QuestionKind::Sample => sample(params),
        QuestionKind::Elicit if params.get("mode").is_some_and(|mode| mode == "url") => {
            only(params, &["mode", "message", "url"])?;
            message(params)?;
            address(params)
        }
        QuestionKind::Elicit => {
            only(params, &["mode", "message", "requestedSchema"])?;
            if params.get("mode").is_some_and(|mode| mode != "form") {
                return Err("`mode` is `form` or `url`".to_owned());
            }
            message(params)?;
            form(params.get("requestedSchema"))
        }
    }
}

fn only(params: &Params, known: &[&str]) -> Result<(), String> {
    match params.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!("a question of this kind has no `{name}`")),
        None => Ok(()),
    }
}

fn message(params: &Params) -> Result<(), String> {
    let text = params.get("message").and_then(Value::as_str).unwrap_or_default();
    if text.trim().is_empty() || text.chars().count() > MESSAGE_MAX {
        return Err(format!("`message` is a text of 1 to {MESSAGE_MAX} characters"));
    }
    Ok(())
}

fn address(params: &Params) -> Result<(), String> {
    let text = params.get("url").and_then(Value::as_str).unwrap_or_default();
    let parsed = (text.len() <= URL_MAX).then(|| Url::parse(text).ok()).flatten();
    let is_web = parsed.is_some_and(|url| matches!(url.scheme(), "http" | "https"));
    if is_web {
        return Ok(());
    }
    Err(format!("`url` is an address that begins with https:// and has at most {URL_MAX} bytes"))
}

fn form(schema: Option<&Value>) -> Result<(), String> {
    let schema = schema.and_then(Value::as_object);
    let schema = schema.filter(|schema| schema.get("type").is_some_and(|kind| kind == "object"));
    let fields = schema.and_then(|schema| schema.get("properties")).and_then(Value::as_object);
    let Some(fields) = fields else {
        return Err("the schema of a form has `type` \"object\" and `properties`".to_owned());
    };
    if fields.len() > FIELDS_MAX {
        return Err(format!("a form has at most {FIELDS_MAX} fields"));
    }
    match fields.iter().find(|(_, field)| !is_field(field)) {
        Some((name, _)) => {
            let name: String = name.chars().take(80).collect();
            Err(format!(
                "the field `{name}` cannot be in a form: fields are texts, numbers, booleans, choices of texts, and lists of such choices"
            ))
        }
        None => Ok(()),
    }
}

fn is_field(field: &Value) -> bool {
    let kind = field.get("type").and_then(Value::as_str);
    match kind {
        Some("string" | "number" | "integer" | "boolean") => true,
        Some("array") => {
            let items = field.get("items");
            items.is_some_and(|items| items.get("enum").or_else(|| items.get("anyOf")).is_some())
        }
        _ => false,
    }
}

fn sample(params: &Params) -> Result<(), String> {
    only(params, &SAMPLE)?;
    let messages = params.get("messages").and_then(Value::as_array);
    let fits = |messages: &&Vec<Value>| (1..=MESSAGES_MAX).contains(&messages.len());
    if !messages.filter(fits).is_some_and(|messages| messages.iter().all(is_message)) {
        return Err(format!(
            "`messages` are 1 to {MESSAGES_MAX} objects with `role` (\"user\" or \"assistant\") and `content`"
        ));
    }
    let tokens = params.get("maxTokens").and_then(Value::as_u64);
    if !tokens.is_some_and(|tokens| (1..=1 << 31).contains(&tokens)) {
        return Err("`maxTokens` is a whole number above 0".to_owned());
    }
    let is_context =
        |value: &Value| matches!(value.as_str(), Some("none" | "thisServer" | "allServers"));
    let is_texts =
        |value: &Value| value.as_array().is_some_and(|texts| texts.iter().all(Value::is_string));
    let shapes: [(&str, &str, Fits); 6] = [
        ("systemPrompt", "a text", Value::is_string),
        ("modelPreferences", "an object", Value::is_object),
        ("includeContext", "\"none\", \"thisServer\" or \"allServers\"", is_context),
        ("temperature", "a number", Value::is_number),
        ("stopSequences", "a list of texts", is_texts),
        ("metadata", "an object", Value::is_object),
    ];
    for (name, shape, fits) in shapes {
        if params.get(name).is_some_and(|value| !fits(value)) {
            return Err(format!("`{name}` is {shape}"));
        }
    }
    Ok(())
}

fn is_message(message: &Value) -> bool {
    let is_role = matches!(message.get("role").and_then(Value::as_str), Some("user" | "assistant"));
    let is_block = |block: &Value| block.get("type").is_some_and(Value::is_string);
    let is_content = message.get("content").is_some_and(|content| match content {
        Value::Array(blocks) => !blocks.is_empty() && blocks.iter().all(is_block),
        content => is_block(content),
    });
    is_role && is_content
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(kind: QuestionKind, params: &Value) -> Result<(), String> {
        check(kind, params.as_object().expect("an object"))
    }

    #[track_caller]
    fn assert_refused(kind: QuestionKind, params: &Value, part: &str) {
        let told = checked(kind, params).expect_err("it is refused");
        assert!(told.contains(part), "{params}: {told}");
    }

    #[test]
    fn forms_of_what_a_person_can_fill_in_are_taken() {
        let properties = json!({
            "name": {"type": "string", "format": "email", "default": "a@b.example"},
            "age": {"type": "integer", "default": 3},
            "score": {"type": "number"},
            "sure": {"type": "boolean", "default": true},
            "one": {"type": "string", "oneOf": [{"const": "a", "title": "A"}], "default": "a"},
            "old": {"type": "string", "enum": ["a"], "enumNames": ["A"]},
            "some": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}},
            "more": {"type": "array", "items": {"anyOf": [{"const": "a", "title": "A"}]}},
        });
        let form = |properties: Value| {
            let schema = json!({"type": "object", "properties": properties, "required": ["name"]});
            json!({"message": "Who?", "requestedSchema": schema})
        };
        assert_eq!(checked(QuestionKind::Elicit, &form(properties)), Ok(()));
        for field in [
            json!({"type": "object", "properties": {}}),
            json!({"type": "array", "items": {"type": "string"}}),
            json!({"$ref": "#/x"}),
            json!(3),
        ] {
            assert_refused(QuestionKind::Elicit, &form(json!({ "odd": field })), "`odd`");
        }
        let many = (0..=FIELDS_MAX).map(|n| (n.to_string(), json!({"type": "string"})));
        assert_refused(QuestionKind::Elicit, &form(Value::Object(many.collect())), "at most");
    }

    #[test]
    fn what_is_no_form_is_refused() {
        let schema = json!({"type": "object", "properties": {}});
        let good = json!({"message": "Go on?", "mode": "form", "requestedSchema": schema});
        assert_eq!(checked(QuestionKind::Elicit, &good), Ok(()));
        for (name, value, part) in [
            ("message", json!("  "), "message"),
            ("message", json!(3), "message"),
            ("message", json!("a".repeat(MESSAGE_MAX + 1)), "message"),
            ("mode", json!("other"), "mode"),
            ("requestedSchema", json!([]), "properties"),
            ("requestedSchema", json!({"type": "string", "properties": {}}), "properties"),
            ("_meta", json!({}), "_meta"),
        ] {
            let mut params = good.clone();
            params[name] = value;
            assert_refused(QuestionKind::Elicit, &params, part);
        }
    }

    #[test]
    fn people_are_sent_to_addresses_of_the_web_alone() {
        let to = |url: Value| json!({"mode": "url", "message": "Pay?", "url": url});
        assert_eq!(checked(QuestionKind::Elicit, &to(json!("https://pay.example/1"))), Ok(()));
        let long = format!("https://a.example/{}", "a".repeat(URL_MAX));
        for url in
            [json!("javascript:alert(1)"), json!("file:///x"), json!("x"), json!(1), json!(long)]
        {
            assert_refused(QuestionKind::Elicit, &to(url), "https://");
        }
    }

    #[test]
    fn a_model_is_asked_in_the_shape_of_the_protocol() {
        let good = json!({
            "messages": [
                {"role": "user", "content": {"type": "text", "text": "a"}},
                {"role": "assistant", "content": [{"type": "text", "text": "a"}]},
            ],
            "maxTokens": 10, "temperature": 0.5, "includeContext": "none",
            "stopSequences": ["a"], "metadata": {}, "modelPreferences": {}, "systemPrompt": "b",
        });
        assert_eq!(checked(QuestionKind::Sample, &good), Ok(()));
        for (name, value) in [
            ("messages", json!([])),
            ("messages", json!([{"role": "system", "content": {"type": "text", "text": "a"}}])),
            ("messages", json!([{"role": "user", "content": "a"}])),
            ("messages", json!([{"role": "user", "content": []}])),
            ("maxTokens", json!(0)),
            ("maxTokens", json!("1")),
            ("temperature", json!("warm")),
            ("includeContext", json!("all")),
            ("stopSequences", json!([1])),
            ("metadata", json!([])),
            ("modelPreferences", json!(1)),
            ("systemPrompt", json!(1)),
            ("task", json!({})),
        ] {
            let mut params = good.clone();
            params[name] = value;
            assert_refused(QuestionKind::Sample, &params, name);
        }
    }

    #[test]
    fn nothing_goes_with_a_question_for_roots() {
        assert_eq!(checked(QuestionKind::Roots, &json!({})), Ok(()));
        assert_refused(QuestionKind::Roots, &json!({"_meta": {}}), "_meta");
    }
}
