//! The calls that a scenario is to see, and their arguments.

use app::tools::Revision;
use serde_json::{Map, Value, json};

use crate::Scenario;

/// The tool to which a scenario wants the schema of another sent back.
const ECHO: &str = "json_schema_echo";

/// Each call, with the name that clients use.
pub(crate) fn calls(
    scenario: &Scenario,
    tools: &[(String, Revision)],
) -> Vec<(String, Map<String, Value>)> {
    let wanted = scenario.context.get("toolCalls").and_then(Value::as_array);
    if let Some(wanted) = wanted {
        return wanted.iter().filter_map(|call| named(call, tools)).collect();
    }
    let echoed = tools.iter().find(|(_, revision)| takes_schema(revision));
    if scenario.name == "json-schema-2020-12-preservation"
        && let Some((echo, _)) = echoed
    {
        let focal = tools.iter().find(|(name, _)| name != echo);
        let schema = focal.map(|(_, revision)| revision.input_schema.clone());
        let arguments = Map::from_iter([("schema".to_owned(), schema.unwrap_or_default())]);
        return vec![(echo.clone(), arguments)];
    }
    tools.iter().map(|(name, revision)| (name.clone(), made(&revision.input_schema))).collect()
}

fn takes_schema(revision: &Revision) -> bool {
    source_name(revision) == ECHO || revision.input_schema.pointer("/properties/schema").is_some()
}

fn source_name(revision: &Revision) -> &str {
    revision.imported.as_ref().map_or("", |imported| imported.name())
}

fn named(call: &Value, tools: &[(String, Revision)]) -> Option<(String, Map<String, Value>)> {
    let name = call.get("name").and_then(Value::as_str)?;
    let (public, _) = tools.iter().find(|(_, revision)| source_name(revision) == name)?;
    let arguments = call.get("arguments").and_then(Value::as_object).cloned();
    Some((public.clone(), arguments.unwrap_or_default()))
}

/// Something for each parameter that a tool wants.
fn made(schema: &Value) -> Map<String, Value> {
    let required = schema.get("required").and_then(Value::as_array);
    let names = required.into_iter().flatten().filter_map(Value::as_str);
    let value = |name: &str| {
        let field = schema.get("properties").and_then(|fields| fields.get(name));
        match field.and_then(|field| field.get("type")).and_then(Value::as_str) {
            Some("boolean") => json!(true),
            Some("integer" | "number") => json!(1),
            Some("array") => json!([]),
            Some("object") => json!({}),
            _ => json!("text"),
        }
    };
    names.map(|name| (name.to_owned(), value(name))).collect()
}
