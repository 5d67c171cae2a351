//! What a source offers: its tools, listed anew or as they were listed last.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use store::Json;
use store::external_sources::ExternalSource;
use uuid::Uuid;

use super::connections::{connect, wants_login};
use super::shown::{value_without_credentials, without_credentials};
use super::told::page;
use super::{definition, drift, find, place, registration, suspicion};
use crate::identity::Who;
use crate::{App, Error, Result, clock};

/// How long a source may take to list its tools.
const LIST: Duration = Duration::from_secs(30);

/// What a source offers.
#[derive(Debug, Clone)]
pub struct Discovered {
    /// The source.
    pub source: ExternalSource,
    /// Its tools, in its order.
    pub tools: Vec<Found>,
    /// Those that cannot be taken over at all, and why.
    pub left_out: Vec<(String, String)>,
}

/// A tool that a source offers.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its name there.
    pub name: String,
    /// As it came, as far as it would be imported.
    pub definition: Value,
    /// What a reviewer should look at.
    pub remarks: Vec<String>,
    /// Why it cannot be imported.
    pub fault: Option<String>,
    /// The tool here that was imported as this one.
    pub imported_as: Option<Uuid>,
    /// Why clients do not get that one, where the source has changed it.
    pub quarantine: Option<String>,
}

impl Found {
    /// What it does, in its source's words.
    pub fn description(&self) -> &str {
        definition::description(&self.definition)
    }

    /// The schema of its arguments.
    pub fn input_schema(&self) -> Value {
        self.definition.get("inputSchema").cloned().unwrap_or_else(|| json!({"type": "object"}))
    }
}

/// Asks a source for its tools. What was imported and is another one by now does not answer any more
/// until a person has looked.
///
/// # Errors
/// [`Error::Conflict`] for a source that nobody allowed or that is switched off, [`Error::Upstream`] with what is
/// wrong with the source.
pub async fn discover(app: &App, who: &Who, id: Uuid) -> Result<Discovered> {
    if let Who::Caller(caller) = who
        && !caller.scopes.author
    {
        return Err(Error::Denied("this token has no `author` scope".to_owned()));
    }
    refresh(app, id).await
}

/// As [`discover`], for the program itself.
pub(super) async fn refresh(app: &App, id: Uuid) -> Result<Discovered> {
    let source = find(app.store(), id).await?;
    let connection = connect(app, &source).await?;
    connection.check(&source)?;
    let listed = connection.source.list_tools(LIST).await;
    let now = find(app.store(), id).await?;
    if (&now.url, &now.command) != (&source.url, &source.command) {
        return Err(Error::Conflict(format!(
            "source `{}` was moved while it was asked: ask it again",
            source.name
        )));
    }
    connection.note(app, &listed).await;
    let listed = match listed {
        Ok(listed) => listed,
        Err(error) => {
            let text = without_credentials(app, id, error.to_string());
            let mut text = place::without_keys(source.url.as_deref().unwrap_or_default(), &text);
            let page = page(app, id);
            if wants_login(&error) && !text.contains(&page) {
                text = format!("{text}; a person has to see to its credentials {page}");
            }
            let failure = Some((text.as_str(), clock::now()));
            store::external_sources::set_failure(app.store(), id, failure).await?;
            return Err(Error::Upstream { name: source.name, reason: text });
        }
    };
    store::external_sources::set_failure(app.store(), id, None).await?;
    let (tools, tasks): (Vec<_>, Vec<_>) =
        listed.tools.iter().partition(|tool| !definition::wants_tasks(tool));
    let pinned = tools.into_iter().map(definition::pinned);
    let tools: Vec<Value> = pinned.map(|tool| value_without_credentials(app, id, tool)).collect();
    let words = |text: String| without_credentials(app, id, text);
    let left_out = listed.left_out.into_iter();
    let mut left_out: Vec<_> = left_out.map(|left| (words(left.name), words(left.why))).collect();
    left_out.extend(tasks.into_iter().map(|tool| {
        let name = tool.get("name").and_then(Value::as_str).unwrap_or_default();
        let why = "it can only be called as a task, which mcpbox does not do";
        (words(name.to_owned()), why.to_owned())
    }));
    let count = i32::try_from(tools.len()).unwrap_or(i32::MAX);
    let kept = json!({ "tools": tools, "left_out": left_out });
    let now = clock::now();
    store::external_sources::set_discovered(app.store(), id, (Json(kept), count), now).await?;
    drift::check(app, &source, &tools).await?;
    if source.imports_all {
        registration::import_all(app, &source).await;
    }
    discovered(app, id).await
}

/// What a source offered when it was asked last.
///
/// # Errors
/// [`Error::Conflict`] for one that never was.
pub async fn discovered(app: &App, id: Uuid) -> Result<Discovered> {
    let source = find(app.store(), id).await?;
    let Some(Json(kept)) = source.discovered.clone() else {
        return Err(Error::Conflict(format!(
            "source `{}` was never asked for its tools: do that first (mcpbox_discover_external_tools)",
            source.name
        )));
    };
    let listed = |name: &str| kept.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let imported = imported(app, &source).await?;
    let tools = listed("tools").into_iter().map(|tool| {
        let name = tool.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        Found {
            remarks: suspicion::remarks(&tool),
            fault: definition::fault(&tool),
            imported_as: imported.get(&name).map(|(id, _)| *id),
            quarantine: imported.get(&name).and_then(|(_, quarantine)| quarantine.clone()),
            name,
            definition: tool,
        }
    });
    let text = |value: &Value, index: usize| {
        value.get(index).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let tools = tools.collect();
    let left_out = listed("left_out").iter().map(|pair| (text(pair, 0), text(pair, 1))).collect();
    Ok(Discovered { source, tools, left_out })
}

/// The tools of the source's server that were imported from it, by their names there, with why clients do not get them.
async fn imported(
    app: &App,
    source: &ExternalSource,
) -> Result<HashMap<String, (Uuid, Option<String>)>> {
    let rows = store::tools::imported(app.store(), source.server_id).await?;
    let own = rows.into_iter().filter_map(|(tool, newest)| {
        let imported = newest.imported.filter(|imported| imported.source_id == source.id)?;
        Some((imported.name().to_owned(), (tool.id, tool.quarantine)))
    });
    Ok(own.collect())
}
