//! Tools and their revisions: writing, changing, listing.

mod changed;
mod live;

use std::collections::HashMap;

use serde_json::Value;
use store::Transaction;
pub use store::tools::{ImportedFrom, LiveName, LiveTool, Newest, Tool};
use uuid::Uuid;

pub use self::live::{altered, callable, live_names, live_of};
use crate::audit::{self, Event};
use crate::capabilities::Capabilities;
pub use crate::digest::of as digest_of;
use crate::identity::{Actor, Who};
use crate::revisions::{Content, Origin};
pub use crate::revisions::{Imported, Kind, Revision, State, TIMEOUT_MS, differing};
use crate::servers::{self, Server};
use crate::{App, Error, Listed, Page, Result, approvals, clock, names, revisions};

/// What a new tool is made of.
#[derive(Debug, Clone, Default)]
pub struct New {
    /// The server it belongs to.
    pub server_id: Uuid,
    /// Its name, unique in the server.
    pub name: String,
    /// What it does; the docstring's summary when empty.
    pub description: String,
    /// What clients get of it; it never changes.
    pub kind: Kind,
    /// Where clients read a resource, or the template of where; nothing else has one.
    pub uri: Option<String>,
    /// The source text with `async def main(...)`.
    pub python_code: String,
    /// The wall-clock limit in milliseconds; the server's when absent.
    pub timeout_ms: Option<i32>,
    /// The JSON Schema of its arguments; that of the signature of `main` when absent.
    pub input_schema: Option<Value>,
}

/// What is to change of a tool; absent fields stay.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Another name.
    pub name: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// Another URI of a resource.
    pub uri: Option<String>,
    /// Another JSON Schema of the arguments; `null` makes it of the signature of `main` again.
    pub input_schema: Option<Value>,
    /// Other source text.
    pub python_code: Option<String>,
    /// Another wall-clock limit in milliseconds.
    pub timeout_ms: Option<i32>,
    /// Whether clients may call it; takes effect at once and needs no approval.
    pub enabled: Option<bool>,
    /// The digest of the newest revision as the author saw it; another one is not changed.
    pub seen: Option<String>,
}

/// A tool with what belongs to it.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The tool.
    pub tool: Tool,
    /// Its server.
    pub server: Server,
    /// The newest revision, which carries the approval state.
    pub newest: Revision,
    /// The approved revision that clients call, if there is one.
    pub live: Option<Revision>,
}

/// The tools of one server.
#[derive(Debug)]
pub struct ListedTools {
    /// The server.
    pub server: Server,
    /// Each tool with its newest revision.
    pub tools: Listed<(Tool, Newest)>,
}

/// What an update did.
#[derive(Debug, Clone)]
pub struct Updated {
    /// The tool as it is now.
    pub tool: Tool,
    /// Its newest revision.
    pub revision: Revision,
    /// Whether that revision is a new draft.
    pub new_revision: bool,
}

/// The tools of a server, oldest first.
pub async fn list(app: &App, server_id: Uuid, page: Page) -> Result<ListedTools> {
    let server = servers::find(app, server_id).await?;
    let tools = store::tools::list(app.store(), server_id, page).await?;
    Ok(ListedTools { server, tools })
}

/// All tools of a server, oldest first, without their code.
pub async fn all_of(app: &App, server_id: Uuid) -> Result<Vec<(Tool, Newest)>> {
    const ROWS: usize = 500;
    let mut all = Vec::new();
    for number in 1.. {
        let page = Page { number, size: ROWS as u64 };
        let items = store::tools::list(app.store(), server_id, page).await?.items;
        let is_last = items.len() < ROWS;
        all.extend(items);
        if is_last {
            break;
        }
    }
    Ok(all)
}

/// One tool with its server, its newest and its live revision.
pub async fn get(app: &App, id: Uuid) -> Result<Detail> {
    let tool = find(app, id).await?;
    let server = servers::find(app, tool.server_id).await?;
    let newest = newest(app, id).await?;
    let live = match tool.live_revision {
        Some(live) if live == newest.id => Some(newest.clone()),
        Some(live) => store::revisions::find(app.store(), live).await?,
        None => None,
    };
    Ok(Detail { tool, server, newest, live })
}

/// All revisions of a tool, newest first.
pub async fn versions(app: &App, tool_id: Uuid, page: Page) -> Result<Listed<Revision>> {
    find(app, tool_id).await?;
    Ok(store::revisions::list(app.store(), tool_id, page).await?)
}

/// The revision of a tool that has that number.
pub async fn version(app: &App, tool_id: Uuid, number: i32) -> Result<Revision> {
    let found = store::revisions::find_numbered(app.store(), tool_id, number).await?;
    found.ok_or_else(|| Error::not_found("Version", &number))
}

