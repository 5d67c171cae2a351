//! Filing a revision for review, and a person's decision about it.

mod along;
mod obstacle;
mod revoke;
mod rollback;

pub use store::approvals::Approval;
use uuid::Uuid;

pub use self::along::Along;
pub use self::obstacle::obstacle;
pub use self::revoke::revoke;
pub use self::rollback::{RolledBack, rollback};
use crate::audit::{self, Event};
use crate::capabilities::Capabilities;
use crate::identity::{Actor, Admin, Who};
use crate::revisions::{Content, Origin};
use crate::servers::{self, Server, Status};
use crate::tools::{self, Detail, Revision, State, Tool};
use crate::{
    App, Error, Listed, Page, Result, clock, external_sources, names, packages, policy, resources,
    revisions,
};

/// What filing did.
#[derive(Debug, Clone)]
pub struct Filed {
    /// The tool.
    pub tool: Tool,
    /// The revision that waits for a person, or that was approved by the setting.
    pub revision: Revision,
    /// Whether it was waiting before.
    pub already_pending: bool,
    /// What was asked for with it.
    pub along: Vec<Along>,
}

/// What a person can do with the newest revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Make it live.
    Approve,
    /// Send it back with a reason.
    Reject,
    /// File it for review.
    SubmitForReview,
}

/// A person's decision.
#[derive(Debug, Clone)]
pub struct Decision {
    /// What to do.
    pub action: Action,
    /// The digest of the revision that the person saw; another one is not decided about. Without
    /// it the newest revision is, if it was filed for review.
    pub digest: Option<String>,
    /// Why; required to reject.
    pub reason: Option<String>,
}

/// What a decision did.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The tool as it is now.
    pub tool: Tool,
    /// The revision that was decided about.
    pub revision: Revision,
    /// Whether the approval started the tool's server.
    pub server_started: bool,
}

/// A revision in the queue of the reviewers.
#[derive(Debug, Clone)]
pub struct QueueItem {
    /// The tool.
    pub tool: Tool,
    /// The revision to decide about.
    pub revision: Revision,
    /// The name of the tool's server.
    pub server_name: String,
    /// The name under which clients would see it.
    pub public_name: String,
    /// The approved revision that it would replace.
    pub live: Option<Revision>,
}

/// Files the newest revision for review, and with it requests for what it declares and does not have,
/// or was refused when it was tested last. Filing one that waits already changes nothing. Where the
/// setting says so, it is approved at once.
///
/// # Errors
/// [`Error::Conflict`] if the newest revision is approved already, or is a source's and was refused to a model.
pub async fn request_publish(
    app: &App,
    who: &Who,
    tool_id: Uuid,
    notes: Option<&str>,
) -> Result<Filed> {
    names::check_text("notes", notes.unwrap_or_default())?;
    let Detail { tool, server, newest, .. } = tools::get(app, tool_id).await?;
    match newest.state {
        State::PendingReview => {
            let along = Box::pin(along::file(app, who, &tool, &newest, notes)).await?;
            Ok(Filed { tool, revision: newest, already_pending: true, along })
        }
        State::Rejected if newest.imported.is_some() && matches!(who, Who::Caller(_)) => {
            Err(Error::Conflict(format!(
                "a person refused version {} of `{}`, which is what its source says of it: there is nothing to file until the source changes it",
                newest.number, newest.name
            )))
        }
        State::Draft | State::Rejected => {
            let revision = Box::pin(file(app, who, &server, newest, notes)).await?;
            tracing::info!(tool = %tool.name, by = %who, "publication requested");
            let along = Box::pin(along::file(app, who, &tool, &revision, notes)).await?;
            let (tool, revision) = if policy::get(app).await?.approves_tools() {
                let actor = Actor::from(&Admin::by_setting());
                let decided = approve(app, actor, tool, revision, None).await?;
                (decided.tool, decided.revision)
            } else {
                (tool, revision)
            };
            Ok(Filed { tool, revision, already_pending: false, along })
        }
        State::Approved | State::Superseded => Err(Error::Conflict(format!(
            "version {} of `{}` is approved already; there is nothing to publish until it is changed",
            newest.number, newest.name
        ))),
    }
}

/// The revisions in one state: pending ones oldest first, others newest first.
pub async fn queue(app: &App, state: State, page: Page) -> Result<Listed<QueueItem>> {
    search(app, Some(state), None, page).await
}

