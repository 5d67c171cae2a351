//! The reference of the management tools in `docs`, made from what clients are told.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::with;

/// Set to renew the file instead of comparing it: `cargo xtask reference` does.
const RENEW: &str = "MCPBOX_RENEW_REFERENCE";

#[tokio::test]
async fn the_reference_says_what_clients_are_told() {
    let door = with::open().await;
    let mut tools = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let params = if cursor.is_null() { json!({}) } else { json!({ "cursor": cursor }) };
        let answer = door.ask("tools/list", params).await;
        tools.extend(answer["result"]["tools"].as_array().expect("a list").clone());
        cursor = answer["result"]["nextCursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    tools.retain(|tool| name(tool).starts_with("mcpbox_"));
    let made = reference(&tools);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/management-tools.md");
    if std::env::var_os(RENEW).is_some() {
        std::fs::write(&file, &made).expect("the reference is written");
    }
    let kept = std::fs::read_to_string(&file).expect("docs/management-tools.md");
    assert!(kept == made, "docs/management-tools.md is not up to date: cargo xtask reference");
}

fn name(tool: &Value) -> &str {
    tool["name"].as_str().expect("a name")
}

fn reference(tools: &[Value]) -> String {
    let mut text = String::from(
        "# Management tools\n\nWhat a model connected to mcpbox is offered beside the tools that were approved. Made from the\n\
         definitions by `cargo xtask reference`; do not edit.\n",
    );
    for tool in tools {
        let title = tool["title"].as_str().expect("a title");
        write!(
            text,
            "\n## {}\n\n**{title}.** {}\n",
            name(tool),
            tool["description"].as_str().unwrap_or_default()
        )
        .expect("a text");
        let hints = &tool["annotations"];
        let told: Vec<&str> = [
            ("readOnlyHint", "reads only"),
            ("destructiveHint", "changes or deletes"),
            ("idempotentHint", "may be repeated"),
            ("openWorldHint", "reaches other machines"),
        ]
        .into_iter()
        .filter(|(key, _)| hints[*key] == true)
        .map(|(_, words)| words)
        .collect();
        if !told.is_empty() {
            writeln!(text, "\nHints: {}.", told.join(", ")).expect("a text");
        }
        let input = &tool["inputSchema"];
        let required: Vec<&str> =
            input["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if let Some(parameters) = input["properties"].as_object().filter(|all| !all.is_empty()) {
            text.push_str("\n| parameter | type | |\n|---|---|---|\n");
            for (key, property) in parameters {
                let star = if required.contains(&key.as_str()) { "\\*" } else { "" };
                let described = property["description"].as_str().unwrap_or_default();
                let described = described.replace('|', "\\|");
                writeln!(text, "| `{key}`{star} | {} | {described} |", kind(property))
                    .expect("a text");
            }
        }
        if let Some(fields) = tool["outputSchema"]["properties"].as_object() {
            let fields: Vec<String> = fields.iter().map(field).collect();
            writeln!(text, "\nResult: {}.", fields.join(", ")).expect("a text");
        }
    }
    text
}

/// A field of a result; of a list or an object with the fields inside.
fn field((key, schema): (&String, &Value)) -> String {
    let inside = |schema: &Value| {
        let names = schema["properties"].as_object()?.keys().map(|name| format!("`{name}`"));
        Some(names.collect::<Vec<_>>().join(", "))
    };
    match (inside(&schema["items"]), inside(schema)) {
        (Some(names), _) => format!("`{key}` (list of {names})"),
        (None, Some(names)) => format!("`{key}` ({names})"),
        (None, None) => format!("`{key}`"),
    }
}

fn kind(property: &Value) -> String {
    let mut text = match &property["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => {
            kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ")
        }
        _ => "any".to_owned(),
    };
    if let Some(values) = property["enum"].as_array() {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        text = values.join(" or ");
    }
    if property["format"] == "uuid" {
        "UUID".clone_into(&mut text);
    }
    let bound = |key: &str| property.get(key).map(ToString::to_string);
    match (bound("minimum"), bound("maximum")) {
        (Some(least), Some(most)) => {
            write!(text, ", {least} to {most}").expect("a text");
        }
        (Some(least), None) => write!(text, ", from {least}").expect("a text"),
        _ => {}
    }
    if let Some(default) = property.get("default") {
        write!(text, ", default {default}").expect("a text");
    }
    text
}
