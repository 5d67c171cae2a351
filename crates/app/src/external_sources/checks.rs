//! What cannot be a source, and who may not change one; the columns that a wish fills.

use serde_json::json;
use store::Json;
use url::Url;
use uuid::Uuid;

use super::place::URL_MAX;
use super::told::page;
use super::{
    Auth, AuthType, ExternalSource, OauthSettings, RefreshOwner, Transport, Wish, credentials,
    place,
};
use crate::identity::Who;
use crate::servers::Server;
use crate::{App, Error, Page, Result, names};

/// The most characters of a source's name.
const NAME_MAX: usize = 255;

/// How many sources of one server may wait for a person.
const WAITING_MAX: usize = 20;

/// The columns that a wish fills.
pub(super) fn written(wish: &Wish, now: chrono::DateTime<chrono::Utc>) -> ExternalSource {
    let (auth_type, secret, field, oauth) = match &wish.auth {
        Auth::None => (AuthType::None, None, None, None),
        Auth::Bearer { secret } => (AuthType::Bearer, Some(secret.clone()), None, None),
        Auth::Header { field, secret } => {
            (AuthType::Header, Some(secret.clone()), field.clone(), None)
        }
        Auth::Oauth(settings) => (AuthType::Oauth, None, None, Some(Json(json!(settings)))),
    };
    ExternalSource {
        id: Uuid::nil(),
        server_id: Uuid::nil(),
        name: wish.name.clone(),
        description: wish.description.clone(),
        transport: wish.transport,
        url: wish.url.clone(),
        command: wish.command.as_ref().map(|command| Json(json!(command))),
        auth_type,
        auth_secret_name: secret,
        auth_header_name: field,
        oauth,
        refresh_owner: RefreshOwner::Gateway,
        imports_all: false,
        enabled: true,
        managed_by: None,
        grants: Json(json!([])),
        granted_at: None,
        granted_by: None,
        rejection_reason: None,
        failure: None,
        failed_at: None,
        discovered: None,
        tool_count: 0,
        last_discovered_at: None,
        created_by: String::new(),
        created_at: now,
        updated_at: now,
    }
}

/// Refuses what cannot be a source; returns the host that it needs, as `host:port`.
pub(super) fn check(app: &App, wish: &Wish) -> Result<Option<String>> {
    let length = wish.name.chars().count();
    if !(1..=NAME_MAX).contains(&length) || wish.name.contains(char::is_control) {
        let reason = format!("expected 1 to {NAME_MAX} characters in one line");
        return Err(Error::invalid("name", reason));
    }
    names::check_description(&wish.description)?;
    credentials::check(&wish.auth, wish.transport)?;
    if let Auth::Oauth(settings) = &wish.auth {
        check_settings(settings)?;
        hosts(app, wish)?;
    }
    match (wish.transport, &wish.url, &wish.command) {
        (Transport::Stdio, None, Some(command)) => place::check_command(command).map(|()| None),
        (Transport::Stdio, ..) => {
            Err(Error::invalid("command", "a source over stdio has a command and no url"))
        }
        (_, Some(url), None) => {
            place::check_encryption(url, &wish.auth)?;
            place::of(app, wish.transport, Some(url))
        }
        (_, None, _) => Err(Error::invalid("url", "say where the source is: https://…/mcp")),
        (_, Some(_), Some(_)) => {
            Err(Error::invalid("command", "a source at an address has no command"))
        }
    }
}

/// The hosts beside the source's own that its settings of OAuth name.
pub(super) fn hosts(app: &App, wish: &Wish) -> Result<Vec<String>> {
    let Auth::Oauth(settings) = &wish.auth else { return Ok(Vec::new()) };
    let mut hosts = Vec::new();
    for (field, url) in [
        ("issuer", &settings.issuer),
        ("authorization_url", &settings.authorization_url),
        ("token_url", &settings.token_url),
        ("revoke_url", &settings.revoke_url),
    ] {
        let Some(url) = url else { continue };
        let checked = place::check_encryption(url, &wish.auth)
            .and_then(|()| place::of(app, Transport::StreamableHttp, Some(url)));
        let host = checked.map_err(|error| match error {
            Error::Invalid { reason, .. } => Error::Invalid { field, reason },
            error => error,
        })?;
        hosts.extend(host);
    }
    Ok(hosts)
}

