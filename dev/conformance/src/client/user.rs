//! The user of the client that calls: accepts each form as it stands, and lets no model be asked.

use app::conversation::{
    Abilities, AskError, Conversation, LogEntry, Progress, Question, QuestionKind,
};
use futures::future::BoxFuture;
use serde_json::{Map, Value, json};

pub(crate) struct User;

impl Conversation for User {
    fn abilities(&self) -> Abilities {
        Abilities { elicit_form: true, elicit_url: true, sample: false, roots: true }
    }

    fn progress(&self, _: Progress) {}

    fn log(&self, _: LogEntry) {}

    fn ask(&self, question: Question) -> BoxFuture<'static, Result<Value, AskError>> {
        Box::pin(std::future::ready(match question.kind {
            QuestionKind::Elicit => Ok(accepted(&question.params)),
            QuestionKind::Roots => Ok(json!({ "roots": [] })),
            QuestionKind::Sample => Err(AskError::Unsupported { capability: "sampling" }),
        }))
    }
}

/// A form as it is shown: with its defaults, and something where there is none and something is wanted.
fn accepted(params: &Map<String, Value>) -> Value {
    let schema = params.get("requestedSchema");
    let fields = schema.and_then(|schema| schema.get("properties")).and_then(Value::as_object);
    let required = schema.and_then(|schema| schema.get("required")).and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
    let filled = fields.into_iter().flatten().filter_map(|(name, field)| {
        let default = field.get("default").cloned();
        let value = default.or_else(|| is_required(name).then(|| made(field)))?;
        Some((name.clone(), value))
    });
    json!({ "action": "accept", "content": filled.collect::<Map<_, _>>() })
}

fn made(field: &Value) -> Value {
    match field.get("type").and_then(Value::as_str) {
        Some("boolean") => json!(true),
        Some("integer" | "number") => json!(1),
        Some("array") => json!([]),
        _ => json!("text"),
    }
}
