//! External sources: MCP servers of others, from which tools are imported.
//!
//! Nothing is connected to before a person has allowed the host. A model can ask for a source at an address,
//! never for a command of this machine.

mod asking;
mod breaker;
mod calls;
mod change;
mod checks;
mod connections;
pub(crate) mod credentials;
mod definition;
mod discovery;
mod drift;
mod health;
mod importing;
mod keeper;
mod listening;
pub mod oauth;
mod outcomes;
mod place;
mod projection;
mod reach;
mod record;
pub mod registration;
mod shown;
mod source;
mod standing;
mod suspicion;
mod told;

pub(crate) use calls::{Called, call};
use change::login_of;
pub(crate) use change::replace;
pub use change::update;
pub use checks::check_credential_stays;
use checks::{check, check_author, check_managed, check_room, not_granted, taken, written};
pub(crate) use connections::Connections;
pub use discovery::{Discovered, Found, discover, discovered};
pub(crate) use drift::settle;
pub use health::{Health, health};
pub use importing::{Choice, Imports, Skipped, import};
pub(crate) use keeper::keep;
use record::{decide, finish};
use serde_json::json;
pub(crate) use shown::redactor;
pub use source::{
    Auth, AuthType, Command, Detail, ExternalSource, OauthGrant, OauthSettings, RefreshOwner,
    SourceTokens, Status, TokenState, Transport, Wish, command_of, grants_of, settings_of,
};
use store::Json;
pub(crate) use told::risk;
pub use told::{NamedAuth, address_of, host_of, of_status};
use uuid::Uuid;

use crate::audit;
use crate::identity::{Actor, Admin, Who};
use crate::servers;
use crate::{App, Error, Listed, Page, Result, clock, names};

/// What a file that decides about a source is called in `managed_by`.
pub const BY_CONFIGURATION: &str = "config";

/// The sources of a server, or of all, in the order they were added.
pub async fn list(app: &App, server_id: Option<Uuid>, page: Page) -> Result<Listed<Detail>> {
    if let Some(server_id) = server_id {
        servers::find(app, server_id).await?;
    }
    let Listed { items, total } =
        store::external_sources::list(app.store(), server_id, page).await?;
    with_tokens(app, items).await.map(|items| Listed { items, total })
}

/// The sources that wait for a person, the oldest first.
pub async fn waiting(app: &App, page: Page) -> Result<Listed<Detail>> {
    let Listed { items, total } = store::external_sources::waiting(app.store(), page).await?;
    with_tokens(app, items).await.map(|items| Listed { items, total })
}

async fn with_tokens(app: &App, sources: Vec<ExternalSource>) -> Result<Vec<Detail>> {
    let mut all = store::source_tokens::all(app.store()).await?;
    let mut take = |id: Uuid| {
        let found = all.iter().position(|tokens| tokens.source_id == id);
        found.map(|index| all.swap_remove(index))
    };
    Ok(sources.into_iter().map(|source| Detail { tokens: take(source.id), source }).collect())
}

/// One source.
pub async fn get(app: &App, id: Uuid) -> Result<Detail> {
    let source = find(app.store(), id).await?;
    let tokens = store::source_tokens::find(app.store(), id).await?;
    Ok(Detail { source, tokens })
}

/// The source of that name, or of `server/name`.
///
/// # Errors
/// [`Error::Conflict`] where several servers have one of that name.
pub async fn named(app: &App, name: &str) -> Result<Detail> {
    let of_server = match name.split_once('/') {
        Some((server, name)) => {
            let server = store::servers::find_by_name(app.store(), server).await?;
            server.map(|server| (server.id, name))
        }
        None => None,
    };
    let mut found = store::external_sources::all(app.store()).await?;
    found.retain(|source| {
        source.name == name || of_server == Some((source.server_id, source.name.as_str()))
    });
    match &found[..] {
        [] => Err(Error::not_found("External source", &name)),
        [one] => get(app, one.id).await,
        _ => Err(Error::Conflict(format!(
            "several servers have a source `{name}`; name one as server/{name}"
        ))),
    }
}

pub(crate) async fn find(db: &impl store::Connection, id: Uuid) -> Result<ExternalSource> {
    let found = store::external_sources::find(db, id).await?;
    found.ok_or_else(|| Error::not_found("External source", &id))
}

/// Adds a source to a server. One that a signed-in person adds is allowed with it; one that a model adds
/// waits for a person.
///
/// # Errors
/// [`Error::Invalid`] for what cannot be a source, [`Error::Denied`] for a command from a caller,
/// [`Error::Conflict`] for a name that is taken and where too many wait.
pub async fn add(app: &App, who: &Who, server_id: Uuid, wish: &Wish) -> Result<ExternalSource> {
    let server = servers::find(app, server_id).await?;
    let admin = match who {
        Who::Admin(admin) => Some(admin),
        Who::Caller(_) => None,
    };
    check_author(who, wish)?;
    let place = check(app, wish)?;
    if admin.is_none() {
        check_room(app, server_id).await?;
    }
    let now = clock::now();
    let source = ExternalSource {
        id: Uuid::now_v7(),
        server_id,
        enabled: true,
        managed_by: None,
        grants: Json(json!(
            admin.map(|_| place.into_iter().collect::<Vec<_>>()).unwrap_or_default()
        )),
        granted_at: admin.map(|_| now),
        granted_by: admin.map(|admin| admin.username.clone()),
        rejection_reason: None,
        failure: None,
        failed_at: None,
        discovered: None,
        tool_count: 0,
        last_discovered_at: None,
        created_by: who.to_string(),
        created_at: now,
        ..written(wish, now)
    };
    let transaction = audit::begin(app).await?;
    store::external_sources::insert(&transaction, &source)
        .await
        .map_err(|error| taken(error, &server, &source.name))?;
    let action = if admin.is_some() { "source.added" } else { "source.requested" };
    finish(transaction, who.into(), action, &source, None).await?;
    Ok(source)
}

