//! What is live in the form in which clients see it in a list.

use std::sync::Arc;

use app::capabilities::{self, Capabilities};
use app::prompts;
use app::tools::{Kind, LiveTool, Revision};
use serde_json::{Map, Value, json};

use super::{Entry, List, Mirrored};

/// Something live as clients see it.
pub(super) fn entry(live: &LiveTool) -> Option<Arc<Entry>> {
    let entry = match (live.revision.kind, live.revision.uri.as_deref()) {
        (Kind::Tool, _) => tool(live)?,
        (Kind::Prompt, _) => prompt(live),
        (Kind::Resource, Some(uri)) => resource(live, uri),
        (Kind::Resource, None) => {
            tracing::error!(resource = %live.public_name(), "not listed: it has no URI");
            return None;
        }
    };
    Some(Arc::new(entry))
}

/// A live tool as clients see it. One definition of a wrong shape makes clients refuse the whole
/// list, so such a tool is left out.
fn tool(live: &LiveTool) -> Option<Entry> {
    let name = live.public_name();
    let revision = &live.revision;
    if !is_object_schema(&revision.input_schema) {
        tracing::error!(tool = %name, "not listed: its input schema does not describe an object");
        return None;
    }
    let mut listed = described("name", &name, live);
    if let Some(imported) = &revision.imported {
        // What its source says of it, which a person has read.
        for field in ["title", "icons"] {
            if let Some(value) = imported.definition.get(field) {
                listed.insert(field.to_owned(), value.clone());
            }
        }
    } else {
        listed.insert("title".to_owned(), Value::from(in_words(&revision.name)));
    }
    listed.insert("inputSchema".to_owned(), revision.input_schema.clone());
    if let Some(output) = revision.output_schema.as_ref().filter(|schema| is_object_schema(schema))
    {
        listed.insert("outputSchema".to_owned(), output.clone());
    }
    if let Some(annotations) = annotations(revision) {
        listed.insert("annotations".to_owned(), annotations);
    }
    let mirrored = mirrored(&revision.input_schema);
    Some(Entry { mirrored, ..Entry::new(List::Tools, name, &Value::Object(listed)) })
}

/// What a tool does to the world: of an imported one as its source says, else as it declares.
fn annotations(revision: &Revision) -> Option<Value> {
    if let Some(imported) = &revision.imported {
        return imported.definition.get("annotations").filter(|said| said.is_object()).cloned();
    }
    let hints = capabilities::hints(&Capabilities::of(revision));
    Some(json!({
        "readOnlyHint": hints.read_only,
        "destructiveHint": hints.destructive,
        "openWorldHint": hints.open_world,
    }))
}

/// A live prompt as clients see it.
fn prompt(live: &LiveTool) -> Entry {
    let name = live.public_name();
    let arguments = prompts::arguments(&live.revision).into_iter().map(|argument| {
        let mut told = Map::new();
        told.insert("name".to_owned(), Value::from(argument.name));
        if let Some(description) = argument.description {
            told.insert("description".to_owned(), Value::from(description));
        }
        told.insert("required".to_owned(), Value::Bool(argument.required));
        Value::Object(told)
    });
    let arguments: Vec<Value> = arguments.collect();
    let mut listed = described("name", &name, live);
    listed.insert("arguments".to_owned(), Value::Array(arguments));
    Entry::new(List::Prompts, name, &Value::Object(listed))
}

/// A live resource as clients see it: one of its own, or a template for many.
fn resource(live: &LiveTool, uri: &str) -> Entry {
    let (list, key) =
        if uri.contains('{') { (List::Templates, "uriTemplate") } else { (List::Resources, "uri") };
    let mut listed = described(key, uri, live);
    listed.insert("name".to_owned(), Value::from(live.public_name()));
    Entry::new(list, uri.to_owned(), &Value::Object(listed))
}

fn described(key: &str, name: &str, live: &LiveTool) -> Map<String, Value> {
    let mut listed = Map::new();
    listed.insert(key.to_owned(), Value::from(name));
    let description = match live.revision.description.trim() {
        "" => in_words(&live.revision.name),
        written => written.to_owned(),
    };
    listed.insert("description".to_owned(), Value::from(description));
    listed
}

/// A name as a sentence: the title of a tool, which authors write none for; and the description of what nobody
/// described, as some clients refuse a list in which one lacks, and models choose by it.
fn in_words(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.trim().chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => name.to_owned(),
    }
}

