//! Registrations: sources that an administrator's program registers with all that belongs to them, in one step.
//!
//! A registration makes the server of that name where there is none, allows the hosts that it names, seals what is
//! secret of it, lists the tools at once and files them for review.

mod file;
mod known;
mod meaning;
mod rights;
mod standing;
mod words;
pub mod written;

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use store::Json;
use store::external_sources::{AuthType, ExternalSource, RefreshOwner, Transport};
use tokio::time::Instant;
use uuid::Uuid;

pub use self::file::{Applied, apply, check_entry, remove_others};
pub use self::meaning::understand;
pub use self::rights::check_own;
pub use self::standing::{Standing, standing};
use self::written::WrittenTokens;
use super::checks::hosts;
use super::oauth::{self, NewTokens};
use super::{Choice, Detail, Status, TokenState, Wish, discovery, importing};
use crate::audit;
use crate::identity::{Actor, Admin, Who};
use crate::servers::{self, Server};
use crate::{App, Error, Result, clock, secrets};

/// How long whoever registers a source waits for its tools; they are listed later where that is too short.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much of that may go by before who gives its tokens is known.
const FOLLOWING: Duration = Duration::from_secs(4);

/// What a registration comes to.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The name of its server.
    pub(super) server: String,
    /// The source.
    pub(super) wish: Wish,
    /// What becomes secrets of the server.
    pub(super) secrets: Vec<(String, SecretString)>,
    /// What is sealed for OAuth.
    pub(super) oauth: Option<OauthSecrets>,
    /// Whether the source may be used, where that is said.
    pub(super) enabled: Option<bool>,
    /// What had to be guessed, and what looks wrong.
    pub(super) warnings: Vec<String>,
}

impl Registration {
    /// The name of its server.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// What had to be guessed, and what looks wrong.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether it would run a command of this machine.
    pub fn is_command(&self) -> bool {
        self.wish.transport == Transport::Stdio
    }
}

/// What a registration brings for OAuth.
#[derive(Debug, Clone)]
pub(super) struct OauthSecrets {
    client_secret: Option<SecretString>,
    tokens: Option<NewTokens>,
    refresh_owner: RefreshOwner,
}

/// Registers a source: from now on its tools wait for review, or will once it can be reached.
///
/// # Errors
/// [`Error::Invalid`] for what cannot be a source, [`Error::Conflict`] for a name that is taken.
pub async fn register(
    app: &App,
    admin: &Admin,
    registration: &Registration,
) -> Result<ExternalSource> {
    check(app, registration)?;
    let server = server_for(app, admin, registration).await?;
    let name = &registration.wish.name;
    if let Some(found) = store::external_sources::find_by_name(app.store(), server.id, name).await?
    {
        return Err(Error::Conflict(format!(
            "a gateway named `{name}` exists, with the id {}: change that one, or choose another name",
            found.id
        )));
    }
    for (key, value) in &registration.secrets {
        let row = store::secrets::find(app.store(), server.id, key).await?;
        if row.is_some_and(|row| row.sealed.is_some()) {
            return Err(Error::Conflict(format!(
                "server `{}` has a secret `{key}` already: choose another name for the gateway",
                server.name
            )));
        }
        set_secret(app, admin, &server, key, value).await?;
    }
    let source = insert(app, admin.into(), &server, registration, None).await?;
    keep_oauth(app, &admin.into(), source.id, registration).await?;
    let until = Instant::now() + PATIENCE;
    follow_now(app, admin.into(), source.id).await;
    list_now(app, source.id, until).await?;
    super::find(app.store(), source.id).await
}

/// Changes a source that was registered.
///
/// # Errors
/// As [`register`]; [`Error::Conflict`] for one that a file decides about, [`Error::Denied`] for a program without a
/// token where another one added it.
pub async fn change(
    app: &App,
    admin: &Admin,
    before: &ExternalSource,
    registration: &Registration,
) -> Result<ExternalSource> {
    check_own(admin, before)?;
    rights::check_decided(app, admin, before, registration).await?;
    rights::check_endpoints(app, admin, before, registration).await?;
    let hosts = check(app, registration)?;
    if registration.oauth.as_ref().is_some_and(|oauth| oauth.tokens.is_some()) {
        check_renewed_elsewhere(app, before).await?;
        if before.granted_at.is_none() && before.url == registration.wish.url {
            return Err(super::not_granted(app, before));
        }
    }
    let server = servers::find(app, before.server_id).await?;
    rights::check_keys(app, before, registration).await?;
    if before.url != registration.wish.url {
        // What was set for the one place is not sent to the other before what comes is set.
        for (key, _) in &registration.secrets {
            if secrets::exists(app, server.id, key).await? {
                secrets::clear(app, admin, server.id, key).await?;
            }
        }
    }
    let source = super::update(app, admin, before.id, &registration.wish).await?;
    for (key, value) in &registration.secrets {
        set_secret(app, admin, &server, key, value).await?;
    }
    if source.granted_at.is_some() {
        super::grant_hosts(app, admin, before.id, &hosts).await?;
    }
    keep_oauth(app, &admin.into(), before.id, registration).await?;
    if let Some(enabled) = registration.enabled {
        super::set_enabled(app, admin, before.id, enabled).await?;
    }
    let until = Instant::now() + PATIENCE;
    follow_now(app, admin.into(), before.id).await;
    list_now(app, before.id, until).await?;
    super::find(app.store(), before.id).await
}

