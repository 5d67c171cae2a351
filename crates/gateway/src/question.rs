//! The parameters of a question to a client in the form of its revision.

use app::conversation::Question;
use serde_json::{Map, Value};

use crate::version::Version;

/// Whether it sends a person to an address.
pub(crate) fn is_address(question: &Question) -> bool {
    question.params.get("mode").is_some_and(|mode| mode == "url")
}

/// The parameters of a question as revisions with sessions have them: addresses have an id, and the
/// older ones know neither modes, nor choices with titles, nor messages with several blocks.
pub(crate) fn in_session(version: Version, question: Question) -> Value {
    let is_address = is_address(&question);
    let mut params = question.params;
    if is_address {
        let id = uuid::Uuid::now_v7().to_string();
        params.entry("elicitationId").or_insert_with(|| Value::from(id));
    } else if version < Version::November2025 {
        params.remove("mode");
        if let Some(Value::Array(messages)) = params.get_mut("messages") {
            let whole = std::mem::take(messages);
            messages.extend(whole.into_iter().flat_map(of_one_block));
        }
        let form = params.get_mut("requestedSchema").and_then(|form| form.get_mut("properties"));
        for field in form.and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
            name_choices(field);
        }
    }
    Value::Object(params)
}

/// A message as several of the same role with a block each, where it has a list of them.
fn of_one_block(mut message: Value) -> Vec<Value> {
    let Some(Value::Array(blocks)) = message.get_mut("content") else { return vec![message] };
    let blocks = std::mem::take(blocks);
    let with = |block: Value| {
        let mut one = message.clone();
        if let Some(content) = one.get_mut("content") {
            *content = block;
        }
        one
    };
    blocks.into_iter().map(with).collect()
}

/// Makes of a choice of texts that have titles one with names beside it. As a field of texts, for which older
/// clients take it otherwise, a person could write anything.
fn name_choices(field: &mut Value) {
    let Some(field) = field.as_object_mut() else { return };
    let of = |choice: &Value| {
        let value = choice.get("const")?;
        Some((value.clone(), choice.get("title").unwrap_or(value).clone()))
    };
    let choices = field.get("oneOf").and_then(Value::as_array);
    let choices: Option<Vec<_>> = choices.and_then(|all| all.iter().map(of).collect());
    let Some((values, names)) = choices.map(|choices| choices.into_iter().unzip()) else { return };
    field.remove("oneOf");
    field.insert("enum".to_owned(), Value::Array(values));
    field.insert("enumNames".to_owned(), Value::Array(names));
}

#[cfg(test)]
mod tests {
    use app::conversation::QuestionKind;
    use serde_json::json;

    use super::*;

    #[test]
    fn older_revisions_know_no_modes_and_newer_sessions_name_addresses() {
        let question = |params: Value| Question {
            key: "a".to_owned(),
            kind: QuestionKind::Elicit,
            params: params.as_object().cloned().unwrap(),
            together: 1,
        };
        let form = || question(json!({"mode": "form", "message": "m"}));
        assert_eq!(in_session(Version::June2025, form()), json!({"message": "m"}));
        assert_eq!(in_session(Version::November2025, form())["mode"], "form");
        let address = in_session(Version::November2025, question(json!({"mode": "url"})));
        assert!(address["elicitationId"].is_string());
    }

    #[test]
    fn older_revisions_are_sent_one_block_a_message_and_nothing_is_lost() {
        let text = |text: &str| json!({"type": "text", "text": text});
        let picture = json!({"type": "image", "data": "AA==", "mimeType": "image/png"});
        let said = |role: &str, content: &Value| json!({"role": role, "content": content});
        let messages = json!([
            said("user", &text("a")),
            said("assistant", &json!([text("b")])),
            {"role": "user", "content": [text("c"), picture, text("d")], "_meta": {"x": 1}},
        ]);
        let asked = |version| {
            let params = json!({"messages": messages, "maxTokens": 5});
            let params = params.as_object().cloned().unwrap();
            let kind = QuestionKind::Sample;
            in_session(version, Question { key: "a".to_owned(), kind, params, together: 1 })
        };
        let one_each = json!([
            said("user", &text("a")),
            said("assistant", &text("b")),
            {"role": "user", "content": text("c"), "_meta": {"x": 1}},
            {"role": "user", "content": picture, "_meta": {"x": 1}},
            {"role": "user", "content": text("d"), "_meta": {"x": 1}},
        ]);
        for old in [Version::March2025, Version::June2025] {
            assert_eq!(asked(old), json!({"messages": one_each, "maxTokens": 5}), "{old:?}");
        }
        assert_eq!(asked(Version::November2025)["messages"], messages);
    }

    #[test]
    fn older_revisions_are_sent_choices_with_names_and_other_fields_as_they_are() {
        let titled = json!({"type": "string", "title": "Size", "default": "s",
            "oneOf": [{"const": "s", "title": "Small"}, {"const": "l"}]});
        let other = json!({"type": "string", "oneOf": [{"pattern": "x"}]});
        let number = json!({"type": "integer"});
        let asked = |version| {
            let fields = json!({"size": titled, "other": other, "number": number});
            let form = json!({"type": "object", "properties": fields});
            let params = json!({"message": "Which?", "requestedSchema": form});
            let params = params.as_object().cloned().unwrap();
            let kind = QuestionKind::Elicit;
            let question = Question { key: "a".to_owned(), kind, params, together: 1 };
            in_session(version, question)["requestedSchema"]["properties"].clone()
        };
        let named = json!({"type": "string", "title": "Size", "default": "s",
            "enum": ["s", "l"], "enumNames": ["Small", "l"]});
        let expected = json!({"size": named, "other": other, "number": number});
        assert_eq!(asked(Version::June2025), expected);
        assert_eq!(asked(Version::November2025)["size"], titled);
    }
}