/// Refuses what can be no setting of OAuth.
fn check_settings(settings: &OauthSettings) -> Result<()> {
    let method = settings.token_endpoint_auth_method.as_deref();
    if !matches!(method, None | Some("client_secret_basic" | "client_secret_post")) {
        let reason = "expected client_secret_basic or client_secret_post; a private key is used where one is set";
        return Err(Error::invalid("token_endpoint_auth_method", reason));
    }
    let OauthSettings { authorization_url, token_url, issuer, .. } = settings;
    // The source itself would name who gets the code of that login, and the client's secret.
    if authorization_url.is_some() && token_url.is_none() && issuer.is_none() {
        let reason = "give it with authorization_url, or give issuer: what comes of a login belongs to that server";
        return Err(Error::invalid("token_url", reason));
    }
    let Some(resource) = &settings.resource else { return Ok(()) };
    let is_name = Url::parse(resource).is_ok_and(|url| url.fragment().is_none());
    if is_name && resource.len() <= URL_MAX {
        return Ok(());
    }
    Err(Error::invalid("resource", "expected an absolute URI without a fragment"))
}

/// Refuses what a model may not add.
pub(super) fn check_author(who: &Who, wish: &Wish) -> Result<()> {
    let Who::Caller(caller) = who else { return Ok(()) };
    if !caller.scopes.author {
        return Err(Error::Denied("this token has no `author` scope".to_owned()));
    }
    if wish.transport == Transport::Stdio {
        return Err(Error::Denied(
            "a source over stdio is a command of this machine, which only a person adds, on the admin page"
                .to_owned(),
        ));
    }
    Ok(())
}

pub(super) async fn check_room(app: &App, server_id: Uuid) -> Result<()> {
    let page = Page { number: 1, size: 500 };
    let listed = store::external_sources::waiting(app.store(), page).await?;
    let waiting = listed.items.iter().filter(|source| source.server_id == server_id).count();
    if waiting < WAITING_MAX {
        return Ok(());
    }
    Err(Error::Conflict(format!(
        "{WAITING_MAX} sources of this server wait already; ask your user to decide about them first"
    )))
}

/// Refuses to change by hand what a file decides about.
pub(super) fn check_managed(source: &ExternalSource) -> Result<()> {
    match source.managed_by {
        None => Ok(()),
        Some(_) => Err(Error::Conflict(format!(
            "source `{}` comes from the configuration file: change it there and reload (SIGHUP)",
            source.name
        ))),
    }
}

/// Refuses that a credential follows a source to another origin by itself: whoever moves the source names what is
/// sent there. `field` is where they do so.
///
/// # Errors
/// [`Error::Invalid`] naming that field.
pub fn check_credential_stays(
    before: &ExternalSource,
    url: Option<&str>,
    field: &'static str,
) -> Result<()> {
    let origin = |url: Option<&str>| Some(Url::parse(url?).ok()?.origin());
    let is_sent = matches!(before.auth_type, AuthType::Bearer | AuthType::Header);
    if !is_sent || url.is_none() || origin(before.url.as_deref()) == origin(url) {
        return Ok(());
    }
    let reason = "the source moves to another origin, and its credential does not follow by itself: say in the same request how it authenticates there";
    Err(Error::invalid(field, reason))
}

pub(super) fn not_granted(app: &App, source: &ExternalSource) -> Error {
    let why = match &source.rejection_reason {
        Some(reason) => format!("a person refused it ({reason})"),
        None => format!("a person has to allow it first {}", page(app, source.id)),
    };
    Error::Conflict(format!("source `{}` is not connected to: {why}", source.name))
}

pub(super) fn taken(error: store::Error, server: &Server, name: &str) -> Error {
    if error.is_duplicate() {
        return Error::Conflict(format!(
            "server `{}` has a source `{name}` already; use that one or choose another name",
            server.name
        ));
    }
    error.into()
}