/// Allows a source that waits, or was refused: its host can be connected to from now on. `shown` is the host that
/// the person was shown, where they were.
///
/// # Errors
/// [`Error::Conflict`] where the source is at another host by now than the person was shown.
pub async fn grant(
    app: &App,
    admin: &Admin,
    id: Uuid,
    shown: Option<&str>,
) -> Result<ExternalSource> {
    let before = find(app.store(), id).await?;
    let place = place::of(app, before.transport, before.url.as_deref())?;
    if let Some(shown) = shown
        && place.as_deref() != Some(shown)
    {
        return Err(Error::Conflict(format!(
            "source `{}` is at {} by now, not at {shown} as it was shown: look at it again and repeat",
            before.name,
            place.as_deref().unwrap_or("no host"),
        )));
    }
    if before.granted_at.is_some() {
        return Ok(before);
    }
    let now = clock::now();
    let source = ExternalSource {
        grants: Json(json!(place.into_iter().collect::<Vec<_>>())),
        granted_at: Some(now),
        granted_by: Some(admin.username.clone()),
        rejection_reason: None,
        updated_at: now,
        ..before.clone()
    };
    decide(app, admin, (&before, source), "source.granted", None).await
}

/// Refuses a source that waits, or takes back that it was allowed; its tools answer no more.
///
/// # Errors
/// [`Error::Invalid`] without a reason.
pub async fn reject(app: &App, admin: &Admin, id: Uuid, reason: &str) -> Result<ExternalSource> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::invalid("reason", "say why: whoever asked reads it"));
    }
    names::check_text("reason", reason)?;
    let before = find(app.store(), id).await?;
    check_managed(&before)?;
    let source = ExternalSource {
        grants: Json(json!([])),
        granted_at: None,
        granted_by: None,
        rejection_reason: Some(reason.to_owned()),
        updated_at: clock::now(),
        ..before.clone()
    };
    decide(app, admin, (&before, source), "source.rejected", Some(reason)).await
}

/// Lets a source be used, or not.
pub async fn set_enabled(
    app: &App,
    admin: &Admin,
    id: Uuid,
    enabled: bool,
) -> Result<ExternalSource> {
    let before = find(app.store(), id).await?;
    check_managed(&before)?;
    if before.enabled == enabled {
        return Ok(before);
    }
    let action = if enabled { "source.enabled" } else { "source.disabled" };
    let source = ExternalSource { enabled, updated_at: clock::now(), ..before.clone() };
    decide(app, admin, (&before, source), action, None).await
}

/// Allows a source further hosts, as those of the authorization server that it names.
pub async fn grant_hosts(
    app: &App,
    actor: impl Into<Actor>,
    id: Uuid,
    hosts: &[String],
) -> Result<ExternalSource> {
    allow_hosts(app, actor, id, (hosts, None)).await
}

/// As [`grant_hosts`], with why.
async fn allow_hosts(
    app: &App,
    actor: impl Into<Actor>,
    id: Uuid,
    (hosts, reason): (&[String], Option<&str>),
) -> Result<ExternalSource> {
    let before = find(app.store(), id).await?;
    if before.granted_at.is_none() {
        return Err(not_granted(app, &before));
    }
    let mut grants = grants_of(&before);
    for host in hosts {
        let host = place::normal(app, host)?;
        if !grants.contains(&host) {
            grants.push(host);
        }
    }
    if grants == grants_of(&before) {
        return Ok(before);
    }
    let source =
        ExternalSource { grants: Json(json!(grants)), updated_at: clock::now(), ..before.clone() };
    decide(app, actor, (&before, source), "source.hosts_granted", reason).await
}

/// Removes a source with its credentials. What was imported from it stays for people and is kept from clients.
pub async fn delete(app: &App, admin: &Admin, id: Uuid) -> Result<ExternalSource> {
    let source = find(app.store(), id).await?;
    check_managed(&source)?;
    remove(app, admin.into(), source).await
}

/// Before a server is deleted: refuses that where it has a source that whoever deletes it must not take away, and
/// gives back what its sources hold.
pub(crate) async fn release(app: &App, who: &Who, server_id: Uuid) -> Result<()> {
    let mut sources = store::external_sources::all(app.store()).await?;
    sources.retain(|source| source.server_id == server_id);
    for source in &sources {
        check_managed(source)?;
        if matches!(who, Who::Caller(_)) && source.granted_at.is_some() {
            return Err(Error::Conflict(format!(
                "the server has the external source `{}`, which a person allowed: a person has to delete it {}",
                source.name,
                told::page(app, source.id)
            )));
        }
    }
    let each = sources.iter().map(|source| oauth::give_back(app, Actor::from(who), source));
    futures::future::join_all(each).await;
    Ok(())
}

pub(crate) async fn remove(
    app: &App,
    actor: Actor,
    source: ExternalSource,
) -> Result<ExternalSource> {
    oauth::give_back(app, actor.clone(), &source).await;
    let transaction = audit::begin(app).await?;
    if !store::external_sources::delete(&transaction, source.id).await? {
        return Err(Error::not_found("External source", &source.id));
    }
    store::secrets::delete_of_source(&transaction, source.id, None).await?;
    drift::orphan(&transaction, &source).await?;
    finish(transaction, actor, "source.deleted", &source, None).await?;
    app.connections().heed(source.id, None);
    Ok(source)
}
