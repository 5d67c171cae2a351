//! Drift: an imported tool that its source has changed does not answer until a person has looked at the difference.

use std::collections::HashMap;

use chrono::TimeDelta;
use serde_json::Value;
use store::Transaction;
use store::external_sources::ExternalSource;
use store::revisions::{Imported, Revision, State};
use store::tools::Tool;

use super::{definition, suspicion};
use crate::identity::Actor;
use crate::revisions::{self, Content, Origin};
use crate::servers;
use crate::{App, Page, Result, approvals, audit, clock};

/// What is said of a tool that its source does not list any more.
const GONE: &str = "its source does not list it any more";

/// What names a source as the author of a revision.
const BY_SOURCE: &str = "source:";

/// Among how many versions one is looked for that was refused.
const LOOKED_BACK: u64 = 50;

/// So often in all a change of a source becomes a revision at once; after that, at most one in this time.
const FREELY: i32 = 20;
const PACE: TimeDelta = TimeDelta::minutes(10);

/// What a tool is to do about what its source lists.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It is what was approved, or nothing was.
    Same,
    /// It does not answer, for this reason.
    Quarantine(String),
}

/// Holds all tools that were imported from a source against what it lists.
pub(super) async fn check(app: &App, source: &ExternalSource, listed: &[Value]) -> Result<()> {
    let named = by_name(listed);
    let mut concerned = Vec::new();
    for (tool, newest) in store::tools::imported(app.store(), source.server_id).await? {
        let Some(imported) = &newest.imported else { continue };
        if imported.source_id != source.id {
            continue;
        }
        let now = named.get(imported.name()).copied();
        if needs_attention(app, &tool, &newest, now).await? {
            concerned.push(tool.id);
        }
    }
    if concerned.is_empty() {
        return Ok(());
    }
    let transaction = audit::begin(app).await?;
    for id in concerned {
        let Some(tool) = store::tools::find(&transaction, id).await? else { continue };
        let newest = revisions::newest(&transaction, id).await?;
        let Some(imported) = &newest.imported else { continue };
        let now = named.get(imported.name()).copied();
        mend(app, &transaction, (source, &tool, &newest), now).await?;
    }
    store::changes::publish(&transaction).await?;
    Ok(transaction.commit().await?)
}

/// Sets or lifts the quarantine of a tool whose live revision was just decided about, by what its source
/// listed last.
pub(crate) async fn settle(transaction: &Transaction, tool: &Tool, live: &Revision) -> Result<()> {
    let Some(imported) = &live.imported else { return Ok(()) };
    let source = store::external_sources::find(transaction, imported.source_id).await?;
    let listed = source.and_then(|source| source.discovered).map(|discovered| discovered.0);
    let listed = listed.as_ref().and_then(|listed| listed.get("tools")).and_then(Value::as_array);
    let Some(listed) = listed else { return Ok(()) };
    let now = by_name(listed).get(imported.name()).copied();
    write(transaction, tool, judge(Some(imported), now)).await?;
    Ok(())
}

/// Keeps the tools of a source that is deleted from clients.
pub(super) async fn orphan(transaction: &Transaction, source: &ExternalSource) -> Result<()> {
    let reason = format!("its source `{}` was deleted", source.name);
    for (tool, newest) in store::tools::imported(transaction, source.server_id).await? {
        if newest.imported.is_some_and(|imported| imported.source_id == source.id) {
            write(transaction, &tool, Verdict::Quarantine(reason.clone())).await?;
        }
    }
    Ok(())
}

fn by_name(listed: &[Value]) -> HashMap<&str, &Value> {
    let named = listed.iter().filter_map(|tool| Some((tool.get("name")?.as_str()?, tool)));
    // Of two of a name the first counts.
    named.rev().collect()
}

fn judge(live: Option<&Imported>, now: Option<&Value>) -> Verdict {
    let Some(live) = live else { return Verdict::Same };
    let Some(now) = now else { return Verdict::Quarantine(GONE.to_owned()) };
    if definition::hash(&live.definition) == definition::hash(now) {
        return Verdict::Same;
    }
    let fields = definition::differing(&live.definition, now).join(", ");
    Verdict::Quarantine(match definition::fault(now) {
        Some(fault) => format!("its source has changed its {fields}, and {fault}"),
        None => format!("its source has changed its {fields}"),
    })
}

/// Whether anything is to be written, without writing it.
async fn needs_attention(
    app: &App,
    tool: &Tool,
    newest: &Revision,
    now: Option<&Value>,
) -> Result<bool> {
    let live = live_of(app.store(), tool, newest).await?;
    let verdict = judge(live.as_ref().and_then(|live| live.imported.as_ref()), now);
    let wanted = match &verdict {
        Verdict::Same => None,
        Verdict::Quarantine(reason) => Some(reason),
    };
    if tool.quarantine.as_ref() != wanted {
        return Ok(true);
    }
    let Some(now) = now else { return Ok(false) };
    follows(app.store(), tool, newest, now).await
}

/// Whether the newest revision is to be followed by one with what the source lists now. What a person has refused
/// does not come back, and a source that changes its mind all the time is followed at a pace at which people can.
async fn follows(
    db: &impl store::Connection,
    tool: &Tool,
    newest: &Revision,
    now: &Value,
) -> Result<bool> {
    let Some(imported) = &newest.imported else { return Ok(false) };
    let has_just_followed = newest.number > FREELY
        && newest.created_by.starts_with(BY_SOURCE)
        && clock::now() - newest.created_at < PACE;
    let is_due = definition::hash(&imported.definition) != definition::hash(now)
        && definition::fault(now).is_none()
        && !has_just_followed;
    Ok(is_due && !was_rejected(db, tool, now).await?)
}

