//! What reading a tool's source says about it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::outcome::Failure;
use crate::text;

/// How the guest begins the note that the module level raised an exception.
const RAISED: &str = "the module level raised ";

/// How the guest begins the notes about types, which may be those that only the tool defines.
const OF_A_TYPE: &str = "the type ";

/// The most notes about types that are taken from where the tool runs.
const NOTES_MAX: usize = 20;

/// The most bytes of a note that comes from where the tool runs.
const NOTE_MAX: usize = 500;

/// What a tool's source offers, read in the guest with the grammar it runs under.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Inspection {
    /// Whether the source can be run: it parses and has an `async def main`.
    pub valid: bool,
    /// Why it cannot.
    pub error: Option<SourceError>,
    /// Whether there is an `async def main` at module level.
    pub has_main: bool,
    /// The parameters of `main`, in order.
    pub parameters: Vec<Parameter>,
    /// JSON Schema 2020-12 of the inputs, an object.
    pub input_schema: Option<Value>,
    /// JSON Schema 2020-12 of the result where the return annotation describes an object.
    pub output_schema: Option<Value>,
    /// What the source declares to use.
    pub capabilities: Declared,
    /// The docstring's summary.
    pub doc: Option<String>,
    /// What the reader of the inspection should know besides, such as types that were not resolved.
    pub notes: Vec<String>,
}

/// What a source declares to use: what its syntax tree names, and the lines `# mcpbox:` at its top.
/// Each list is in order, without repetition, of at most 200 entries.
///
/// It is read where nothing of the tool runs, so that no tool can say anything else of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Declared {
    /// Modules beside those that every tool may import from the start and those that none may ever.
    pub modules: Vec<String>,
    /// Packages, as `name` or `name==version`; only the header names them.
    pub packages: Vec<String>,
    /// Hosts as `host` or `host:port`, in lower case; `*` stands for every host that is granted.
    pub hosts: Vec<String>,
    /// Secrets by name.
    pub secrets: Vec<String>,
    /// Other tools, by the names that clients use; only the header names them.
    pub tools: Vec<String>,
}

/// A place in the source, and what is wrong there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceError {
    /// A sentence that says what is wrong.
    pub message: String,
    /// Line, counted from 1; absent where no single line is to blame.
    pub line: Option<u32>,
    /// Column, counted from 1.
    pub column: Option<u32>,
}

/// One parameter of `main`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its annotation as written, where it has one.
    pub type_text: Option<String>,
}

impl Inspection {
    /// Takes the schemas of an inspection that executed the module level.
    ///
    /// In that one the tool could write what it liked: it is believed about the types, which nothing
    /// else tells, as long as the inputs are those that the source names, and about nothing else.
    pub(crate) fn with_schemas_of(mut self, executed: Result<Self, Failure>) -> Self {
        let notes: Vec<String> = match executed {
            Ok(executed) if self.has_inputs_of(&executed) => {
                self.input_schema = executed.input_schema;
                self.output_schema = executed.output_schema;
                notes_of_types_and_raised(executed.notes)
            }
            Ok(_) => vec![
                "after the module level is executed, `main` takes other inputs than its signature \
                 says: the schemas are those of the signature as written"
                    .to_owned(),
            ],
            Err(failure) => vec![format!(
                "the module level could not be executed, so that the types it defines are not \
                 known: {failure}"
            )],
        };
        for note in notes {
            let note = text::one_line(&note, NOTE_MAX);
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        self
    }

    fn has_inputs_of(&self, other: &Self) -> bool {
        match (&self.input_schema, &other.input_schema) {
            (Some(own), Some(other)) => inputs(own) == inputs(other),
            _ => false,
        }
    }
}

fn notes_of_types_and_raised(notes: Vec<String>) -> Vec<String> {
    let (of_types, others): (Vec<String>, Vec<String>) =
        notes.into_iter().partition(|note| note.starts_with(OF_A_TYPE));
    let raised = others.into_iter().find(|note| note.starts_with(RAISED));
    raised.into_iter().chain(of_types.into_iter().take(NOTES_MAX)).collect()
}

/// The names of the inputs, and of those that are required; `None` where there is something else.
fn inputs(schema: &Value) -> Option<(BTreeSet<&str>, BTreeSet<&str>)> {
    let properties = schema.get("properties")?.as_object()?;
    let required = match schema.get("required") {
        Some(required) => required.as_array()?.iter().map(Value::as_str).collect::<Option<_>>()?,
        None => BTreeSet::new(),
    };
    Some((properties.keys().map(String::as_str).collect(), required))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Declared, Failure, Inspection};
    use crate::outcome::FailureKind;

    fn inspection(input_schema: Value, note: &str) -> Inspection {
        let notes = vec![note.to_owned()];
        Inspection { input_schema: Some(input_schema), notes, ..Inspection::default() }
    }

    #[test]
    fn schemas_are_taken_where_the_inputs_agree_and_notes_are_never_lost() {
        let names = json!({ "properties": { "a": {} }, "required": ["a"] });
        let types = json!({ "properties": { "a": { "type": "string" } }, "required": ["a"] });
        let written = inspection(names.clone(), "written");
        let executed = inspection(types.clone(), "the module level raised ValueError");
        let both = written.clone().with_schemas_of(Ok(executed));
        assert_eq!(both.input_schema, Some(types.clone()));
        assert_eq!(both.notes, ["written", "the module level raised ValueError"]);
        let both = written.with_schemas_of(Ok(inspection(types.clone(), "all is well")));
        assert_eq!(
            (both.input_schema, both.notes),
            (Some(types.clone()), vec!["written".to_owned()])
        );
        let written = inspection(names, "the type X is not known");
        let mut executed = inspection(types, "the type X is not known");
        executed.notes.push("the type Y has no JSON form".to_owned());
        let both = written.with_schemas_of(Ok(executed));
        assert_eq!(both.notes, ["the type X is not known", "the type Y has no JSON form"]);
    }

    #[test]
    fn what_is_declared_is_never_the_word_of_the_executed_tool() {
        let names = json!({ "properties": {} });
        let declaring = |host: &str| {
            let hosts = vec![host.to_owned()];
            let capabilities = Declared { hosts, ..Declared::default() };
            Inspection { capabilities, ..inspection(names.clone(), "") }
        };
        for executed in [declaring("harmless.example"), inspection(json!(1), "")] {
            let both = declaring("evil.example").with_schemas_of(Ok(executed));
            assert_eq!(both.capabilities, declaring("evil.example").capabilities);
        }
    }

    #[test]
    fn other_inputs_and_no_answer_leave_what_is_written() {
        let names = json!({ "properties": { "a": {} }, "required": ["a"] });
        for other in [
            json!({ "properties": { "a": {} } }),
            json!({ "properties": { "a": {}, "b": {} }, "required": ["a"] }),
            json!({ "properties": { "a": {} }, "required": [1] }),
            json!(1),
        ] {
            let executed = Ok(inspection(other, ""));
            let both = inspection(names.clone(), "written").with_schemas_of(executed);
            assert_eq!(both.input_schema, Some(names.clone()));
            assert_eq!(both.notes.len(), 2);
        }
        let failed = Err(Failure::new(FailureKind::Cpu, "stopped after 60 s"));
        let both = inspection(names.clone(), "written").with_schemas_of(failed);
        assert_eq!(both.input_schema, Some(names));
        assert!(both.notes.iter().any(|note| note.contains("stopped after 60 s")));
    }
}