/// The tool of a public name, callable or not: by the name that its live revision was approved
/// under, one without a live revision by that of its newest.
pub async fn named(app: &App, public: &str) -> Result<Option<Detail>> {
    match store::tools::find_named(app.store(), public).await? {
        Some(id) => get(app, id).await.map(Some),
        None => Ok(None),
    }
}

/// The name under which clients see a tool of a server with this prefix.
pub fn public_name(prefix: &str, tool: &str) -> String {
    names::public(prefix, tool)
}

/// Writes a new tool; its first revision is a draft.
///
/// # Errors
/// [`Error::Invalid`] or [`Error::Source`] for what cannot become a tool, [`Error::Conflict`] for a name that is taken.
pub async fn create(app: &App, who: &Who, new: New) -> Result<(Tool, Revision)> {
    let server = servers::find(app, new.server_id).await?;
    let mut content = Content {
        name: new.name,
        description: new.description,
        kind: new.kind,
        uri: new.uri,
        imported: None,
        python_code: String::new(),
        timeout_ms: new.timeout_ms.unwrap_or(server.default_timeout_ms),
        timeout_inherited: new.timeout_ms.is_none(),
        capabilities: Capabilities::default(),
        schema_given: new.input_schema.is_some(),
        input_schema: new.input_schema,
        output_schema: None,
        remarks: Vec::new(),
    };
    content.check(&server)?;
    let doc = content.read(app, server.id, with_line_feeds(new.python_code)).await?;
    content.description = changed::described(content.description, doc.as_deref());
    let origin = Origin::edit(who, "Initial version".to_owned());
    let transaction = audit::begin(app).await?;
    let (tool, revision) = insert(&transaction, server.id, content, origin).await?;
    let event = Event::new("tool.created", &tool.name).id(tool.id).digest(&revision.digest);
    audit::record(&transaction, Actor::from(who), event.with("server", server.name.clone()))
        .await?;
    // Authors hear of its source.
    store::changes::publish(&transaction).await?;
    transaction.commit().await?;
    tracing::info!(tool = %tool.name, server = %server.name, by = %who, "tool created");
    Ok((tool, revision))
}

/// Writes a new tool with its first version.
pub(crate) async fn insert(
    transaction: &Transaction,
    server_id: Uuid,
    content: Content,
    origin: Origin,
) -> Result<(Tool, Revision)> {
    let now = clock::now();
    let tool = Tool {
        id: Uuid::now_v7(),
        server_id,
        name: content.name.clone(),
        description: content.description.clone(),
        enabled: true,
        live_revision: None,
        quarantine: None,
        created_at: now,
        updated_at: now,
    };
    let revision = content.into_revision(tool.id, 1, origin);
    store::tools::insert(transaction, &tool).await.map_err(|error| taken(error, &tool.name))?;
    store::revisions::insert(transaction, &revision).await?;
    Ok((tool, revision))
}

/// Changes a tool. Everything but `enabled` makes a new draft; the approved revision goes on
/// answering until that draft is approved itself.
///
/// # Errors
/// As [`create`]; [`Error::Invalid`] when nothing is to change, [`Error::Conflict`] when somebody
/// else changed the tool at the same time.
pub async fn update(app: &App, who: &Who, id: Uuid, mut changes: Changes) -> Result<Updated> {
    changes.python_code = changes.python_code.map(with_line_feeds);
    let Detail { mut tool, server, newest, .. } = get(app, id).await?;
    check_seen(&newest, changes.seen.as_deref())?;
    let mut changed = changed_fields(&tool, &newest, &changes)?;
    if changed.is_empty() {
        return Ok(Updated { tool, revision: newest, new_revision: false });
    }
    let needs_revision = changed.iter().any(|field| *field != "enabled");
    let enabled = changes.enabled.unwrap_or(tool.enabled);
    let content = changed::content(app, &server, &newest, changes).await?;
    if content.description != newest.description && !changed.contains(&"description") {
        changed.push("description");
    }
    let summary = format!("Updated {}", changed.join(", "));
    tool.name.clone_from(&content.name);
    tool.description.clone_from(&content.description);
    tool.enabled = enabled;
    tool.updated_at = clock::now();

    let transaction = audit::begin(app).await?;
    store::tools::update(&transaction, &tool).await.map_err(|error| taken(error, &tool.name))?;
    let revision = if needs_revision {
        let next = content.into_revision(id, newest.number + 1, Origin::edit(who, summary.clone()));
        if let Err(error) = revisions::append(&transaction, &newest, &next).await {
            drop(transaction);
            return Err(told_what_changed(app, &newest, error).await);
        }
        next
    } else {
        newest
    };
    let event = Event::new("tool.updated", &tool.name).id(id).digest(&revision.digest);
    audit::record(&transaction, Actor::from(who), event.with("change", summary)).await?;
    if needs_revision || tool.live_revision.is_some() {
        store::changes::publish(&transaction).await?;
    }
    transaction.commit().await?;
    tracing::info!(tool = %tool.name, server = %server.name, by = %who, "tool updated");
    Ok(Updated { tool, revision, new_revision: needs_revision })
}