/// The revisions in one state, or in any but that of being superseded, with `text` in their name or
/// description or in the server's name.
pub async fn search(
    app: &App,
    state: Option<State>,
    text: Option<&str>,
    page: Page,
) -> Result<Listed<QueueItem>> {
    let listed = store::revisions::pending(app.store(), state, text, page).await?;
    let mut items = Vec::with_capacity(listed.items.len());
    for pending in listed.items {
        let live = match pending.tool.live_revision {
            Some(id) if id != pending.revision.id => {
                store::revisions::find(app.store(), id).await?
            }
            _ => None,
        };
        items.push(QueueItem {
            public_name: names::public(&pending.server_prefix, &pending.revision.name),
            tool: pending.tool,
            revision: pending.revision,
            server_name: pending.server_name,
            live,
        });
    }
    Ok(Listed { items, total: listed.total })
}

/// Every request and decision about a tool, oldest first.
pub async fn history(app: &App, tool_id: Uuid) -> Result<Vec<Approval>> {
    tools::find(app, tool_id).await?;
    Ok(store::approvals::list(app.store(), tool_id).await?)
}

/// Decides about the newest revision of a tool.
///
/// # Errors
/// [`Error::Conflict`] if the revision is not the one that was seen or cannot be decided about
/// now, [`Error::Invalid`] for a rejection without a reason.
pub async fn decide(
    app: &App,
    admin: &Admin,
    tool_id: Uuid,
    decision: Decision,
) -> Result<Decided> {
    names::check_text("reason", decision.reason.as_deref().unwrap_or_default())?;
    let Detail { tool, newest, live, .. } = tools::get(app, tool_id).await?;
    if let Some(seen) = decision.digest.as_ref().filter(|seen| **seen != newest.digest) {
        return Err(Error::Conflict(format!(
            "`{}` was changed after you looked at it: you saw the digest {seen}, version {} has {}; read it and decide again",
            newest.name, newest.number, newest.digest
        )));
    }
    let unseen = decision.digest.is_none() && newest.state != State::PendingReview;
    match decision.action {
        Action::Approve if unseen && newest.state != State::Approved => {
            Err(Error::Conflict(format!(
                "version {} of `{}` was not filed for review; read it and send its digest with the approval",
                newest.number, newest.name
            )))
        }
        Action::Approve => approve(app, admin.into(), tool, newest, decision.reason).await,
        Action::Reject => {
            check_not_live(&newest, live.as_ref())?;
            reject(app, admin, tool, newest, decision.reason).await
        }
        Action::SubmitForReview => {
            let who = Who::from(admin.clone());
            let notes = decision.reason.as_deref();
            let filed = request_publish(app, &who, tool_id, notes).await?;
            Ok(Decided { tool: filed.tool, revision: filed.revision, server_started: false })
        }
    }
}

/// What clients call now is taken from them by a revocation: a rejection of the same content under a
/// later number would leave it running although the last word about it was no.
fn check_not_live(newest: &Revision, live: Option<&Revision>) -> Result<()> {
    let same = live.filter(|live| live.id != newest.id && live.digest == newest.digest);
    same.map_or(Ok(()), |live| {
        Err(Error::Conflict(format!(
            "version {} of `{}` is the same as version {}, which clients call now; revoke that one first if nobody is to call it",
            newest.number, newest.name, live.number
        )))
    })
}

/// Files a revision; one that names packages otherwise than the server has them now is filed as a new
/// one that does, so that what is approved names the versions that run.
async fn file(
    app: &App,
    who: &Who,
    server: &Server,
    newest: Revision,
    notes: Option<&str>,
) -> Result<Revision> {
    let declared = Capabilities::of(&newest);
    let lock = packages::kept(app.store(), server.id).await?;
    let capabilities = declared.clone().resolved(lock.as_ref());
    let mut content = Content::of(&newest, server);
    if capabilities != declared {
        // What was remarked without the packages may be different with them.
        content.read(app, server.id, newest.python_code.clone()).await?;
        content.capabilities = capabilities.clone();
    }
    let transaction = audit::begin(app).await?;
    let newest = if capabilities == declared {
        newest
    } else {
        let origin = Origin::edit(who, "Named the versions of its packages".to_owned());
        let next = content.into_revision(newest.tool_id, newest.number + 1, origin);
        revisions::append(&transaction, &newest, &next).await?;
        store::changes::publish(&transaction).await?;
        next
    };
    let revision = Revision {
        state: State::PendingReview,
        requested_at: Some(clock::now()),
        requested_by: Some(who.to_string()),
        notes: notes.map(str::to_owned),
        decided_at: None,
        decided_by: None,
        rejection_reason: None,
        ..newest
    };
    let from = [State::Draft, State::Rejected];
    move_on(&transaction, &from, &revision).await?;
    record(&transaction, &revision, "requested", Actor::from(who), notes).await?;
    transaction.commit().await?;
    Ok(revision)
}

