//! Prompts: messages that a tool of that kind makes of a few texts, for people to begin with.

use std::sync::Arc;

use serde_json::{Map, Value};
use store::revisions::Revision;

use crate::calls::{self, Report};
use crate::conversation::Conversation;
use crate::identity::Caller;
use crate::revisions::Kind;
use crate::{App, Result};

/// What a prompt takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// What it is, where its author says so.
    pub description: Option<String>,
    /// Whether it has to be given.
    pub required: bool,
}

/// Makes the messages of the prompt that clients know as `name`. The outcome of the report is the JSON text of
/// the protocol's result: `{"description"?, "messages": [{"role", "content"}]}`. Arguments that are texts are
/// converted to what `main` takes.
///
/// # Errors
/// [`crate::Error::NotFound`] if there is no such live prompt; a failure of the prompt itself, wrong
/// arguments among them, is a [`Report`].
pub async fn get(
    app: &App,
    caller: &Caller,
    name: &str,
    arguments: Map<String, Value>,
    conversation: Arc<dyn Conversation>,
) -> Result<Report> {
    calls::run_as(app, caller, (Kind::Prompt, name), arguments, conversation).await
}

/// What a prompt takes, in the order of its parameters.
pub fn arguments(revision: &Revision) -> Vec<Argument> {
    let schema = &revision.input_schema;
    let required = schema.get("required").and_then(Value::as_array);
    let is_required =
        |name: &str| required.is_some_and(|all| all.iter().any(|one| one.as_str() == Some(name)));
    let properties = schema.get("properties").and_then(Value::as_object);
    let argument = |(name, property): (&String, &Value)| Argument {
        name: name.clone(),
        description: property.get("description").and_then(Value::as_str).map(str::to_owned),
        required: is_required(name),
    };
    properties.into_iter().flatten().map(argument).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::calls::tests::live;

    #[test]
    fn the_arguments_are_the_properties_in_their_order() {
        let mut revision = live("").revision;
        revision.input_schema = json!({
            "type": "object",
            "properties": {"b": {"type": "string", "description": "Which."}, "a": {}},
            "required": ["b"],
        });
        let told = |name: &str, description: Option<&str>, required| Argument {
            name: name.to_owned(),
            description: description.map(str::to_owned),
            required,
        };
        assert_eq!(arguments(&revision), [told("b", Some("Which."), true), told("a", None, false)]);
        revision.input_schema = json!({"type": "object"});
        assert_eq!(arguments(&revision), []);
    }
}