/// Takes tokens that a client has renewed; what they cannot be taken for is told.
///
/// # Errors
/// [`Error::Conflict`] where this program renews them itself, [`Error::Invalid`] for what is no token.
pub async fn bring(
    app: &App,
    admin: &Admin,
    before: &ExternalSource,
    written: &WrittenTokens,
) -> Result<(Detail, Vec<String>)> {
    check_own(admin, before)?;
    let mut warnings = Vec::new();
    let tokens = words::tokens(written, &mut warnings)?;
    match (before.auth_type, &before.auth_secret_name) {
        (AuthType::Oauth, _) => {
            check_renewed_elsewhere(app, before).await?;
            oauth::put_tokens(app, admin, before.id, tokens).await?;
        }
        (AuthType::Bearer, Some(key)) => {
            super::check_managed(before)?;
            let server = servers::find(app, before.server_id).await?;
            set_secret(app, admin, &server, key, &tokens.access_token).await?;
        }
        _ => {
            return Err(Error::Conflict(format!(
                "gateway `{}` takes no token: register it with an `auth_config` of type `oauth2.1` or `bearer`",
                before.name
            )));
        }
    }
    if before.discovered.is_none() || before.failure.is_some() {
        list_now(app, before.id, Instant::now() + PATIENCE).await?;
    }
    Ok((super::get(app, before.id).await?, warnings))
}

/// Refuses tokens for a source whose tokens this program renews: two that renew use up each other's.
async fn check_renewed_elsewhere(app: &App, source: &ExternalSource) -> Result<()> {
    let tokens = store::source_tokens::find(app.store(), source.id).await?;
    let is_connected = tokens.is_some_and(|tokens| tokens.state == TokenState::Connected);
    if !is_connected || source.refresh_owner == RefreshOwner::Client {
        return Ok(());
    }
    Err(Error::Conflict(format!(
        "mcpbox renews the tokens of gateway `{}` itself: leave that to it, disconnect it first, or register it with `\"refresh_owner\": \"client\"`",
        source.name
    )))
}

/// Removes a source with all that came of it: the tools that were imported from it, and its server where nothing
/// else is left there.
pub async fn unregister(app: &App, admin: &Admin, source: ExternalSource) -> Result<()> {
    super::check_managed(&source)?;
    check_own(admin, &source)?;
    forget(app, admin, source).await
}

/// As [`unregister`], also for what a file decides about.
async fn forget(app: &App, admin: &Admin, source: ExternalSource) -> Result<()> {
    let source = super::remove(app, admin.into(), source).await?;
    let who = Who::from(admin.clone());
    for (tool, newest) in store::tools::imported(app.store(), source.server_id).await? {
        if newest.imported.is_some_and(|imported| imported.source_id == source.id) {
            crate::tools::delete(app, &who, tool.id).await?;
        }
    }
    let left = servers::get(app, source.server_id).await?;
    let first = crate::Page { number: 1, size: 1 };
    let others = super::list(app, Some(source.server_id), first).await?;
    let is_bare = left.tool_count == 0 && others.total == 0;
    if is_bare && rights::may_remove_server(app, admin, source.server_id).await? {
        servers::delete(app, &who, source.server_id).await?;
    }
    Ok(())
}

/// Refuses what cannot be registered; gives the hosts beside the source's own that it names.
fn check(app: &App, registration: &Registration) -> Result<Vec<String>> {
    super::check(app, &registration.wish)?;
    for (_, value) in &registration.secrets {
        secrets::check_value(value.expose_secret())?;
    }
    hosts(app, &registration.wish)
}

/// The server of that name; a new one where there is none.
async fn server_for(app: &App, admin: &Admin, registration: &Registration) -> Result<Server> {
    let name = &registration.server;
    if let Some(found) = store::servers::find_by_name(app.store(), name).await? {
        return Ok(found);
    }
    let who = Who::from(admin.clone());
    servers::create(app, &who, name, &registration.wish.description).await
}