async fn approve(
    app: &App,
    actor: Actor,
    mut tool: Tool,
    newest: Revision,
    reason: Option<String>,
) -> Result<Decided> {
    if newest.state == State::Approved {
        return Err(Error::Conflict(format!(
            "version {} of `{}` is approved already; there is nothing to decide until it is changed",
            newest.number, newest.name
        )));
    }
    let now = clock::now();
    let revision = decided(newest, State::Approved, &actor.name, None);
    let transaction = audit::begin(app).await?;
    let from = [State::Draft, State::PendingReview, State::Rejected];
    move_on(&transaction, &from, &revision).await?;
    let server = tool.server_id;
    let replaced = tool.live_revision;
    if !store::tools::set_live(&transaction, tool.id, replaced, Some(revision.id), now).await? {
        return Err(revisions::changed_meanwhile());
    }
    if let Some(replaced) = replaced {
        revisions::retire(&transaction, replaced).await?;
    }
    let never_started = [Status::Imported];
    let server_started =
        store::servers::set_status(&transaction, server, &never_started, Status::Running, now)
            .await?;
    external_sources::settle(&transaction, &tool, &revision).await?;
    servers::check_live_name(&transaction, server, &revision.name, tool.id).await?;
    if let Some(uri) = &revision.uri {
        resources::check_live_uri(&transaction, tool.id, uri).await?;
    }
    tracing::info!(tool = %tool.name, digest = %revision.digest, by = %actor.name, "approved");
    record(&transaction, &revision, "approved", actor, reason.as_deref()).await?;
    store::changes::publish(&transaction).await?;
    transaction.commit().await?;
    tool.live_revision = Some(revision.id);
    Ok(Decided { tool, revision, server_started })
}

async fn reject(
    app: &App,
    admin: &Admin,
    tool: Tool,
    newest: Revision,
    reason: Option<String>,
) -> Result<Decided> {
    let reason = reason
        .filter(|reason| !reason.trim().is_empty())
        .ok_or_else(|| Error::invalid("reason", "say why: the author reads it to mend the tool"))?;
    let revision = decided(newest, State::Rejected, &admin.username, Some(reason.clone()));
    let transaction = audit::begin(app).await?;
    move_on(&transaction, &[State::PendingReview], &revision).await?;
    record(&transaction, &revision, "rejected", admin.into(), Some(&reason)).await?;
    transaction.commit().await?;
    tracing::info!(tool = %tool.name, by = %admin.username, "rejected");
    Ok(Decided { tool, revision, server_started: false })
}

fn decided(newest: Revision, state: State, by: &str, reason: Option<String>) -> Revision {
    Revision {
        state,
        decided_at: Some(clock::now()),
        decided_by: Some(by.to_owned()),
        rejection_reason: reason,
        ..newest
    }
}

/// Moves a revision into its new state if it still is in one of `from` and still the newest.
async fn move_on(
    transaction: &store::Transaction,
    from: &[State],
    revision: &Revision,
) -> Result<()> {
    if store::revisions::transition(transaction, revision.id, from, revision).await? {
        return Ok(());
    }
    let now = store::revisions::find(transaction, revision.id).await?;
    let state = now.map_or("deleted", |revision| revision.state.as_str());
    Err(Error::Conflict(format!(
        "version {} of `{}` is {state} now, so it cannot become {}",
        revision.number,
        revision.name,
        revision.state.as_str()
    )))
}

/// Keeps what was done about a revision, for its history and for the audit log.
pub(crate) async fn record(
    transaction: &store::Transaction,
    revision: &Revision,
    action: &str,
    actor: Actor,
    reason: Option<&str>,
) -> Result<()> {
    let row = Approval {
        id: Uuid::now_v7(),
        tool_id: revision.tool_id,
        revision_id: revision.id,
        digest: revision.digest.clone(),
        action: action.to_owned(),
        actor: actor.name.clone(),
        reason: reason.map(str::to_owned),
        at: clock::now(),
    };
    store::approvals::insert(transaction, &row).await?;
    let action = format!("tool.{action}");
    let event = Event::new(&action, &revision.name)
        .id(revision.tool_id)
        .digest(&revision.digest)
        .with("version", revision.number)
        .with("reason", reason);
    audit::record(transaction, actor, event).await
}
