//! Filing a request, whatever it is for.

use store::Json;
use uuid::Uuid;

use super::{Filed, Request, State, record};
use crate::grants::Subject;
use crate::identity::Who;
use crate::{App, Error, Result, audit, clock, names};

/// How many requests of one tool can wait at once.
const WAITING_MAX: u64 = 50;

/// What a tool asks for.
pub(crate) struct Wish<'a> {
    pub(crate) tool_id: Uuid,
    pub(crate) subject: Subject<'a>,
    pub(crate) justification: &'a str,
    /// What the index offers, for a package.
    pub(crate) plan: Option<Json>,
}

/// What it is needed for, which somebody has to say.
pub(crate) fn check_justification(justification: &str) -> Result<&str> {
    let justification = justification.trim();
    if justification.is_empty() {
        let reason = "say what it is needed for: the person who decides reads it";
        return Err(Error::invalid("justification", reason));
    }
    names::check_text("justification", justification)?;
    Ok(justification)
}

/// Files a request, unless the tool waits for the same thing.
pub(crate) async fn file(app: &App, who: &Who, wish: Wish<'_>) -> Result<Filed> {
    let Wish { tool_id, subject, justification, plan } = wish;
    if let Some(filed) = before(app, tool_id, &subject).await? {
        return Ok(filed);
    }
    check_room(app, tool_id).await?;
    let request = Request {
        id: Uuid::now_v7(),
        kind: subject.kind,
        server_id: subject.server_id.unwrap_or_else(Uuid::nil),
        tool_id,
        name: subject.name.to_owned(),
        justification: justification.to_owned(),
        plan,
        state: State::Pending,
        requested_by: who.to_string(),
        created_at: clock::now(),
        reviewed_at: None,
        reviewed_by: None,
        rejection_reason: None,
    };
    let transaction = audit::begin(app).await?;
    match store::requests::insert(&transaction, &request).await {
        Ok(()) => {}
        // Somebody asked for the same at the same moment.
        Err(error) if error.is_duplicate() => {
            drop(transaction);
            return before(app, tool_id, &subject).await?.ok_or_else(|| error.into());
        }
        Err(error) => return Err(error.into()),
    }
    record(&transaction, &request, "requested", who, Some(justification)).await?;
    transaction.commit().await?;
    tracing::info!(kind = %request.kind, name = %request.name, by = %who, "requested");
    Ok(Filed { request, already_pending: false })
}

/// What the tool asked for before by that name, if it stands in the way of asking again.
pub(crate) async fn before(
    app: &App,
    tool_id: Uuid,
    subject: &Subject<'_>,
) -> Result<Option<Filed>> {
    let last = store::requests::last(app.store(), tool_id, subject.kind, subject.name).await?;
    match last {
        Some(request) if request.state == State::Pending => {
            Ok(Some(Filed { request, already_pending: true }))
        }
        Some(request) if request.state == State::Rejected => {
            let reason = request.rejection_reason.unwrap_or_default();
            Err(Error::Conflict(format!(
                "`{}` was rejected for this tool: {reason}. Do without it, or ask your user to approve the request after all",
                subject.name
            )))
        }
        _ => Ok(None),
    }
}

/// Refuses a tool that waits for too much.
pub(crate) async fn check_room(app: &App, tool_id: Uuid) -> Result<()> {
    let filter = store::requests::Filter {
        state: Some(State::Pending),
        tool_id: Some(tool_id),
        ..Default::default()
    };
    if store::requests::count(app.store(), &filter).await? < WAITING_MAX {
        return Ok(());
    }
    Err(Error::Conflict(format!(
        "{WAITING_MAX} requests of this tool wait already; ask your user to decide about them first"
    )))
}
