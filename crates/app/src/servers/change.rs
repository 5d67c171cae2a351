//! Changing a server: its name, its description, and what the names of its tools begin with.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use store::Transaction;
use store::tools::LiveName;
use uuid::Uuid;

use super::{Server, find, taken};
use crate::audit::{self, Event};
use crate::identity::Admin;
use crate::revisions::{self, following};
use crate::{App, Error, Page, Result, clock, names};

/// What is to change of a server; absent fields stay.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Another name.
    pub name: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// What the names begin with under which clients see its tools: empty for no prefix, `None`
    /// within for the server's name.
    pub tool_prefix: Option<Option<String>>,
    /// Another time limit for tools that set none, in milliseconds. A shorter one is approved with
    /// it for tools that are live; a longer one waits for review, tool by tool.
    pub default_timeout_ms: Option<i32>,
    /// The `updated_at` of the server that was looked at; another one is not changed.
    pub expected_updated_at: Option<DateTime<Utc>>,
}

/// Changes a server. Its tools can be called under their new names at once, and clients are told.
///
/// # Errors
/// [`Error::Invalid`] when nothing is to change, and for what would give a tool a name that clients
/// cannot use; [`Error::Conflict`] for a name, a prefix or a tool's name that is taken, and when the
/// server is not the one that was looked at any more.
pub async fn update(app: &App, admin: &Admin, id: Uuid, changes: Changes) -> Result<Server> {
    let before = find(app, id).await?;
    if changes.expected_updated_at.is_some_and(|expected| expected != before.updated_at) {
        let expected = changes.expected_updated_at.unwrap_or(before.updated_at);
        return Err(changed_since(app, &before, expected).await?);
    }
    let (mut after, changed) = changed(&before, changes)?;
    if changed.is_empty() {
        return Ok(before);
    }
    // Later than before, so that whoever looked at that is told.
    after.updated_at = clock::now().max(before.updated_at + TimeDelta::microseconds(1));

    let transaction = audit::begin(app).await?;
    let written = store::servers::update(&transaction, &after, before.updated_at).await;
    if !written.map_err(|error| taken(error, &after.name))? {
        drop(transaction);
        let now = find(app, id).await?;
        return Err(changed_since(app, &now, before.updated_at).await?);
    }
    audit::record(&transaction, admin, event(&before, &after, &changed)).await?;
    if after.prefix() != before.prefix() {
        let field = if changed.contains(&"tool_prefix") { "tool_prefix" } else { "name" };
        check_prefix_free(&transaction, field, &after).await?;
        check_names(&transaction, field, &after).await?;
    }
    if after.default_timeout_ms != before.default_timeout_ms {
        following::with_timeout(&transaction, admin, &after).await?;
    }
    store::changes::publish(&transaction).await?;
    transaction.commit().await?;
    tracing::info!(server = %after.name, ?changed, by = %admin.username, "server changed");
    Ok(after)
}

/// Whether no other server has the prefix of this one. What two transactions ask here, they ask one
/// after the other, since both have written to the audit log.
pub(super) async fn check_prefix_free(
    transaction: &Transaction,
    field: &'static str,
    server: &Server,
) -> Result<()> {
    let prefix = server.prefix();
    if prefix.is_empty() {
        return Ok(());
    }
    match store::servers::find_other_by_prefix(transaction, prefix, server.id).await? {
        Some(other) => Err(Error::Conflict(format!(
            "{field}: the names of the tools of server `{}` begin with `{prefix}` already; choose another {field}",
            other.name
        ))),
        None => Ok(()),
    }
}

/// Whether clients can use a tool of that name once it is live, and know it from all others. Comes
/// after what else a transaction writes: those that ask this wait for each other.
pub(crate) async fn check_live_name(
    transaction: &Transaction,
    server_id: Uuid,
    name: &str,
    tool_id: Uuid,
) -> Result<()> {
    let taken = store::tools::live_name_taken(transaction, server_id, name, tool_id).await?;
    let server = store::servers::find(transaction, server_id).await?;
    let server = server.ok_or_else(|| Error::not_found("Server", &server_id))?;
    names::check_tool(server.prefix(), name)?;
    if taken {
        return Err(Error::Conflict(name_taken(&names::public(server.prefix(), name))));
    }
    Ok(())
}

/// Says that clients know another tool by that public name.
pub(crate) fn name_taken(public: &str) -> String {
    format!(
        "another live tool is called `{public}` by clients; rename one of them, or change the prefix of its server, first"
    )
}

/// Whether clients can use all tools of a server under its prefix, and know each from all others.
async fn check_names(
    transaction: &Transaction,
    field: &'static str,
    server: &Server,
) -> Result<()> {
    let live = store::tools::live_names(transaction).await?;
    let mut own = store::tools::names(transaction, server.id).await?;
    own.extend(live.iter().filter(|name| name.server_id == server.id).map(|one| one.name.clone()));
    own.sort_unstable();
    own.dedup();
    names::check_tools(field, server.prefix(), &own)?;
    match names::named(field, collisions(&live, server.id)) {
        Err(Error::Invalid { field, reason }) => Err(Error::Conflict(format!("{field}: {reason}"))),
        checked => checked,
    }
}

/// The names that clients would see twice, because a server has them with another.
fn collisions(live: &[LiveName], server_id: Uuid) -> Vec<String> {
    let others = live.iter().filter(|name| name.server_id != server_id);
    let others: HashSet<String> = others.map(LiveName::public_name).collect();
    let own = live.iter().filter(|name| name.server_id == server_id).map(LiveName::public_name);
    let mut taken: Vec<String> = own.filter(|name| others.contains(name)).collect();
    taken.sort_unstable();
    taken.into_iter().map(|name| format!("another server has a live tool `{name}`")).collect()
}

