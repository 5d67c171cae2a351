//! `tools/list`: the live tools, then the management tools, in pages; and what to say of a name that is not among them.

use app::App;
use app::capabilities::{self, Capabilities};
use app::identity::{Caller, Scopes};
use app::tools::{self, LiveTool};
use rmcp::ErrorData;
use rmcp::model::{CacheScope, ListToolsResult, Tool, ToolAnnotations};
use serde_json::Value;
use uuid::Uuid;

use crate::{cursor, management};

/// How many tools are on a page.
const PAGE: usize = 100;

/// The name of this list in cursors.
const LIST: &str = "tools/list";

/// The page of the list that `cursor` leads to, or the first.
///
/// # Errors
/// `-32602` for a cursor that no page ended with, `-32603` when the database fails.
pub(crate) async fn page(
    app: &App,
    scopes: Scopes,
    cursor: Option<&str>,
) -> Result<ListToolsResult, ErrorData> {
    let live = if scopes.call { callable(app).await? } else { Vec::new() };
    let management = if scopes.author { management::tools() } else { Vec::new() };
    let names: Vec<&str> = live.iter().map(|(name, _)| name.as_str()).collect();
    let managing: Vec<&str> = management.iter().map(|tool| &*tool.name).collect();
    let Some((begin, next_cursor)) = cut(&names, &managing, cursor) else {
        let text = "unknown cursor; list again without a cursor";
        return Err(ErrorData::invalid_params(text, None));
    };
    let ids: Vec<Uuid> = live.iter().skip(begin).take(PAGE).map(|(_, id)| *id).collect();
    let room = PAGE - ids.len();
    let mut tools = read(app, &ids).await?;
    tools.extend(management.into_iter().skip(begin.saturating_sub(live.len())).take(room));
    let mut result = ListToolsResult::with_all_items(tools)
        // A client that does not listen for changes learns of them by listing again.
        .with_ttl_ms(0)
        .with_cache_scope(CacheScope::Private);
    result.next_cursor = next_cursor;
    Ok(result)
}

/// Where the page after `cursor` begins, and the cursor of the next one if there is one.
fn cut(
    live: &[&str],
    management: &[&str],
    cursor: Option<&str>,
) -> Option<(usize, Option<String>)> {
    let begin = match cursor {
        None => 0,
        Some(cursor) => after(&cursor::decode(LIST, cursor)?, live, management)?,
    };
    let last = live.iter().chain(management).skip(begin).take(PAGE).last();
    let more = begin + PAGE < live.len() + management.len();
    let next = last.filter(|_| more).map(|last| cursor::encode(LIST, last));
    Some((begin, next))
}

/// Where the list goes on behind the tool of that name. A live tool that ended a page may be gone by
/// now; its place in the order is not.
fn after(last: &str, live: &[&str], management: &[&str]) -> Option<usize> {
    if last.starts_with(management::PREFIX) {
        let place = management.iter().position(|name| *name == last)?;
        return Some(live.len() + place + 1);
    }
    Some(live.partition_point(|name| *name <= last))
}

/// The tools of one page, in order.
async fn read(app: &App, ids: &[Uuid]) -> Result<Vec<Tool>, ErrorData> {
    let live = tools::live_of(app, ids).await.map_err(|error| failed(&error))?;
    let mut listed: Vec<Tool> = live.iter().filter_map(project).collect();
    listed.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(listed)
}

async fn callable(app: &App) -> Result<Vec<(String, Uuid)>, ErrorData> {
    tools::callable(app).await.map_err(|error| failed(&error))
}

fn failed(error: &app::Error) -> ErrorData {
    tracing::error!(error = error as &dyn std::error::Error, "listing tools failed");
    ErrorData::internal_error(error.to_string(), None)
}

/// A live tool as clients see it. One definition of a wrong shape makes clients refuse the whole
/// list, so such a tool is left out.
fn project(live: &LiveTool) -> Option<Tool> {
    let name = live.public_name();
    let Some(input) = object_schema(&live.revision.input_schema) else {
        tracing::error!(tool = %name, "not listed: its input schema does not describe an object");
        return None;
    };
    let description = live.revision.description.trim();
    let description = (!description.is_empty()).then(|| description.to_owned().into());
    let hints = capabilities::hints(&Capabilities::of(&live.revision));
    let annotations = ToolAnnotations::new()
        .read_only(hints.read_only)
        .destructive(hints.destructive)
        .open_world(hints.open_world);
    let tool = Tool::new_with_raw(name, description, input).with_annotations(annotations);
    let output = live.revision.output_schema.as_ref().and_then(object_schema);
    Some(match output {
        Some(output) => tool.with_raw_output_schema(output.into()),
        None => tool,
    })
}

