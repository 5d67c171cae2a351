//! The sources that a file of the operator decides about: each is made what its entry says, and those without an
//! entry go.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use store::external_sources::ExternalSource;
use tokio::time::Instant;

use super::super::{BY_CONFIGURATION, credentials, grants_of, oauth, replace, written};
use super::{
    PATIENCE, Registration, check, follow_now, forget, insert, keep_oauth, list_now, owner,
    server_for, set_secret,
};
use crate::identity::{Actor, Admin};
use crate::servers::Server;
use crate::{App, Error, Result, clock};

/// How often an entry is tried that another process applies at the same time.
const ATTEMPTS: usize = 5;

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// There was no such source.
    Added,
    /// It was another one.
    Changed,
    /// It is what the entry says already.
    Unchanged,
}

/// Refuses an entry that cannot be applied, before any is.
///
/// # Errors
/// [`Error::Invalid`] naming the field.
pub fn check_entry(app: &App, entry: &Registration) -> Result<()> {
    crate::names::check_server(&entry.server)?;
    check(app, entry).map(drop)
}

/// Makes a source what its entry says. Several processes may do so at once.
///
/// # Errors
/// [`Error::Invalid`] for what cannot be a source.
pub async fn apply(app: &App, entry: &Registration) -> Result<Applied> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        match apply_once(app, entry).await {
            // Somebody else does the same; what is right by then is left alone.
            Err(Error::Conflict(_) | Error::Busy { .. }) if attempt < ATTEMPTS => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            applied => return applied,
        }
    }
}

async fn apply_once(app: &App, entry: &Registration) -> Result<Applied> {
    let admin = Admin::operator(BY_CONFIGURATION);
    let actor = Actor::from(&admin);
    let hosts = check(app, entry)?;
    let server = server_for(app, &admin, entry).await?;
    let name = &entry.wish.name;
    let found = store::external_sources::find_by_name(app.store(), server.id, name).await?;
    if let Some(before) = &found
        && is_same(app, &server, before, entry, &hosts).await?
    {
        return Ok(Applied::Unchanged);
    }
    for (key, value) in &entry.secrets {
        set_secret(app, &admin, &server, key, value).await?;
    }
    let (source, applied) = match found {
        None => {
            let source = insert(app, actor.clone(), &server, entry, Some(BY_CONFIGURATION)).await?;
            (source, Applied::Added)
        }
        Some(before) => {
            let managed_by = Some(BY_CONFIGURATION.to_owned());
            let (enabled, refresh_owner) = (is_enabled(entry), owner(entry));
            let before = ExternalSource { enabled, refresh_owner, ..before };
            let source = replace(app, actor.clone(), &before, &entry.wish, managed_by).await?;
            super::super::grant_hosts(app, &admin, source.id, &hosts).await?;
            (source, Applied::Changed)
        }
    };
    keep_oauth(app, &actor, source.id, entry).await?;
    let (app, id) = (app.clone(), source.id);
    tokio::spawn(async move {
        let until = Instant::now() + PATIENCE;
        follow_now(&app, actor, id).await;
        if let Err(error) = list_now(&app, id, until).await {
            tracing::error!(%error, "the tools of a configured source could not be listed");
        }
    });
    Ok(applied)
}

fn is_enabled(entry: &Registration) -> bool {
    entry.enabled.unwrap_or(true)
}

/// Whether a source is what its entry says, down to what is sealed.
async fn is_same(
    app: &App,
    server: &Server,
    source: &ExternalSource,
    entry: &Registration,
    hosts: &[String],
) -> Result<bool> {
    let now = clock::now();
    let said = ExternalSource {
        enabled: is_enabled(entry),
        managed_by: Some(BY_CONFIGURATION.to_owned()),
        refresh_owner: owner(entry),
        ..written(&entry.wish, now)
    };
    let row = |source: &ExternalSource| ExternalSource {
        name: source.name.clone(),
        description: source.description.clone(),
        transport: source.transport,
        url: source.url.clone(),
        command: source.command.clone(),
        auth_type: source.auth_type,
        auth_secret_name: source.auth_secret_name.clone(),
        auth_header_name: source.auth_header_name.clone(),
        oauth: source.oauth.clone(),
        refresh_owner: source.refresh_owner,
        enabled: source.enabled,
        managed_by: source.managed_by.clone(),
        ..written(&entry.wish, now)
    };
    let grants = grants_of(source);
    let is_allowed = source.granted_at.is_some() && hosts.iter().all(|host| grants.contains(host));
    if !is_allowed || row(&said) != row(source) {
        return Ok(false);
    }
    for (key, value) in &entry.secrets {
        match credentials::of_server(app, server.id, key).await {
            Ok(kept) if kept.expose_secret() == value.expose_secret() => {}
            Ok(_) | Err(Error::Conflict(_)) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    let Some(secret) = entry.oauth.as_ref().and_then(|oauth| oauth.client_secret.as_ref()) else {
        return Ok(true);
    };
    oauth::is_client_secret(app, source.id, secret).await
}

/// Removes the sources that a file decided about and that are not among these entries; gives their names.
pub async fn remove_others(app: &App, entries: &[&Registration]) -> Result<Vec<String>> {
    let admin = Admin::operator(BY_CONFIGURATION);
    let mut removed = Vec::new();
    for source in store::external_sources::all(app.store()).await? {
        let is_managed = source.managed_by.as_deref() == Some(BY_CONFIGURATION);
        if !is_managed || entries.iter().any(|entry| entry.wish.name == source.name) {
            continue;
        }
        let name = source.name.clone();
        match forget(app, &admin, source).await {
            Ok(()) => removed.push(name),
            // Another process was quicker.
            Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(removed)
}
