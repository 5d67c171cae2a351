//! Going back to an older revision: its content becomes the newest one.

use store::approvals::Approval;
use uuid::Uuid;

use super::{Actor, approve, record};
use crate::audit::{self, Event};
use crate::capabilities::Capabilities;
use crate::identity::Who;
use crate::revisions::{Content, Origin};
use crate::tools::{self, Detail, Revision, State, Tool};
use crate::{App, Error, Result, clock, grants, revisions, secrets};

/// What going back did.
#[derive(Debug, Clone)]
pub struct RolledBack {
    /// The tool as it is now.
    pub tool: Tool,
    /// The new revision.
    pub revision: Revision,
    /// Whether it is live at once, because its very digest was approved before.
    pub approved: bool,
}

/// Makes a revision equal to an old one the newest. It is approved at once if that very digest was
/// approved before on this tool, was not rejected or revoked since, and still has all its grants;
/// else it waits for review, also where a model asks and no revision is live.
///
/// # Errors
/// [`Error::NotFound`] if there is no such version, [`Error::Conflict`] if it is the newest one.
pub async fn rollback(app: &App, who: &Who, tool_id: Uuid, number: i32) -> Result<RolledBack> {
    let Detail { mut tool, server, newest, live } = tools::get(app, tool_id).await?;
    if number == newest.number {
        return Err(Error::Conflict(format!(
            "version {number} is the newest already; name an older one (mcpbox_list_tool_versions)"
        )));
    }
    let old = tools::version(app, tool_id, number).await?;
    let content = Content::of(&old, &server);
    content.check(&server)?;
    let origin = Origin {
        summary: format!("Rolled back to version {number}"),
        source: "rollback",
        by: who.to_string(),
    };
    let revision = content.into_revision(tool_id, newest.number + 1, origin);
    // What a person took out of service, a model does not put back.
    let in_service = live.is_some() || who.is_admin();
    let holds = in_service && holds_still(app, server.id, &revision).await?;
    let revision = Revision {
        state: State::PendingReview,
        requested_at: Some(clock::now()),
        requested_by: Some(who.to_string()),
        ..revision
    };
    let transaction = audit::begin(app).await?;
    tool.name.clone_from(&revision.name);
    tool.description.clone_from(&revision.description);
    tool.updated_at = clock::now();
    store::tools::update(&transaction, &tool)
        .await
        .map_err(|error| tools::taken(error, &revision.name))?;
    revisions::append(&transaction, &newest, &revision).await?;
    record(&transaction, &revision, "requested", Actor::from(who), None).await?;
    let event = Event::new("tool.rolled_back", &tool.name).id(tool.id).digest(&revision.digest);
    audit::record(&transaction, Actor::from(who), event.with("version", number)).await?;
    store::changes::publish(&transaction).await?;
    transaction.commit().await?;
    tracing::info!(tool = %tool.name, to = number, by = %who, "rolled back");
    if !holds {
        return Ok(RolledBack { tool, revision, approved: false });
    }
    let reason = format!("its digest was approved before, as version {number}");
    let decided = approve(app, Actor::from(who), tool, revision, Some(reason)).await?;
    Ok(RolledBack { tool: decided.tool, revision: decided.revision, approved: true })
}

/// Whether the last decision about this digest on this tool was to approve it, and all that it
/// declares is granted.
async fn holds_still(app: &App, server_id: Uuid, revision: &Revision) -> Result<bool> {
    let history = store::approvals::list(app.store(), revision.tool_id).await?;
    if !was_approved(&history, &revision.digest) {
        return Ok(false);
    }
    let grants = grants::of(app, server_id).await?;
    let all_public = crate::policy::get(app).await?.allows_all_public();
    let declared = Capabilities::of(revision);
    let held = secrets::set_among(app, server_id, &declared.secrets).await?;
    Ok(declared.lacking(&grants, all_public, &held)?.is_empty())
}

/// Whether the last decision about a digest was to approve it; `history` is oldest first.
fn was_approved(history: &[Approval], digest: &str) -> bool {
    let decisions = ["approved", "rejected", "revoked"];
    let is_decision =
        |row: &&Approval| row.digest == digest && decisions.contains(&row.action.as_str());
    let last = history.iter().rfind(is_decision);
    last.is_some_and(|row| row.action == "approved")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_decision_about_exactly_this_digest_counts() {
        let row = |digest: &str, action: &str| Approval {
            id: Uuid::now_v7(),
            tool_id: Uuid::nil(),
            revision_id: Uuid::nil(),
            digest: digest.to_owned(),
            action: action.to_owned(),
            actor: "grace".to_owned(),
            reason: None,
            at: clock::now(),
        };
        let history = [row("a", "requested"), row("a", "approved"), row("b", "requested")];
        assert!(was_approved(&history, "a"));
        assert!(!was_approved(&history, "b") && !was_approved(&history, "c"));
        for action in ["revoked", "rejected"] {
            let later = [row("a", "approved"), row("a", action)];
            assert!(!was_approved(&later, "a"), "{action}");
            let again = [row("a", action), row("a", "approved"), row("a", "requested")];
            assert!(was_approved(&again, "a"), "{action}");
        }
    }
}