/// Whether the root is an object and the properties are, which is all that clients of every revision
/// take.
fn is_object_schema(schema: &Value) -> bool {
    let fits = match schema.get("properties") {
        Some(Value::Object(properties)) => properties.values().all(Value::is_object),
        Some(_) => false,
        None => true,
    };
    fits && schema.get("type").is_some_and(|kind| kind == "object")
}

/// The arguments that a schema wants repeated in headers.
fn mirrored(schema: &Value) -> Vec<Mirrored> {
    let mut found = Vec::new();
    let mut open: Vec<(Vec<String>, &Value)> = vec![(Vec::new(), schema)];
    while let Some((path, schema)) = open.pop() {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            let path: Vec<String> = path.iter().chain([name]).cloned().collect();
            if let Some(header) = property.get("x-mcp-header").and_then(Value::as_str) {
                found.push(Mirrored { path: path.clone(), header: header.to_owned() });
            }
            open.push((path, property));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::samples;
    use crate::version::Version;

    #[test]
    fn only_schemas_with_an_object_at_the_root_are_published() {
        assert!(is_object_schema(&json!({"type": "object"})));
        let properties = |properties| json!({"type": "object", "properties": properties});
        assert!(is_object_schema(&properties(json!({"a": {"type": "string"}, "b": {}}))));
        for schema in [
            json!({"type": "array"}),
            json!({}),
            json!(true),
            json!({"anyOf": []}),
            json!({"type": ["object", "null"]}),
            properties(json!([])),
            properties(json!({"a": true})),
        ] {
            assert!(!is_object_schema(&schema), "{schema}");
        }
    }

    fn listed(revision: Revision, version: Version) -> Value {
        let live = LiveTool {
            server_id: Uuid::nil(),
            server_name: "weather".to_owned(),
            prefix: "weather".to_owned(),
            tool_id: revision.tool_id,
            default_timeout_ms: 30_000,
            revision,
        };
        serde_json::from_str(entry(&live).unwrap().shown(version)).unwrap()
    }

    #[test]
    fn what_nobody_described_is_described_by_its_name() {
        let described = |kind: Kind, name: &str, description: &str| {
            let mut revision = samples::live().newest;
            (revision.kind, revision.name) = (kind, name.to_owned());
            revision.uri = (kind == Kind::Resource).then(|| "a://b".to_owned());
            revision.description = description.to_owned();
            listed(revision, Version::July2026)["description"].clone()
        };
        for kind in [Kind::Tool, Kind::Prompt, Kind::Resource] {
            assert_eq!(described(kind, "rain_of_day", " \n"), "Rain of day");
            assert_eq!(described(kind, "rain_of_day", "Millimetres. "), "Millimetres.");
        }
        assert_eq!(described(Kind::Tool, "_", ""), "_");
    }

    #[test]
    fn a_tool_has_its_name_in_words_as_a_title_where_each_revision_looks_for_it() {
        let mut revision = samples::live().newest;
        revision.name = "rain_of_day".to_owned();
        let tool = listed(revision.clone(), Version::July2026);
        assert_eq!(tool["title"], "Rain of day", "{tool}");
        assert!(tool["annotations"]["readOnlyHint"].is_boolean(), "{tool}");
        let old = listed(revision.clone(), Version::March2025);
        assert_eq!(old["annotations"]["title"], "Rain of day", "{old}");
        assert_eq!(old["title"], Value::Null, "{old}");

        let mut from_a_source = |definition: Value| {
            let imported = json!({"source_id": Uuid::nil(), "definition": definition});
            revision.imported = Some(serde_json::from_value(imported).unwrap());
            listed(revision.clone(), Version::July2026)["title"].clone()
        };
        assert_eq!(from_a_source(json!({"name": "a", "title": "Its own"})), "Its own");
        assert_eq!(from_a_source(json!({"name": "a"})), Value::Null);
    }

    #[test]
    fn arguments_for_headers_are_found_at_any_depth() {
        let schema = json!({"type": "object", "properties": {
            "plain": {"type": "string"},
            "region": {"type": "string", "x-mcp-header": "Region"},
            "deep": {"type": "object", "properties": {"id": {"type": "integer", "x-mcp-header": "Id"}}},
        }});
        let mut found = mirrored(&schema);
        found.sort_by(|a, b| a.header.cmp(&b.header));
        let ids: Vec<_> = found.iter().map(|found| found.path.join(".")).collect();
        assert_eq!(ids, ["deep.id", "region"]);
        let arguments = json!({"deep": {"id": 7}});
        let arguments = arguments.as_object().unwrap();
        assert_eq!(found.first().and_then(|id| id.value_in(arguments)), Some(&json!(7)));
        assert_eq!(found.last().and_then(|region| region.value_in(arguments)), None);
    }
}
