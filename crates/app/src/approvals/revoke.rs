//! Taking an approval back: the tool is gone for clients at once, and waits for a decision again.

use uuid::Uuid;

use super::{Decided, move_on, record};
use crate::identity::Admin;
use crate::tools::{self, Detail, Revision, State};
use crate::{App, Error, Result, audit, clock, names, revisions};

/// Takes back the approval of the live revision. It waits for review again, unless there is a newer
/// one, which stays as it is.
///
/// # Errors
/// [`Error::Conflict`] if no revision is live, or not the one with `digest`.
pub async fn revoke(
    app: &App,
    admin: &Admin,
    tool_id: Uuid,
    digest: Option<&str>,
    reason: Option<&str>,
) -> Result<Decided> {
    names::check_text("reason", reason.unwrap_or_default())?;
    let Detail { mut tool, newest, live, .. } = tools::get(app, tool_id).await?;
    let Some(live) = live else {
        return Err(Error::Conflict(format!(
            "no version of `{}` is approved; there is nothing to revoke",
            tool.name
        )));
    };
    if let Some(seen) = digest.filter(|seen| *seen != live.digest) {
        return Err(Error::Conflict(format!(
            "`{}` was changed after you looked at it: you saw the digest {seen}, version {} is live with {}; read it and decide again",
            live.name, live.number, live.digest
        )));
    }
    let revision = if live.id == newest.id {
        Revision {
            state: State::PendingReview,
            requested_at: Some(clock::now()),
            decided_at: None,
            decided_by: None,
            rejection_reason: None,
            ..live
        }
    } else {
        Revision { state: State::Superseded, ..live }
    };
    let transaction = audit::begin(app).await?;
    let now = clock::now();
    if !store::tools::set_live(&transaction, tool.id, Some(revision.id), None, now).await? {
        return Err(revisions::changed_meanwhile());
    }
    move_on(&transaction, &[State::Approved], &revision).await?;
    record(&transaction, &revision, "revoked", admin.into(), reason).await?;
    store::changes::publish(&transaction).await?;
    transaction.commit().await?;
    tool.live_revision = None;
    tracing::info!(tool = %tool.name, by = %admin.username, "approval revoked");
    Ok(Decided { tool, revision, server_started: false })
}