/// Whether a person has refused exactly that before.
async fn was_rejected(db: &impl store::Connection, tool: &Tool, now: &Value) -> Result<bool> {
    let decisions = store::approvals::list(db, tool.id).await?;
    // A later decision about the same is what counts.
    let last = |id| decisions.iter().rev().find(|decision| decision.revision_id == id);
    let page = Page { number: 1, size: LOOKED_BACK };
    let revisions = store::revisions::list(db, tool.id, page).await?;
    let hash = definition::hash(now);
    Ok(revisions.items.iter().any(|revision| {
        let imported = revision.imported.as_ref();
        last(revision.id).is_some_and(|decision| decision.action == "rejected")
            && imported.is_some_and(|imported| definition::hash(&imported.definition) == hash)
    }))
}

async fn live_of(
    db: &impl store::Connection,
    tool: &Tool,
    newest: &Revision,
) -> Result<Option<Revision>> {
    Ok(match tool.live_revision {
        Some(live) if live == newest.id => Some(newest.clone()),
        Some(live) => store::revisions::find(db, live).await?,
        None => None,
    })
}

async fn mend(
    app: &App,
    transaction: &Transaction,
    (source, tool, newest): (&ExternalSource, &Tool, &Revision),
    now: Option<&Value>,
) -> Result<()> {
    let live = live_of(transaction, tool, newest).await?;
    let verdict = judge(live.as_ref().and_then(|live| live.imported.as_ref()), now);
    let actor = || Actor::local(&format!("{BY_SOURCE}{}", source.name));
    if write(transaction, tool, verdict).await? {
        let now = store::tools::find(transaction, tool.id).await?.and_then(|tool| tool.quarantine);
        let action = if now.is_some() { "tool.quarantined" } else { "tool.trusted" };
        let mut event = audit::Event::new(action, &tool.name).id(tool.id);
        if let Some(reason) = now {
            tracing::warn!(tool = %tool.name, source = %source.name, %reason, "tool quarantined");
            event = event.with("reason", reason);
        }
        audit::record(transaction, actor(), event).await?;
    }
    if let Some(now) = now
        && follows(transaction, tool, newest, now).await?
    {
        // Where clients had a tool, a person has to look: whatever somebody was writing upon it is shown with it.
        let is_back = is_defined_so(live.as_ref(), now);
        let waits = !is_back
            && (live.is_some() || matches!(newest.state, State::PendingReview | State::Approved));
        let mut next = next(app, source, newest, now).await?;
        if is_back {
            next.change_summary = format!("Source `{}` is back at what was approved", source.name);
        }
        let next = if waits {
            Revision {
                state: State::PendingReview,
                requested_at: Some(clock::now()),
                requested_by: Some(actor().name),
                notes: Some(next.change_summary.clone()),
                ..next
            }
        } else {
            next
        };
        revisions::append(transaction, newest, &next).await?;
        let described = Tool { description: next.description.clone(), ..tool.clone() };
        store::tools::update(transaction, &described).await?;
        if waits {
            let notes = next.notes.clone();
            approvals::record(transaction, &next, "requested", actor(), notes.as_deref()).await?;
        }
    }
    Ok(())
}

/// Whether a revision has this definition.
fn is_defined_so(revision: Option<&Revision>, now: &Value) -> bool {
    let imported = revision.and_then(|revision| revision.imported.as_ref());
    imported.is_some_and(|imported| definition::hash(&imported.definition) == definition::hash(now))
}

/// The revision that a person is to look at.
async fn next(
    app: &App,
    source: &ExternalSource,
    newest: &Revision,
    now: &Value,
) -> Result<Revision> {
    let server = servers::find(app, source.server_id).await?;
    let old = newest.imported.as_ref().map(|imported| &imported.definition);
    let fields = old.map(|old| definition::differing(old, now).join(", ")).unwrap_or_default();
    let content = content(Content::of(newest, &server), source, now);
    let origin = Origin {
        summary: format!("Source `{}` has changed its {fields}", source.name),
        source: "import",
        by: format!("{BY_SOURCE}{}", source.name),
    };
    Ok(content.into_revision(newest.tool_id, newest.number + 1, origin))
}

/// The content of a revision of a tool as its source defines it.
pub(super) fn content(base: Content, source: &ExternalSource, definition: &Value) -> Content {
    let (input_schema, output_schema, left_out) = definition::schemas(definition);
    let mut remarks = suspicion::remarks(definition);
    remarks.extend(left_out);
    Content {
        description: definition::description(definition).to_owned(),
        input_schema,
        schema_given: true,
        output_schema,
        remarks,
        imported: Some(Imported { source_id: source.id, definition: definition.clone() }),
        ..base
    }
}

async fn write(transaction: &Transaction, tool: &Tool, verdict: Verdict) -> Result<bool> {
    let reason = match verdict {
        Verdict::Same => None,
        Verdict::Quarantine(reason) => Some(reason),
    };
    let now = clock::now();
    Ok(store::tools::set_quarantine(transaction, tool.id, reason.as_deref(), now).await?)
}
