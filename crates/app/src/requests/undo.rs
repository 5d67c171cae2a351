//! Taking back what was decided about a request, and forgetting one.

use super::{Kind, Request, State, find, move_on, record, subject};
use crate::audit;
use crate::grants::{self, Act, Subject};
use crate::identity::Admin;
use crate::{App, Error, Result};

/// What revoking did.
#[derive(Debug, Clone)]
pub struct Revoked {
    /// The request, which waits again.
    pub request: Request,
    /// What still allows the same: something that a person allowed unasked, or that another request
    /// was approved for.
    pub still_allowed_by: Option<String>,
}

/// Takes an approval back: the request waits again, and what it gave is gone from the next call on,
/// unless another approved request or a person gave it as well.
///
/// # Errors
/// [`Error::Conflict`] if it is not approved, or its tool asks for the same once more.
pub async fn revoke(app: &App, admin: &Admin, kind: Kind, id: uuid::Uuid) -> Result<Revoked> {
    let request = find(app, kind, id).await?;
    if kind == Kind::Package {
        return Err(Error::Conflict(
            "a package is taken back where it was given: remove it from its server".to_owned(),
        ));
    }
    let request = Request {
        state: State::Pending,
        reviewed_at: None,
        reviewed_by: None,
        rejection_reason: None,
        ..request
    };
    let transaction = audit::begin(app).await?;
    let moved = move_on(&transaction, &[State::Approved], &request).await;
    moved.map_err(|error| asked_again(error, &request))?;
    record(&transaction, &request, "revoked", admin, None).await?;
    let still_allowed_by = take_back(&transaction, admin, &request).await?;
    store::changes::publish(&transaction).await?;
    transaction.commit().await?;
    tracing::info!(%kind, name = %request.name, by = %admin.username, "request revoked");
    Ok(Revoked { request, still_allowed_by })
}

/// Forgets a request that waits or was rejected; its tool may ask for the same again.
///
/// # Errors
/// [`Error::Conflict`] if it is approved.
pub async fn delete(app: &App, admin: &Admin, kind: Kind, id: uuid::Uuid) -> Result<Request> {
    let request = find(app, kind, id).await?;
    let transaction = audit::begin(app).await?;
    let from = [State::Pending, State::Rejected];
    if !store::requests::delete(&transaction, id, &from).await? {
        return match store::requests::find(&transaction, id).await? {
            Some(request) => Err(Error::Conflict(format!(
                "the request for `{}` is {}; revoke it before you delete it",
                request.name, request.state
            ))),
            None => Err(Error::not_found("Request", &id)),
        };
    }
    record(&transaction, &request, "deleted", admin, None).await?;
    transaction.commit().await?;
    tracing::info!(%kind, name = %request.name, by = %admin.username, "request deleted");
    Ok(request)
}

/// A tool waits for the same thing once.
fn asked_again(error: Error, request: &Request) -> Error {
    match &error {
        Error::Internal(source) => match source.downcast_ref::<store::Error>() {
            Some(source) if source.is_duplicate() => Error::Conflict(format!(
                "the tool asks for `{}` once more already; decide about that request, and remove what is allowed",
                request.name
            )),
            _ => error,
        },
        _ => error,
    }
}

/// Takes away what an approval gave, if nothing else gives it; what still does otherwise. What it
/// had made superfluous is given again.
async fn take_back(
    transaction: &store::Transaction,
    admin: &Admin,
    request: &Request,
) -> Result<Option<String>> {
    let subject = subject(request);
    let approved = approved(transaction, &subject).await?;
    let own = grant_of(transaction, &subject).await?.filter(|grant| grant.request_id.is_some());
    if own.is_some() && !approved.iter().any(|other| other.name == request.name) {
        store::grants::delete(transaction, subject.kind, subject.server_id, subject.name).await?;
        let reason = Some("its request was revoked");
        let act = Act { reason, ..Act::new("removed", admin) };
        grants::record(transaction, &subject, act).await?;
        for other in approved.iter().filter(|other| subject.covers(&other.name)) {
            give_again(transaction, admin, other).await?;
        }
    }
    let held = store::grants::of(transaction, subject.server_id).await?;
    let still = held.into_iter().find(|grant| {
        let Subject { kind, server_id, .. } = subject;
        let of_grant = Subject { kind, server_id, name: &grant.name };
        grant.kind == kind && of_grant.covers(subject.name)
    });
    Ok(still.map(|grant| grant.name))
}

/// The grant of exactly that.
async fn grant_of(
    transaction: &store::Transaction,
    subject: &Subject<'_>,
) -> Result<Option<grants::Grant>> {
    let held = store::grants::of(transaction, subject.server_id).await?;
    Ok(held.into_iter().find(|grant| {
        grant.kind == subject.kind
            && grant.server_id == subject.server_id
            && grant.name == subject.name
    }))
}

/// The approved requests for the same kind of thing, for the same tools.
async fn approved(transaction: &store::Transaction, subject: &Subject<'_>) -> Result<Vec<Request>> {
    let filter = store::requests::Filter {
        kind: Some(subject.kind),
        state: Some(State::Approved),
        server_id: subject.server_id,
        ..Default::default()
    };
    Ok(store::requests::all(transaction, &filter).await?)
}

/// Gives what an approved request is for, unless a person has taken just that away since.
async fn give_again(
    transaction: &store::Transaction,
    admin: &Admin,
    request: &Request,
) -> Result<()> {
    let subject = subject(request);
    let Subject { kind, server_id, name } = subject;
    if store::grants::last_taken_away(transaction, kind, server_id, name).await? {
        return Ok(());
    }
    if grants::give(transaction, admin, &subject, Some(request.id)).await? {
        let reason = Some("it was approved for itself, too");
        let act = Act { reason, ..Act::new("added", admin) };
        grants::record(transaction, &subject, act).await?;
    }
    Ok(())
}
