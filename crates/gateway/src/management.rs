//! The management tools: one table of what they are called, say, take and do.

mod approval;
mod arguments;
mod authored;
mod declared;
mod development;
mod observability;
mod permission;
mod saved;
mod schema;
mod secrets;
mod servers;
mod sources;
mod tools;

use std::pin::Pin;
use std::sync::{Arc, LazyLock};

use app::conversation::Conversation;
use app::identity::{Caller, Who};
use app::{App, policy, trace};
use arguments::Arguments;
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::catalog::{Entry, List};
use crate::result::CallResult;
use crate::{answer, problem};

/// What the names of all management tools begin with; no server's name does.
pub(crate) const PREFIX: &str = "mcpbox_";

/// One management tool.
struct Definition {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    effect: Effect,
    /// Whether it makes, changes or deletes tools or servers, which the policy can keep from remote
    /// callers.
    edits: bool,
    input: fn() -> Value,
    output: fn() -> Value,
    run: fn(Request) -> Running,
}

/// What a tool does to what is stored; told to clients and kept to here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Reads only.
    Read,
    /// Runs a draft, which changes nothing but the execution log.
    Run,
    /// Adds; what was there stays as it was.
    Add,
    /// Adds, and doing it again adds nothing.
    AddOnce,
    /// The same, after looking something up outside.
    LookUpOnce,
    /// Changes or deletes what was there; doing it again changes nothing more.
    Change,
}

/// A call of a management tool whose arguments fit its schema.
struct Request {
    app: App,
    who: Who,
    admin_address: Arc<str>,
    arguments: Arguments,
    /// The client, for a draft that runs.
    client: Arc<dyn Conversation>,
}

/// Who calls a management tool, and of what.
pub(crate) struct Asked {
    pub(crate) app: App,
    pub(crate) caller: Caller,
    /// Where people open the pages.
    pub(crate) admin_address: Arc<str>,
    /// The client, for a draft that runs.
    pub(crate) client: Arc<dyn Conversation>,
}

type Outcome = Result<CallResult, app::Error>;
type Running = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// The groups of the table, in the order in which clients see them.
const GROUPS: [&[Definition]; 8] = [
    servers::DEFINITIONS,
    tools::DEFINITIONS,
    development::DEFINITIONS,
    secrets::DEFINITIONS,
    approval::DEFINITIONS,
    permission::DEFINITIONS,
    sources::DEFINITIONS,
    observability::DEFINITIONS,
];

static TABLE: LazyLock<Vec<ManagementTool>> =
    LazyLock::new(|| GROUPS.into_iter().flatten().map(ManagementTool::new).collect());

/// A management tool that is ready to be listed and called.
pub(crate) struct ManagementTool {
    definition: &'static Definition,
    schema: Value,
    validator: Option<Validator>,
}

static LISTED: LazyLock<Vec<Arc<Entry>>> = LazyLock::new(|| {
    let mut listed: Vec<_> = GROUPS.into_iter().flatten().map(Definition::listed).collect();
    listed.sort_by(|one, other| one.name.cmp(&other.name));
    listed
});

/// All management tools as clients see them, by name.
pub(crate) fn listed() -> &'static [Arc<Entry>] {
    &LISTED
}

/// The management tool of that name.
pub(crate) fn find(name: &str) -> Option<&'static ManagementTool> {
    TABLE.iter().find(|tool| tool.definition.name == name)
}

/// A name, if it is a management tool's.
pub(crate) fn own_name(name: &str) -> Option<&'static str> {
    find(name).map(|tool| tool.definition.name)
}

impl Definition {
    fn listed(&self) -> Arc<Entry> {
        let listed = json!({
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": (self.input)(),
            "outputSchema": (self.output)(),
            "annotations": self.effect.annotations(),
        });
        Arc::new(Entry::new(List::Tools, self.name.to_owned(), &listed))
    }
}

impl ManagementTool {
    fn new(definition: &'static Definition) -> Self {
        let schema = (definition.input)();
        let validator = arguments::validator(&schema);
        Self { definition, schema, validator }
    }

    /// Runs the tool. What changes something runs to its end even if nobody waits any more.
    pub(crate) async fn call(&self, asked: Asked, arguments: Map<String, Value>) -> CallResult {
        let app = asked.app.clone();
        let is_error = |result: &CallResult| result.is_error;
        trace::managed(&app, self.definition.name, is_error, self.carry_out(asked, arguments)).await
    }

    async fn carry_out(&self, asked: Asked, arguments: Map<String, Value>) -> CallResult {
        let Asked { app, caller, admin_address, client } = asked;
        if self.definition.edits
            && let Err(refused) = check_edit(&app, &caller).await
        {
            return answer::of_error(&refused);
        }
        let Some(validator) = &self.validator else {
            tracing::error!(tool = self.definition.name, "the input schema cannot be compiled");
            return answer::failure(problem::INTERNAL);
        };
        let arguments = match Arguments::check(arguments, &self.schema, validator) {
            Ok(arguments) => arguments,
            Err(mistakes) => {
                let name = self.definition.name;
                return answer::failure(&format!("Invalid arguments for {name}:\n{mistakes}"));
            }
        };
        let request = Request { app, who: caller.into(), admin_address, arguments, client };
        let running = (self.definition.run)(request);
        let outcome = if self.definition.effect.finishes() {
            match tokio::spawn(running).await {
                Ok(outcome) => outcome,
                Err(stopped) => Err(app::Error::Internal(Box::new(stopped))),
            }
        } else {
            running.await
        };
        outcome.unwrap_or_else(|error| answer::of_error(&error))
    }
}

