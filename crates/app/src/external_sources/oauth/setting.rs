//! What people and other programs set: the credentials of a client, tokens, and that a source is connected no more.

use chrono::TimeDelta;
use oauth::{PrivateKey, Scopes, Secret, Tokens};
use secrecy::{ExposeSecret as _, SecretString};
use store::external_sources::RefreshOwner;
use store::source_tokens::{self, State};
use uuid::Uuid;

use super::kept::{self, Held};
use super::login::check;
use super::{NewKey, NewTokens, discovery, storing};
use crate::audit::{self, Event};
use crate::external_sources::{credentials, find, settings_of};
use crate::identity::Actor;
use crate::{App, Error, Result, clock};

/// The longest secret of a client, and the longest token, in bytes.
const LONGEST: usize = 16 << 10;

/// Sets the client's secret of a source, or takes it away.
///
/// # Errors
/// [`Error::Invalid`] for what can be none; the text does not repeat it.
pub async fn set_client_secret(
    app: &App,
    actor: impl Into<Actor>,
    source_id: Uuid,
    secret: Option<SecretString>,
) -> Result<()> {
    if let Some(secret) = &secret {
        check_text("client_secret", secret)?;
    }
    set(app, actor.into(), source_id, (kept::CLIENT_SECRET, "client_secret", secret)).await
}

/// Sets the private key by which the client of a source shows who it is, or takes it away.
///
/// # Errors
/// [`Error::Invalid`] for what is no key.
pub async fn set_private_key(
    app: &App,
    actor: impl Into<Actor>,
    source_id: Uuid,
    key: Option<NewKey>,
) -> Result<()> {
    let written = key.map(|key| {
        let read = PrivateKey::read(&Secret::from(key.pem), key.algorithm.as_deref());
        let read = read.map_err(|error| Error::invalid("private_key", error.to_string()))?;
        let read = read.with_key_id(key.key_id).with_audience(key.audience);
        let written = serde_json::to_string(&read);
        written.map(SecretString::from).map_err(|error| Error::Internal(error.into()))
    });
    let written = written.transpose()?;
    set(app, actor.into(), source_id, (kept::PRIVATE_KEY, "private_key", written)).await
}

async fn set(
    app: &App,
    actor: Actor,
    source_id: Uuid,
    (key, what, value): (&str, &'static str, Option<SecretString>),
) -> Result<()> {
    let source = find(app.store(), source_id).await?;
    let transaction = audit::begin(app).await?;
    let action = if let Some(value) = &value {
        let kept = (key, value.expose_secret());
        credentials::keep(app, &transaction, &source, kept).await?;
        "source.credential_set"
    } else {
        credentials::remove(&transaction, source_id, key).await?;
        "source.credential_cleared"
    };
    // Whoever sets it says to whom it belongs now.
    credentials::remove(&transaction, source_id, kept::SHOWN_TO).await?;
    tracing::info!(source = %source.name, by = %actor.name, what, "{action}");
    let event = Event::new(action, &source.name).id(source_id).with("credential", what);
    audit::record(&transaction, actor, event).await?;
    store::changes::publish(&transaction).await?;
    Ok(transaction.commit().await?)
}

fn check_text(field: &'static str, value: &SecretString) -> Result<()> {
    let value = value.expose_secret();
    let is_text = value.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
    if value.is_empty() || value.len() > LONGEST || !is_text {
        let reason = format!("expected 1 to {LONGEST} visible characters of ASCII");
        return Err(Error::invalid(field, reason));
    }
    Ok(())
}

/// Which credentials of a client are set for a source: whether a secret, whether a private key.
pub async fn has_credentials(app: &App, source_id: Uuid) -> Result<(bool, bool)> {
    let secret = credentials::has(app, source_id, kept::CLIENT_SECRET).await?;
    Ok((secret, credentials::has(app, source_id, kept::PRIVATE_KEY).await?))
}

/// Whether that is the secret of a source's client already.
pub(in super::super) async fn is_client_secret(
    app: &App,
    source_id: Uuid,
    secret: &SecretString,
) -> Result<bool> {
    let kept = credentials::read(app, source_id, kept::CLIENT_SECRET).await?;
    Ok(kept.is_some_and(|kept| kept.expose_secret() == secret.expose_secret()))
}

/// Keeps tokens that somebody brings. Whoever brings them renews them, unless this program has a client of
/// its own to do so (`refresh_owner`).
///
/// # Errors
/// [`Error::Conflict`] where this program renews the tokens itself already, [`Error::Invalid`] for what is no
/// bearer token.
pub async fn put_tokens(
    app: &App,
    actor: impl Into<Actor>,
    source_id: Uuid,
    tokens: NewTokens,
) -> Result<()> {
    let source = find(app.store(), source_id).await?;
    check(app, &source)?;
    let before = source_tokens::find(app.store(), source_id).await?;
    let is_ours = before.is_some_and(|row| row.state == State::Connected)
        && source.refresh_owner == RefreshOwner::Gateway;
    if is_ours {
        return Err(Error::Conflict(format!(
            "the tokens of source `{}` are renewed here (refresh_owner is gateway): disconnect it first to bring others",
            source.name
        )));
    }
    let (secret, key) = has_credentials(app, source_id).await?;
    let has_client = settings_of(&source).client_id.is_some() && (secret || key);
    // Whoever was to renew them goes on to; this program only where it can.
    let renews = has_client && source.refresh_owner == RefreshOwner::Gateway;
    let refresh_owner = if renews { RefreshOwner::Gateway } else { RefreshOwner::Client };
    let held = Held {
        version: 0,
        tokens: read(tokens)?,
        resource: match settings_of(&source).resource {
            Some(resource) => resource,
            None => oauth::canonical(&discovery::address(&source)?),
        },
        server: None,
        client: None,
    };
    let action = "source.tokens_set";
    storing::replace(app, &source, held, storing::By { actor: actor.into(), action, refresh_owner })
        .await
}

/// Removes what a client shows of itself that a person wrote down.
pub(in super::super) async fn forget_client(
    transaction: &store::Transaction,
    source_id: Uuid,
) -> Result<()> {
    for key in [kept::CLIENT_SECRET, kept::PRIVATE_KEY] {
        credentials::remove(transaction, source_id, key).await?;
    }
    Ok(())
}

fn read(new: NewTokens) -> Result<Tokens> {
    check_text("access_token", &new.access_token)?;
    if new.access_token.expose_secret().contains(' ') {
        return Err(Error::invalid("access_token", "holds a space: give the token alone"));
    }
    if let Some(refresh) = &new.refresh_token {
        check_text("refresh_token", refresh)?;
    }
    if new.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(Error::invalid("token_type", "only bearer tokens are known"));
    }
    let now = clock::now();
    Ok(Tokens {
        access: new.access_token.into(),
        refresh: new.refresh_token.map(Secret::from),
        scopes: Scopes::read(new.scope.as_deref().unwrap_or_default()),
        obtained_at: now,
        expires_at: new.expires_at.unwrap_or(now + TimeDelta::hours(1)),
    })
}
