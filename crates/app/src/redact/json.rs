//! JSON without the values of secrets, as a value and as text.

use serde_json::Value;

use super::Redactor;

impl Redactor {
    /// A JSON value with a mark in the place of each value, in names and numbers too.
    pub(crate) fn json(&self, value: Value) -> Value {
        self.json_by(value, &|text| self.text(text))
    }

    /// The same for texts that may have been cut off.
    pub(crate) fn cut_json(&self, value: Value) -> Value {
        self.json_by(value, &|text| self.cut_text(text))
    }

    fn json_by(&self, value: Value, mended: &impl Fn(String) -> String) -> Value {
        if self.is_idle() {
            return value;
        }
        match value {
            Value::String(text) => Value::String(mended(text)),
            Value::Number(number) if self.found_in(number.to_string().as_bytes()) => {
                Value::String(mended(number.to_string()))
            }
            Value::Array(items) => {
                items.into_iter().map(|item| self.json_by(item, mended)).collect()
            }
            Value::Object(fields) => {
                let fields = fields.into_iter();
                fields.map(|(name, field)| (mended(name), self.json_by(field, mended))).collect()
            }
            other => other,
        }
    }

    /// As [`json`](Self::json) for JSON text. One of more than `most` bytes is not taken apart as a
    /// whole, but text by text.
    pub(crate) fn json_text(&self, text: String, most: usize) -> String {
        if !self.found_in(text.as_bytes()) && !text.contains('\\') {
            return text;
        }
        if text.len() > most {
            return self.each_text(&text);
        }
        if let Ok(value) = serde_json::from_str::<Value>(&text) {
            let redacted = self.json(value.clone());
            return if redacted == value { text } else { redacted.to_string() };
        }
        self.text(text)
    }

    /// JSON text with each text in it mended by itself.
    fn each_text(&self, json: &str) -> String {
        let mut mended = String::with_capacity(json.len());
        let mut rest = json;
        while let Some((between, from)) = rest.find('"').and_then(|at| rest.split_at_checked(at)) {
            mended.push_str(&self.text(between.to_owned()));
            let Some((literal, after)) = from.split_at_checked(literal_len(from)) else { break };
            match serde_json::from_str::<String>(literal) {
                Ok(text) if self.found_in(text.as_bytes()) => {
                    mended.push_str(&Value::from(self.text(text)).to_string());
                }
                _ => mended.push_str(&self.text(literal.to_owned())),
            }
            rest = after;
        }
        mended.push_str(&self.text(rest.to_owned()));
        mended
    }
}

/// The bytes of the JSON text that `json` begins with, its quotes included.
fn literal_len(json: &str) -> usize {
    let mut is_escaped = false;
    let end = json.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    end.map_or(json.len(), |position| position + 2)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::redact::tests::redactor;

    #[test]
    fn names_numbers_and_nested_texts_of_json_are_searched() {
        let redactor = redactor(&[("PIN", "12345678"), ("WORD", "hunter2")]);
        let value =
            json!({"hunter2": [12_345_678, {"deep": "my hunter2!"}], "n": 1_234_567, "b": true});
        let told = redactor.json(value);
        let expected = json!({
            "[secret WORD]": ["[secret PIN]", {"deep": "my [secret WORD]!"}], "n": 1_234_567, "b": true,
        });
        assert_eq!(told, expected);
    }

    #[test]
    fn json_text_stays_json_whatever_is_taken_out() {
        let redactor = redactor(&[("A", "line\nbreak"), ("N", "123456")]);
        let text = json!({"a": "x line\nbreak", "n": 91_234_567}).to_string();
        let told: Value = serde_json::from_str(&redactor.json_text(text, 1000)).unwrap();
        assert_eq!(told, json!({"a": "x [secret A]", "n": "9[secret N]7"}));
        let odd = r#"{"a": "line\u000abr\u0065ak"}"#.to_owned();
        assert_eq!(redactor.json_text(odd, 1000), r#"{"a":"[secret A]"}"#);
        let long = json!({"a": "x line\nbreak"}).to_string();
        assert_eq!(redactor.json_text(long, 3), r#"{"a":"x [secret A]"}"#);
        let shown = json!(["'line\\nbreak'", "a \"b\\", 1.5, {"line\nbreak": null}]).to_string();
        assert_eq!(
            redactor.json_text(shown, 3),
            r#"["'[secret A]'","a \"b\\",1.5,{"[secret A]":null}]"#
        );
        let innocent = r#"{"a": 1.0,  "b": "\u0041"}"#;
        assert_eq!(redactor.json_text(innocent.to_owned(), 1000), innocent);
    }
}