/// The server with the changes, and the names of the fields that really change.
fn changed(before: &Server, changes: Changes) -> Result<(Server, Vec<&'static str>)> {
    let Changes { name, description, tool_prefix, default_timeout_ms, expected_updated_at: _ } =
        changes;
    let all_absent = name.is_none() && description.is_none() && tool_prefix.is_none();
    if all_absent && default_timeout_ms.is_none() {
        return Err(Error::invalid(
            "changes",
            "no fields to update; give at least one of name, description, tool_prefix, default_timeout_ms",
        ));
    }
    let mut after = before.clone();
    let mut changed = Vec::new();
    if let Some(name) = name.filter(|name| *name != before.name) {
        names::check_server(&name)?;
        after.name = name;
        changed.push("name");
    }
    if let Some(text) = description.filter(|text| *text != before.description) {
        names::check_description(&text)?;
        after.description = text;
        changed.push("description");
    }
    if let Some(prefix) = tool_prefix.filter(|prefix| *prefix != before.tool_prefix) {
        names::check_prefix(prefix.as_deref().unwrap_or_default())?;
        after.tool_prefix = prefix;
        changed.push("tool_prefix");
    }
    if let Some(limit) = default_timeout_ms.filter(|limit| *limit != before.default_timeout_ms) {
        revisions::check_timeout("default_timeout_ms", limit)?;
        after.default_timeout_ms = limit;
        changed.push("default_timeout_ms");
    }
    Ok((after, changed))
}

fn event<'a>(before: &Server, after: &'a Server, changed: &[&str]) -> Event<'a> {
    let mut event = Event::new("server.updated", &after.name).id(after.id);
    for field in changed {
        let [from, to] = [before, after].map(|server| match *field {
            "name" => json!(server.name),
            "description" => json!(server.description),
            "default_timeout_ms" => json!(server.default_timeout_ms),
            _ => json!(server.tool_prefix),
        });
        event = event.with(field, json!({ "from": from, "to": to }));
    }
    event
}

/// The refusal of a change to a server that somebody else changed, and how.
async fn changed_since(app: &App, now: &Server, seen: DateTime<Utc>) -> Result<Error> {
    let filter = audit::Filter { subject_id: Some(now.id), ..Default::default() };
    let rows = audit::list(app, &filter, Page { number: 1, size: 20 }).await?.items;
    let mut told: Vec<String> = Vec::new();
    for row in rows.iter().filter(|row| row.at >= seen && row.action != "server.created") {
        let fields = match &row.detail.0 {
            serde_json::Value::Object(detail) if row.action == "server.updated" => {
                detail.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
            }
            _ => "status".to_owned(),
        };
        told.push(format!("{fields} by {}", row.actor));
    }
    let told = if told.is_empty() { "its status".to_owned() } else { told.join("; ") };
    Ok(Error::Conflict(format!(
        "server `{}` was changed since you looked at it ({told}): now its name is `{}`, its prefix `{}`, its status {}, its updated_at {}; look at it again and repeat the change",
        now.name,
        now.name,
        now.prefix(),
        now.status.as_str(),
        now.updated_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revisions::Kind;
    use crate::servers::Status;

    fn server() -> Server {
        let now = clock::now();
        Server {
            id: Uuid::from_u128(1),
            name: "weather".to_owned(),
            description: "Forecasts".to_owned(),
            status: Status::Running,
            tool_prefix: None,
            default_timeout_ms: 30_000,
            created_at: now,
            updated_at: now,
        }
    }

    #[test]
    fn only_what_differs_is_a_change() {
        let same = Changes { name: Some("weather".to_owned()), ..Changes::default() };
        assert_eq!(changed(&server(), same).unwrap().1, [""; 0]);
        let prefix = Changes {
            name: Some("sky".to_owned()),
            tool_prefix: Some(Some(String::new())),
            ..Changes::default()
        };
        let (after, fields) = changed(&server(), prefix).unwrap();
        assert_eq!((after.prefix(), &*after.name), ("", "sky"));
        assert_eq!(fields, ["name", "tool_prefix"]);
        let back = Changes { tool_prefix: Some(None), ..Changes::default() };
        assert_eq!(changed(&after, back).unwrap().0.prefix(), "sky");
    }

    #[test]
    fn nothing_to_change_and_what_cannot_be_used_are_refused() {
        let named = |name: &str| Changes { name: Some(name.to_owned()), ..Changes::default() };
        for changes in [Changes::default(), named("Bad Name"), named("a\0")] {
            assert!(matches!(changed(&server(), changes), Err(Error::Invalid { .. })));
        }
    }

    #[test]
    fn a_name_that_clients_would_see_twice_is_found_whatever_it_is_made_of() {
        let name = |server: u128, prefix: &str, name: &str| LiveName {
            tool_id: Uuid::now_v7(),
            server_id: Uuid::from_u128(server),
            prefix: prefix.to_owned(),
            revision_id: Uuid::nil(),
            name: name.to_owned(),
            kind: Kind::Tool,
            is_callable: false,
        };
        let live = [name(1, "a", "b"), name(1, "a", "c"), name(2, "", "a__b"), name(2, "", "d")];
        let found = collisions(&live, Uuid::from_u128(1));
        assert!(found.len() == 1 && found[0].contains("a__b"), "{found:?}");
        assert_eq!(collisions(&live, Uuid::from_u128(3)), [""; 0]);
    }
}
