//! The reviewers' queue in the API.

use app::approvals::{self, Action, Decision, QueueItem};
use app::tools::State as RevisionState;
use app::{App, Listed, capabilities};
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{listed, one};
use crate::errors::{Answer, Problem};
use crate::extract::{Body, Id, Paging, Search, Status};
use crate::session::SignedIn;

#[derive(Deserialize)]
pub(crate) struct Act {
    action: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    digest: Option<String>,
}

/// GET /api/approvals/tools
pub(crate) async fn queue(
    State(app): State<App>,
    Search(paging): Search<Paging>,
    Search(search): Search<Status>,
) -> Answer {
    let page = paging.page()?;
    let status = search.status.as_deref().unwrap_or("pending_review");
    let state = match status {
        "all" => None,
        "pending" => Some(RevisionState::PendingReview),
        named => Some(named.parse::<RevisionState>().map_err(|_unknown| {
            Problem::invalid(
                "status",
                "expected pending_review, approved, rejected, draft, superseded or all",
            )
        })?),
    };
    let found = approvals::search(&app, state, search.text()?.as_deref(), page).await?;
    let mut items = Vec::with_capacity(found.items.len());
    for item in found.items {
        let standing = capabilities::standing(&app, item.tool.server_id, &item.revision).await?;
        items.push((item, standing.risk));
    }
    let found = Listed { items, total: found.total };
    Ok(listed(found, page, |(item, risk)| shown(&item, &risk)))
}

/// POST /api/approvals/tools/{id}/action
pub(crate) async fn act(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Body(act): Body<Act>,
) -> Answer {
    let (action, message) = match act.action.as_str() {
        "approve" => (Action::Approve, "approved"),
        "reject" => (Action::Reject, "rejected"),
        "submit_for_review" => (Action::SubmitForReview, "waits for review"),
        _ => {
            return Err(Problem::invalid(
                "action",
                "expected approve, reject or submit_for_review",
            ));
        }
    };
    let decision = Decision { action, digest: act.digest, reason: act.reason };
    let decided = approvals::decide(&app, &admin, id, decision).await?;
    let revision = decided.revision;
    Ok(one(json!({
        "success": true,
        "tool_id": id,
        "name": revision.name,
        "status": revision.state,
        "version": revision.number,
        "digest": revision.digest,
        "server_started": decided.server_started,
        "message": format!("version {} of `{}`: {message}", revision.number, revision.name),
    })))
}

fn shown(item: &QueueItem, risk: &str) -> Value {
    let QueueItem { tool, revision, server_name, public_name, live } = item;
    let approved = revision.state == RevisionState::Approved;
    json!({
        "id": tool.id,
        "name": revision.name,
        "description": revision.description,
        "kind": revision.kind,
        "uri": revision.uri,
        "server_id": tool.server_id,
        "server_name": server_name,
        "public_name": public_name,
        "approval_status": revision.state,
        "current_version": revision.number,
        "digest": revision.digest,
        "python_code": revision.python_code,
        "input_schema": revision.input_schema,
        "input_schema_given": revision.schema_given,
        "timeout_ms": revision.timeout_ms,
        "imported": revision.imported,
        "quarantine": tool.quarantine,
        "created_by": revision.created_by,
        "risk": risk,
        "remarks": revision.remarks,
        "publish_notes": revision.notes,
        "approval_requested_at": revision.requested_at,
        "approval_requested_by": revision.requested_by,
        "approved_at": revision.decided_at.filter(|_| approved),
        "approved_by": revision.decided_by.as_ref().filter(|_| approved),
        "decided_at": revision.decided_at,
        "decided_by": revision.decided_by,
        "rejection_reason": revision.rejection_reason,
        "live": live.as_ref().map(|live| json!({
            "version": live.number,
            "digest": live.digest,
            "python_code": live.python_code,
            "imported": live.imported,
        })),
    })
}
