//! Changes of a source: by a person, and by the file that decides about it.

use serde_json::json;
use store::Json;
use uuid::Uuid;

use super::checks::{check, check_managed, taken, written};
use super::record::{Moved, finish, forget_tokens, move_on};
use super::{AuthType, ExternalSource, RefreshOwner, Wish, find, oauth, settings_of, standing};
use crate::identity::{Actor, Admin};
use crate::{App, Result, audit, clock, servers};

/// Changes a source. A signed-in person who changes where it is allows it there; what else is changed allows
/// nothing: a source that waits goes on waiting, and one that was refused stays so.
///
/// # Errors
/// As [`super::add`]; [`crate::Error::Conflict`] where somebody else changed it meanwhile, and for one that a file
/// decides about.
pub async fn update(app: &App, admin: &Admin, id: Uuid, wish: &Wish) -> Result<ExternalSource> {
    let before = find(app.store(), id).await?;
    check_managed(&before)?;
    replace(app, admin.into(), &before, wish, None).await
}

/// Puts what is wished in the place of a source, allowed where it is another place, or a file says so.
pub(crate) async fn replace(
    app: &App,
    actor: Actor,
    before: &ExternalSource,
    wish: &Wish,
    managed_by: Option<String>,
) -> Result<ExternalSource> {
    let server = servers::find(app, before.server_id).await?;
    let place = check(app, wish)?;
    let wished = written(wish, clock::now());
    let is_same_place = is_same_place(before, &wished);
    let is_same_login = login_of(before) == login_of(&wished);
    // Tokens belong to where they were for.
    let leave = if is_same_login { None } else { oauth::take_leave(app, before).await };
    let source = changed(before, wished, Decision { actor: &actor, place, managed_by });
    let transaction = audit::begin(app).await?;
    move_on(&transaction, before, &source).await.map_err(|error| match error {
        Moved::Store(error) => taken(error, &server, &source.name),
        Moved::Meanwhile(error) => error,
    })?;
    if let (Some(old), new) = (settings_of(before).client_id, settings_of(&source).client_id)
        && new.as_ref() != Some(&old)
    {
        // They are the other client's.
        oauth::forget_client(&transaction, before.id).await?;
    }
    if !is_same_place {
        store::external_sources::forget_discovered(&transaction, before.id).await?;
    }
    if !is_same_login {
        forget_tokens(&transaction, before.id).await?;
    }
    finish(transaction, actor, "source.updated", &source, None).await?;
    app.connections().heed(source.id, Some(&standing::of(&source)));
    if let Some(leave) = leave {
        leave.send(app, before).await;
    }
    Ok(source)
}

/// Who changes a source, and what goes with it.
struct Decision<'a> {
    actor: &'a Actor,
    /// The host that it needs.
    place: Option<String>,
    managed_by: Option<String>,
}

/// The source as it is from now on: with what was allowed to it, as far as that is the same.
fn changed(
    before: &ExternalSource,
    wished: ExternalSource,
    decision: Decision<'_>,
) -> ExternalSource {
    let Decision { actor, place, managed_by } = decision;
    let is_same_login = login_of(before) == login_of(&wished);
    let stays =
        is_same_place(before, &wished) && (before.granted_at.is_some() || managed_by.is_none());
    let own = Json(json!(place.into_iter().collect::<Vec<_>>()));
    let source = ExternalSource {
        id: before.id,
        server_id: before.server_id,
        enabled: before.enabled,
        refresh_owner: if is_same_login { before.refresh_owner } else { RefreshOwner::Gateway },
        imports_all: before.imports_all,
        created_by: before.created_by.clone(),
        created_at: before.created_at,
        managed_by,
        ..wished
    };
    if !stays {
        return ExternalSource {
            grants: own,
            granted_at: Some(source.updated_at),
            granted_by: Some(actor.name.clone()),
            rejection_reason: None,
            ..source
        };
    }
    // Hosts of another authorization server were allowed for that one.
    let keeps_hosts = is_same_login || before.granted_at.is_none();
    ExternalSource {
        grants: if keeps_hosts { before.grants.clone() } else { own },
        granted_at: before.granted_at,
        granted_by: before.granted_by.clone(),
        rejection_reason: before.rejection_reason.clone(),
        ..source
    }
}

fn is_same_place(one: &ExternalSource, other: &ExternalSource) -> bool {
    (one.transport, &one.url) == (other.transport, &other.url)
}

/// What tokens belong to: where they are shown, for what and by whom they were given.
pub(super) fn login_of(
    source: &ExternalSource,
) -> (Option<&str>, AuthType, Option<String>, Option<String>) {
    let settings = settings_of(source);
    (source.url.as_deref(), source.auth_type, settings.resource, settings.issuer)
}
