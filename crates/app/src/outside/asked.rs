//! Questions to a client as a guest writes them: read, and held against what clients may be sent.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::params;
use crate::conversation::{Abilities, AskError, Question, QuestionKind};

/// The most bytes of a question. A picture for the client's model fits in.
const BYTES_MAX: usize = 2 << 20;

/// The longest key, in characters.
const KEY_MAX: usize = 128;

/// Lists and objects in each other; clients read no deeper ones.
const DEPTH_MAX: usize = 16;

/// So many characters of what a client says are passed on to the tool.
const REASON_MAX: usize = 1_000;

/// Why a question has no answer, as the guest reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Refusal {
    pub(super) kind: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    capability: Option<&'static str>,
}

#[derive(Deserialize)]
struct Sent {
    key: String,
    kind: String,
    params: Map<String, Value>,
    together: usize,
}

#[derive(Deserialize)]
struct Together {
    together: usize,
}

impl Refusal {
    /// The call has asked enough.
    pub(super) fn limit(message: String) -> Self {
        Self { kind: "limit", message, capability: None }
    }

    /// It is no question that a client could be asked.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self { kind: "invalid", message: message.into(), capability: None }
    }
}

impl From<AskError> for Refusal {
    fn from(error: AskError) -> Self {
        let message = error.to_string();
        match error {
            AskError::Unsupported { capability } => {
                let message = format!(
                    "{message}, so that {}; catch mcpbox.ClientCapabilityError, or look at ctx.client.{} first, and do without",
                    lacking(capability),
                    attribute(capability)
                );
                Self { kind: "unsupported", message, capability: Some(capability) }
            }
            AskError::Gone => Self { kind: "gone", message, capability: None },
            AskError::TimedOut => Self { kind: "timed_out", message, capability: None },
            AskError::Refused(_) => {
                let message = message.chars().take(REASON_MAX).collect();
                Self { kind: "refused", message, capability: None }
            }
        }
    }
}

fn lacking(capability: &str) -> &'static str {
    match capability {
        "elicitation" => "its user cannot be shown a form",
        "elicitation.url" => "its user cannot be sent to an address",
        "sampling" => "its model cannot be asked",
        _ => "it cannot be asked where it works",
    }
}

fn attribute(capability: &str) -> &'static str {
    match capability {
        "elicitation" => "elicit_form",
        "elicitation.url" => "elicit_url",
        "sampling" => "sample",
        _ => "roots",
    }
}

/// The name of a kind in the log, and in what the guest writes.
pub(super) fn kind_name(kind: QuestionKind) -> &'static str {
    match kind {
        QuestionKind::Elicit => "elicit",
        QuestionKind::Sample => "sample",
        QuestionKind::Roots => "roots",
    }
}

/// The question in a payload.
pub(super) fn read(payload: &[u8]) -> Result<Question, Refusal> {
    if payload.len() > BYTES_MAX {
        return Err(Refusal::invalid(format!(
            "the question has {} bytes of JSON; at most {BYTES_MAX} are sent to a client",
            payload.len()
        )));
    }
    let sent: Sent = serde_json::from_slice(payload)
        .map_err(|error| Refusal::invalid(format!("the question cannot be read: {error}")))?;
    let kinds = [QuestionKind::Elicit, QuestionKind::Sample, QuestionKind::Roots];
    let Some(kind) = kinds.into_iter().find(|kind| kind_name(*kind) == sent.kind) else {
        return Err(Refusal::invalid("a client is asked to elicit, to sample or for its roots"));
    };
    let length = sent.key.chars().count();
    if !(1..=KEY_MAX).contains(&length) || sent.key.contains(char::is_control) {
        return Err(Refusal::invalid(format!(
            "the key of a question is a text of 1 to {KEY_MAX} characters in one line"
        )));
    }
    if !sent.params.values().all(is_flat_enough) {
        return Err(Refusal::invalid(format!(
            "the question has lists and objects nested deeper than {DEPTH_MAX}"
        )));
    }
    params::check(kind, &sent.params).map_err(Refusal::invalid)?;
    Ok(Question { key: sent.key, kind, params: sent.params, together: sent.together })
}

