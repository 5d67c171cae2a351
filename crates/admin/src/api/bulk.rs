//! One decision about many things in the API, and the numbers of what waits.

use std::collections::BTreeMap;

use app::approvals::Action;
use app::identity::Admin;
use app::requests::Kind;
use app::review::{self, Outcome};
use app::{App, requests};
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::one;
use crate::errors::{Answer, Problem};
use crate::extract::Body;
use crate::requests::decision;
use crate::session::SignedIn;

#[derive(Deserialize)]
pub(crate) struct Tools {
    tool_ids: Vec<Uuid>,
    action: String,
    #[serde(default)]
    reason: Option<String>,
    /// The digests of the revisions that were seen.
    #[serde(default)]
    digests: BTreeMap<Uuid, String>,
}

#[derive(Deserialize)]
pub(crate) struct Requests {
    request_ids: Vec<Uuid>,
    action: String,
    #[serde(default)]
    reason: Option<String>,
}

/// GET /api/approvals/stats
pub(crate) async fn stats(State(app): State<App>) -> Answer {
    Ok(one(json!(review::stats(&app).await?)))
}

/// POST /api/approvals/tools/bulk-action
pub(crate) async fn tools(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Body(body): Body<Tools>,
) -> Answer {
    let Tools { tool_ids, action, reason, digests } = body;
    let action = of_tools(&action)?;
    let decision = (action, reason.as_deref());
    Ok(answer(&review::decide_tools(&app, &admin, &tool_ids, &digests, decision).await?))
}

/// POST /api/approvals/modules/bulk-action
pub(crate) async fn modules(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Body(body): Body<Requests>,
) -> Answer {
    decide(&app, &admin, Kind::Module, body).await
}

/// POST /api/approvals/network/bulk-action
pub(crate) async fn network(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Body(body): Body<Requests>,
) -> Answer {
    decide(&app, &admin, Kind::Host, body).await
}

/// POST /api/approvals/packages/bulk-action
pub(crate) async fn packages(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Body(body): Body<Requests>,
) -> Answer {
    decide(&app, &admin, Kind::Package, body).await
}

/// The action of that name that many tools can be decided with.
pub(crate) fn of_tools(action: &str) -> Result<Action, Problem> {
    match action {
        "approve" => Ok(Action::Approve),
        "reject" => Ok(Action::Reject),
        _ => Err(Problem::invalid("action", "expected approve or reject")),
    }
}

async fn decide(app: &App, admin: &Admin, kind: Kind, body: Requests) -> Answer {
    let Requests { request_ids, action, reason } = body;
    let reason = reason.unwrap_or_default();
    let decision: requests::Decision<'_> = decision(&action, &reason)?;
    Ok(answer(&review::decide_requests(app, admin, kind, &request_ids, decision).await?))
}

fn answer(outcome: &Outcome) -> Response {
    let failed: Vec<Value> = outcome
        .failed
        .iter()
        .map(|(id, error)| json!({ "id": id, "error": error.to_string(), "code": error.code() }))
        .collect();
    one(json!({
        "success": failed.is_empty(),
        "processed_count": outcome.processed,
        "failed": failed,
    }))
}
