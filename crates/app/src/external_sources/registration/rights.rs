//! What a program may change that the operator lets in without a token: what such programs registered, and no more.

use store::external_sources::ExternalSource;
use url::Url;
use uuid::Uuid;

use super::Registration;
use crate::external_sources::connections::SECRET;
use crate::external_sources::{Auth, command_of, oauth, settings_of};
use crate::identity::Admin;
use crate::{App, Error, Page, Result};

/// How many secrets of a server are looked at.
const SECRETS: u64 = 500;

/// Refuses a program without a token where it was not such a program that registered the source, or a person
/// decided otherwise since.
///
/// # Errors
/// [`Error::Denied`] saying who did.
pub fn check_own(admin: &Admin, source: &ExternalSource) -> Result<()> {
    if !admin.is_unsigned() {
        return Ok(());
    }
    let advice = "send the access token of POST /auth/login";
    if source.created_by != admin.username {
        return Err(Error::Denied(format!(
            "gateway `{}` was added by `{}`, and a program without a token changes only what such programs registered: {advice}",
            source.name, source.created_by
        )));
    }
    match &source.rejection_reason {
        Some(reason) if source.granted_at.is_none() => Err(Error::Denied(format!(
            "a person refused gateway `{}` ({reason}), which a program without a token does not change: {advice}",
            source.name
        ))),
        _ => Ok(()),
    }
}

/// Refuses a program without a token where a person has decided about what it changes: that it is switched off, or
/// that tools of that place are called.
pub(super) async fn check_decided(
    app: &App,
    admin: &Admin,
    before: &ExternalSource,
    registration: &Registration,
) -> Result<()> {
    if !admin.is_unsigned() {
        return Ok(());
    }
    let refused = |what: &str| {
        Err(Error::Denied(format!(
            "gateway `{}` {what} at the word of a program without a token: send the access token of POST /auth/login",
            before.name
        )))
    };
    if registration.enabled == Some(true) && !before.enabled {
        return refused("is not switched on again");
    }
    if before.url == registration.wish.url {
        return Ok(());
    }
    let imported = store::tools::imported(app.store(), before.server_id).await?;
    let is_live = imported.into_iter().any(|(tool, newest)| {
        let source = newest.imported.map(|imported| imported.source_id);
        tool.live_revision.is_some() && source == Some(before.id)
    });
    if is_live { refused("is not moved, as people have approved tools of it,") } else { Ok(()) }
}

/// Refuses to send what is kept for OAuth to endpoints that a program without a token names, unless it brings all
/// of it itself.
pub(super) async fn check_endpoints(
    app: &App,
    admin: &Admin,
    before: &ExternalSource,
    registration: &Registration,
) -> Result<()> {
    let Auth::Oauth(settings) = &registration.wish.auth else { return Ok(()) };
    // Another address forgets what was kept.
    if !admin.is_unsigned() || before.url != registration.wish.url {
        return Ok(());
    }
    let origin = |url: &Option<String>| Some(Url::parse(url.as_deref()?).ok()?.origin());
    let old = settings_of(before);
    let moves =
        |old: &Option<String>, new: &Option<String>| new.is_some() && origin(old) != origin(new);
    let endpoints = [
        (&old.issuer, &settings.issuer),
        (&old.token_url, &settings.token_url),
        (&old.revoke_url, &settings.revoke_url),
    ];
    let is_same_client = old.client_id == settings.client_id;
    if is_same_client && !endpoints.into_iter().any(|(old, new)| moves(old, new)) {
        return Ok(());
    }
    let brought = registration.oauth.as_ref();
    let (secret, key) = oauth::has_credentials(app, before.id).await?;
    let has_tokens = store::source_tokens::find(app.store(), before.id).await?.is_some();
    let lacks_secret = secret && brought.is_none_or(|brought| brought.client_secret.is_none());
    let lacks_tokens = has_tokens && brought.is_none_or(|brought| brought.tokens.is_none());
    if !(key || lacks_secret || lacks_tokens) {
        return Ok(());
    }
    Err(Error::Denied(format!(
        "the tokens and the client of gateway `{}` are not sent to another origin at the word of a program without a token: bring client_secret and access_token anew in the same request, or send the access token of POST /auth/login",
        before.name
    )))
}

/// Refuses to write over secrets of the server that the source does not use.
pub(super) async fn check_keys(
    app: &App,
    before: &ExternalSource,
    registration: &Registration,
) -> Result<()> {
    let command = command_of(before).unwrap_or_default();
    for (key, _) in &registration.secrets {
        let variable = format!("{SECRET}{key}");
        let is_used = before.auth_secret_name.as_ref() == Some(key)
            || command.env.values().any(|value| *value == variable);
        let row = store::secrets::find(app.store(), before.server_id, key).await?;
        if !is_used && row.is_some_and(|row| row.sealed.is_some()) {
            return Err(Error::Conflict(format!(
                "the server of gateway `{}` has another secret `{key}` already: remove that first, or register the gateway under another name",
                before.name
            )));
        }
    }
    Ok(())
}

/// Whether a server goes with the last that was on it: a program without a token takes no secrets of people along.
pub(super) async fn may_remove_server(app: &App, admin: &Admin, server_id: Uuid) -> Result<bool> {
    if !admin.is_unsigned() {
        return Ok(true);
    }
    let page = Page { number: 1, size: SECRETS };
    let secrets = store::secrets::list(app.store(), server_id, page).await?;
    Ok(secrets.total <= SECRETS && secrets.items.iter().all(|it| it.created_by == admin.username))
}