/// Refuses a remote caller that the policy lets only look.
async fn check_edit(app: &App, caller: &Caller) -> Result<(), app::Error> {
    policy::get(app).await?.check_edit(caller)
}

impl Effect {
    /// All but those that look something up work on what mcpbox stores and reach nothing else.
    fn annotations(self) -> Value {
        json!({
            "readOnlyHint": self == Self::Read,
            "destructiveHint": self == Self::Change,
            "idempotentHint": matches!(
                self,
                Self::Read | Self::AddOnce | Self::LookUpOnce | Self::Change
            ),
            "openWorldHint": matches!(self, Self::LookUpOnce | Self::Run),
        })
    }

    fn finishes(self) -> bool {
        !matches!(self, Self::Read | Self::Run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools() -> Vec<Value> {
        listed().iter().map(|tool| serde_json::from_str(&tool.listed).unwrap()).collect()
    }

    /// The names that models and scripts rely on.
    const NAMES: [&str; 28] = [
        "list_servers",
        "get_server",
        "create_server",
        "delete_server",
        "start_server",
        "stop_server",
        "list_tools",
        "get_tool",
        "create_tool",
        "update_tool",
        "delete_tool",
        "list_tool_versions",
        "rollback_tool",
        "test_code",
        "validate_code",
        "create_server_secret",
        "list_server_secrets",
        "request_publish",
        "request_module",
        "request_network_access",
        "get_server_modules",
        "add_external_source",
        "list_external_sources",
        "discover_external_tools",
        "import_external_tools",
        "get_tool_status",
        "list_pending_requests",
        "get_tool_logs",
    ];

    #[test]
    fn every_tool_is_there_once() {
        let mut expected: Vec<String> =
            NAMES.iter().map(|name| format!("{PREFIX}{name}")).collect();
        let mut names: Vec<String> = listed().iter().map(|tool| tool.name.clone()).collect();
        expected.sort();
        names.sort();
        assert_eq!(names, expected);
    }

    #[test]
    fn every_schema_passes_the_gate_of_those_that_authors_write() {
        for tool in &*TABLE {
            let name = tool.definition.name;
            assert!(tool.validator.is_some(), "{name}");
            assert_eq!(app::schema::fault(&tool.schema), None, "{name}");
            assert_eq!(app::schema::fault(&(tool.definition.output)()), None, "{name}");
        }
    }

    /// Some interfaces of models take neither lists of types nor alternatives.
    #[test]
    fn every_parameter_has_one_type() {
        fn check(schema: &Value, place: &str) {
            for keyword in ["anyOf", "oneOf", "allOf", "not", "$ref", "const"] {
                assert!(schema.get(keyword).is_none(), "{place}: {keyword}");
            }
            assert!(schema["type"].is_string(), "{place}: {}", schema["type"]);
            let properties = schema.get("properties").and_then(Value::as_object);
            for (name, property) in properties.into_iter().flatten() {
                check(property, &format!("{place}.{name}"));
            }
            if let Some(items) = schema.get("items") {
                check(items, &format!("{place}[]"));
            }
        }
        for tool in &*TABLE {
            check(&tool.schema, tool.definition.name);
        }
    }

    #[test]
    fn every_parameter_is_described_and_unknown_ones_are_refused() {
        for tool in &*TABLE {
            let name = tool.definition.name;
            assert_eq!(tool.schema["additionalProperties"], false, "{name}");
            for (key, property) in tool.schema["properties"].as_object().unwrap() {
                let described = property["description"].as_str().unwrap_or_default();
                assert!(!described.is_empty(), "{name}.{key}");
            }
        }
    }

    #[test]
    fn the_definitions_are_small_in_a_models_context() {
        let mut characters = 0;
        for tool in tools() {
            let shown = json!({
                "name": tool["name"],
                "description": tool["description"],
                "inputSchema": tool["inputSchema"],
            });
            characters += shown.to_string().chars().count();
        }
        assert!(characters / 4 < 5_000, "{} tokens", characters / 4);
    }

    #[test]
    fn what_makes_changes_or_deletes_tools_is_kept_from_remote_callers() {
        let edits: Vec<_> = TABLE.iter().filter(|tool| tool.definition.edits).collect();
        for tool in &edits {
            assert!(tool.definition.effect.finishes(), "{}", tool.definition.name);
        }
        for tool in &*TABLE {
            let name = tool.definition.name.trim_start_matches(PREFIX);
            let verbs =
                ["create_server", "create_tool", "import_", "update_", "delete_", "rollback_"];
            let expected =
                verbs.iter().any(|verb| name.starts_with(verb)) && !name.ends_with("_secret");
            assert_eq!(tool.definition.edits, expected, "{name}");
        }
    }

    #[test]
    fn annotations_tell_readers_from_writers() {
        for tool in tools() {
            let (name, annotations) = (tool["name"].as_str().unwrap(), &tool["annotations"]);
            let reads = ["mcpbox_list_", "mcpbox_get_", "mcpbox_validate_"]
                .iter()
                .any(|prefix| name.starts_with(prefix));
            assert_eq!(annotations["readOnlyHint"], reads, "{name}");
            if name.contains("delete") {
                assert_eq!(annotations["destructiveHint"], true, "{name}");
            }
        }
    }
}