/// Deletes a tool. Its revisions, the decisions about them and the execution log stay.
pub async fn delete(app: &App, who: &Who, id: Uuid) -> Result<Tool> {
    let tool = find(app, id).await?;
    let newest = newest(app, id).await?;
    let transaction = audit::begin(app).await?;
    if !store::tools::delete(&transaction, id).await? {
        return Err(Error::not_found("Tool", &id));
    }
    approvals::record(&transaction, &newest, "deleted", Actor::from(who), None).await?;
    store::changes::publish(&transaction).await?;
    transaction.commit().await?;
    tracing::info!(tool = %tool.name, by = %who, "tool deleted");
    Ok(tool)
}

pub(crate) async fn find(app: &App, id: Uuid) -> Result<Tool> {
    store::tools::find(app.store(), id).await?.ok_or_else(|| Error::not_found("Tool", &id))
}

pub(crate) async fn newest(app: &App, id: Uuid) -> Result<Revision> {
    revisions::newest(app.store(), id).await
}

/// Refuses to change, or to run, what somebody has not seen.
pub(crate) fn check_seen(newest: &Revision, seen: Option<&str>) -> Result<()> {
    match seen {
        Some(seen) if seen != newest.digest => Err(Error::Conflict(format!(
            "the tool was changed after you looked at it: version {} is by {} ({}) and has the digest {}, not {seen}; read it and repeat",
            newest.number, newest.created_by, newest.change_summary, newest.digest
        ))),
        _ => Ok(()),
    }
}

/// Says what somebody else changed meanwhile, where that was the trouble.
async fn told_what_changed(app: &App, seen: &Revision, error: Error) -> Error {
    let Error::Conflict(text) = error else { return error };
    match newest(app, seen.tool_id).await {
        Ok(now) if now.id != seen.id => Error::Conflict(format!(
            "{text}: version {} by {} changed {}",
            now.number,
            now.created_by,
            differing(seen, &now).join(", ")
        )),
        _ => Error::Conflict(text),
    }
}

/// Source as Python reads it: each kind of line end is a line feed (Python language reference, 2.1.2).
/// A lone carriage return, which ends a line for Python and for few others, could hide code from eyes.
fn with_line_feeds(source: String) -> String {
    if source.contains('\r') { source.replace("\r\n", "\n").replace('\r', "\n") } else { source }
}

/// The names of the fields that really change.
fn changed_fields(tool: &Tool, newest: &Revision, changes: &Changes) -> Result<Vec<&'static str>> {
    let differs = HashMap::from([
        ("name", changes.name.as_ref().map(|new| *new != newest.name)),
        ("description", changes.description.as_ref().map(|new| *new != newest.description)),
        ("uri", changes.uri.as_ref().map(|new| Some(new) != newest.uri.as_ref())),
        ("input schema", changes.input_schema.as_ref().map(|new| is_other_schema(newest, new))),
        ("code", changes.python_code.as_ref().map(|new| *new != newest.python_code)),
        ("timeout", changes.timeout_ms.map(|new| Some(new) != newest.timeout_ms)),
        ("enabled", changes.enabled.map(|new| new != tool.enabled)),
    ]);
    if differs.values().all(Option::is_none) {
        return Err(Error::invalid(
            "changes",
            "no fields to update; give at least one of name, description, uri, python_code, input_schema, timeout_ms, enabled",
        ));
    }
    let order = ["name", "description", "uri", "code", "input schema", "timeout", "enabled"];
    Ok(order.into_iter().filter(|field| differs.get(field) == Some(&Some(true))).collect())
}

/// Whether an author gives another schema than there is; `null` where one was given before does.
fn is_other_schema(newest: &Revision, new: &Value) -> bool {
    match new {
        Value::Null => newest.schema_given,
        schema => revisions::schemas_differ(newest, schema, true),
    }
}

pub(crate) fn taken(error: store::Error, name: &str) -> Error {
    if error.is_duplicate() {
        return Error::Conflict(format!(
            "a tool named `{name}` exists on this server; choose another name or update that tool"
        ));
    }
    error.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_they_do_for_python() {
        let source = "# a comment\rimport json\r\nx = 1\n";
        assert_eq!(with_line_feeds(source.to_owned()), "# a comment\nimport json\nx = 1\n");
    }
}