/// With how many others a question that cannot be asked was to be asked, itself included.
pub(super) fn together(payload: &[u8]) -> usize {
    if payload.len() > BYTES_MAX {
        // Its end is all that is looked at, and is what the guest writes last.
        let end = payload.len().saturating_sub(64);
        let end = String::from_utf8_lossy(payload.get(end..).unwrap_or_default());
        let number = end.rsplit_once(r#""together": "#).map(|(_, number)| number);
        return number.and_then(|number| number.trim_end_matches('}').parse().ok()).unwrap_or(1);
    }
    serde_json::from_slice(payload).map_or(1, |Together { together }| together)
}

/// Whether a client that can do so much can be asked this.
pub(super) fn check_ability(question: &Question, able: Abilities) -> Result<(), Refusal> {
    let is_url = question.params.get("mode").is_some_and(|mode| mode == "url");
    let (can, capability) = match question.kind {
        QuestionKind::Elicit if is_url => (able.elicit_url, "elicitation.url"),
        QuestionKind::Elicit => (able.elicit_form, "elicitation"),
        QuestionKind::Sample => (able.sample, "sampling"),
        QuestionKind::Roots => (able.roots, "roots"),
    };
    if can { Ok(()) } else { Err(AskError::Unsupported { capability }.into()) }
}

/// What an answer comes to in the log.
pub(super) fn outcome(answer: &Value) -> &'static str {
    match answer.get("action").and_then(Value::as_str) {
        Some("accept") => "accept",
        Some("decline") => "decline",
        Some("cancel") => "cancel",
        _ => "answered",
    }
}

/// Whether a value is nested no deeper than clients read.
pub(super) fn is_flat_enough(value: &Value) -> bool {
    fn within(value: &Value, left: usize) -> bool {
        match value {
            Value::Array(items) => left > 0 && items.iter().all(|item| within(item, left - 1)),
            Value::Object(fields) => {
                left > 0 && fields.values().all(|field| within(field, left - 1))
            }
            _ => true,
        }
    }
    within(value, DEPTH_MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn roots(key: &str) -> Vec<u8> {
        let sent = json!({"key": key, "kind": "roots", "params": {}, "together": 2});
        sent.to_string().into_bytes()
    }

    fn message(payload: &[u8]) -> String {
        read(payload).expect_err("it is refused").message
    }

    #[test]
    fn a_question_is_read_and_one_that_is_none_refused() {
        let question = read(&roots("a")).expect("a question");
        assert_eq!((question.key.as_str(), question.together), ("a", 2));
        assert!(read(&roots(&"ä".repeat(KEY_MAX))).is_ok());
        for key in ["", "a\nb", "a\0", &"a".repeat(KEY_MAX + 1)] {
            assert!(message(&roots(key)).contains("key"), "{key:?}");
        }
        assert!(message(b"{").contains("cannot be read"));
        let other = json!({"key": "a", "kind": "pray", "params": {}, "together": 1}).to_string();
        assert!(message(other.as_bytes()).contains("roots"));
        assert!(message(&vec![b'['; BYTES_MAX + 1]).contains("bytes"));
        let deep = (0..DEPTH_MAX).fold(json!(1), |inner, _| json!([inner]));
        assert!(is_flat_enough(&deep));
        let deeper = json!({"key": "a", "kind": "roots", "params": {"a": [deep]}, "together": 1});
        assert!(message(deeper.to_string().as_bytes()).contains("nested"));
    }

    #[test]
    fn one_that_is_refused_still_tells_with_how_many_it_came() {
        assert_eq!(together(&roots("")), 2);
        assert_eq!(together(b"{"), 1);
        let long = format!(r#"{{"params": "{}", "together": 3}}"#, "a".repeat(BYTES_MAX));
        assert_eq!(together(long.as_bytes()), 3);
        assert_eq!(together("ä".repeat(BYTES_MAX).as_bytes()), 1);
    }

    #[test]
    fn what_a_client_lacks_is_named_and_what_to_do() {
        let asked = |kind, mode: &str| {
            let params = json!({ "mode": mode }).as_object().cloned().unwrap_or_default();
            Question { key: "a".to_owned(), kind, params, together: 1 }
        };
        let all = Abilities { elicit_form: true, elicit_url: true, sample: true, roots: true };
        for (question, able, capability, attribute) in [
            (
                asked(QuestionKind::Elicit, "form"),
                Abilities { elicit_form: false, ..all },
                "elicitation",
                "ctx.client.elicit_form",
            ),
            (
                asked(QuestionKind::Elicit, "url"),
                Abilities { elicit_url: false, ..all },
                "elicitation.url",
                "ctx.client.elicit_url",
            ),
            (
                asked(QuestionKind::Sample, ""),
                Abilities { sample: false, ..all },
                "sampling",
                "ctx.client.sample",
            ),
            (
                asked(QuestionKind::Roots, ""),
                Abilities { roots: false, ..all },
                "roots",
                "ctx.client.roots",
            ),
        ] {
            assert_eq!(check_ability(&question, all), Ok(()));
            let refusal = check_ability(&question, able).expect_err("it lacks that");
            assert_eq!((refusal.kind, refusal.capability), ("unsupported", Some(capability)));
            assert!(refusal.message.contains(attribute), "{}", refusal.message);
        }
    }

    #[test]
    fn a_long_refusal_is_cut() {
        let refusal = Refusal::from(AskError::Refused("ä".repeat(2 * REASON_MAX)));
        assert_eq!((refusal.kind, refusal.message.chars().count()), ("refused", REASON_MAX));
    }
}