/// A schema whose root is an object and whose properties are, which is all that clients of every
/// revision take.
fn object_schema(schema: &Value) -> Option<serde_json::Map<String, Value>> {
    let schema = schema.as_object()?;
    let fits = match schema.get("properties") {
        Some(Value::Object(properties)) => properties.values().all(Value::is_object),
        Some(_) => false,
        None => true,
    };
    (fits && schema.get("type")? == "object").then(|| schema.clone())
}

/// The error for a name that cannot be called, with the name that was probably meant.
pub(crate) async fn unknown(app: &App, caller: &Caller, name: &str) -> ErrorData {
    let mut names = Vec::new();
    if caller.scopes.call {
        names.extend(callable(app).await.into_iter().flatten().map(|(name, _)| name));
    }
    if caller.scopes.author {
        names.extend(management::tools().into_iter().map(|tool| tool.name.to_string()));
    }
    let advice = match nearest(name, &names) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None if name.starts_with(management::PREFIX) && !caller.scopes.author => {
            "this token has no `author` scope, so it has no management tools".to_owned()
        }
        None if !caller.scopes.call => {
            "this token has no `call` scope, so it can call no published tool".to_owned()
        }
        None => "tools/list names those that can be called; a tool is among them once a person has approved it and while its server runs".to_owned(),
    };
    ErrorData::invalid_params(format!("Unknown tool: {name}; {advice}"), None)
}

/// The name that differs least, if it differs little.
fn nearest<'a>(asked: &str, names: &'a [String]) -> Option<&'a str> {
    let asked: Vec<char> = asked.chars().take(128).collect();
    let near = names.iter().map(|name| (distance(&asked, name), name));
    let (distance, name) = near.min_by_key(|(distance, _)| *distance)?;
    (distance * 3 <= asked.len()).then_some(name)
}

/// How many letters have to be put in, taken out or replaced to make the one from the other.
fn distance(from: &[char], to: &str) -> usize {
    let mut row: Vec<usize> = (0..=from.len()).collect();
    for (line, letter) in to.chars().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        let mut next = vec![left];
        for (above, old) in row.iter().skip(1).zip(from) {
            let replaced = diagonal + usize::from(*old != letter);
            left = replaced.min(left + 1).min(*above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cursor_goes_on_where_it_stopped_even_if_that_tool_is_gone() {
        let live = ["a__a", "a__c", "lone"];
        let management = ["mcpbox_x", "mcpbox_a"];
        assert_eq!(after("a__a", &live, &management), Some(1));
        assert_eq!(after("a__b", &live, &management), Some(1));
        assert_eq!(after("lone", &live, &management), Some(3));
        assert_eq!(after("mcpbox_x", &live, &management), Some(4));
        assert_eq!(after("mcpbox_gone", &live, &management), None);
        for cursor in ["nonsense", "a__a", "", &cursor::encode("versions", "a__a")] {
            assert_eq!(cut(&live, &management, Some(cursor)), None, "{cursor}");
        }
    }

    #[test]
    fn following_the_cursor_reaches_every_tool_once() {
        let names: Vec<String> = (0..250).map(|number| format!("a__{number:03}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let management = ["mcpbox_b", "mcpbox_a"];
        let all: Vec<&str> = names.iter().copied().chain(management).collect();
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let page = cut(&names, &management, cursor.as_deref());
            let (begin, next) = page.expect("a known cursor");
            seen.extend(all.iter().copied().skip(begin).take(PAGE));
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
        assert_eq!(cut(&["a__b"], &[], None), Some((0, None)));
    }

    #[test]
    fn only_schemas_with_an_object_at_the_root_are_published() {
        assert!(object_schema(&json!({"type": "object"})).is_some());
        let properties = |properties| json!({"type": "object", "properties": properties});
        assert!(object_schema(&properties(json!({"a": {"type": "string"}, "b": {}}))).is_some());
        for schema in [
            json!({"type": "array"}),
            json!({}),
            json!(true),
            json!({"anyOf": []}),
            json!({"type": ["object", "null"]}),
            properties(json!([])),
            properties(json!({"a": true})),
        ] {
            assert!(object_schema(&schema).is_none(), "{schema}");
        }
    }

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let names = ["weather__forecast".to_owned(), "mcpbox_list_tools".to_owned()];
        assert_eq!(nearest("weather__forcast", &names), Some("weather__forecast"));
        assert_eq!(nearest("weather_forecast", &names), Some("weather__forecast"));
        assert_eq!(nearest("mcpbox_list_tool", &names), Some("mcpbox_list_tools"));
        assert_eq!(nearest("calculator", &names), None);
        assert_eq!(nearest("", &names), None);
    }

    #[test]
    fn distances_are_counted_in_letters() {
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        for (from, to, expected) in [("", "", 0), ("abc", "abc", 0), ("abc", "", 3), ("", "ab", 2)]
        {
            assert_eq!(distance(&letters(from), to), expected, "{from} {to}");
        }
        assert_eq!(distance(&letters("kitten"), "sitting"), 3);
    }
}