/// Writes a new source, allowed by who registers it.
async fn insert(
    app: &App,
    actor: Actor,
    server: &Server,
    registration: &Registration,
    managed_by: Option<&str>,
) -> Result<ExternalSource> {
    let now = clock::now();
    let own = super::check(app, &registration.wish)?;
    let mut grants: Vec<String> = own.into_iter().collect();
    for host in check(app, registration)? {
        if !grants.contains(&host) {
            grants.push(host);
        }
    }
    let source = ExternalSource {
        id: Uuid::now_v7(),
        server_id: server.id,
        enabled: registration.enabled.unwrap_or(true),
        refresh_owner: owner(registration),
        imports_all: true,
        managed_by: managed_by.map(str::to_owned),
        grants: Json(json!(grants)),
        granted_at: Some(now),
        granted_by: Some(actor.name.clone()),
        created_by: actor.name.clone(),
        ..super::written(&registration.wish, now)
    };
    let transaction = audit::begin(app).await?;
    store::external_sources::insert(&transaction, &source)
        .await
        .map_err(|error| super::taken(error, server, &source.name))?;
    super::finish(transaction, actor, "source.added", &source, None).await?;
    Ok(source)
}

fn owner(registration: &Registration) -> RefreshOwner {
    registration.oauth.as_ref().map_or(RefreshOwner::Gateway, |oauth| oauth.refresh_owner)
}

/// Sets a secret of the server; makes it where there is none.
async fn set_secret(
    app: &App,
    admin: &Admin,
    server: &Server,
    key: &str,
    value: &SecretString,
) -> Result<()> {
    if !secrets::exists(app, server.id, key).await? {
        let who = Who::from(admin.clone());
        let made = secrets::create(app, &who, server.id, key, "Credential of a source").await;
        match made {
            // Another process was quicker.
            Err(Error::Conflict(_)) => {}
            made => drop(made?),
        }
    }
    secrets::set(app, admin, server.id, key, value.clone()).await.map(drop)
}

/// Keeps what is sealed for OAuth, and who renews it.
async fn keep_oauth(app: &App, actor: &Actor, id: Uuid, registration: &Registration) -> Result<()> {
    let Some(brought) = &registration.oauth else { return Ok(()) };
    if let Some(secret) = &brought.client_secret {
        oauth::set_client_secret(app, actor.clone(), id, Some(secret.clone())).await?;
    }
    if let Some(tokens) = &brought.tokens {
        oauth::put_tokens(app, actor.clone(), id, tokens.clone()).await?;
    }
    store::external_sources::set_refresh_owner(app.store(), id, brought.refresh_owner).await?;
    Ok(())
}

/// Allows the authorization server that a source names, as far as that does not take long: it is tried again when a
/// token is renewed.
async fn follow_now(app: &App, actor: Actor, id: Uuid) {
    match tokio::time::timeout(FOLLOWING, oauth::follow(app, actor, id)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(source = %id, %error, "the authorization server of a source is not known yet");
        }
        Err(_) => {
            tracing::warn!(source = %id, "the authorization server of a source was not found within {FOLLOWING:?}");
        }
    }
}

/// Lists the tools of a source, as far as that does not take long.
async fn list_now(app: &App, id: Uuid, until: Instant) -> Result<()> {
    let detail = super::get(app, id).await?;
    if !matches!(detail.status(), Status::Active | Status::Error) {
        return Ok(());
    }
    match tokio::time::timeout_at(until, discovery::refresh(app, id)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => {
            tracing::warn!(source = %detail.source.name, %error, "a source that was registered cannot be listed yet");
        }
        Err(_) => {
            tracing::warn!(source = %detail.source.name, "a source that was registered did not list its tools within {PATIENCE:?}");
        }
    }
    Ok(())
}

/// Imports all tools of a source that was just listed for the first time, and files them for review.
pub(super) async fn import_all(app: &App, source: &ExternalSource) {
    let who = Who::from(Admin::operator(&source.created_by));
    let imported = async {
        let imports = importing::import(app, &who, source.id, Choice::All, true).await?;
        for skipped in &imports.skipped {
            tracing::warn!(source = %source.name, tool = %skipped.name, "not imported: {}", skipped.reason);
        }
        store::external_sources::set_all_imported(app.store(), source.id).await?;
        Ok::<_, Error>(())
    };
    if let Err(error) = imported.await {
        tracing::error!(source = %source.name, %error, "the tools of a source could not be imported");
    }
}
