//! Bearer tokens for callers of the MCP door.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Duration;
use rand::Rng as _;
use sha2::{Digest, Sha256};
pub use store::tokens::Token;
use uuid::Uuid;

use crate::audit::{self, Event};
use crate::identity::{Actor, Admin};
use crate::{App, Error, Result, clock};

/// What every token begins with, so that scanners and people recognise one that leaked.
const PREFIX: &str = "mcpbox_";

/// How often the time of a token's last use is written at most.
const TOUCH_EVERY: Duration = Duration::seconds(60);

/// What a new token is to be.
#[derive(Debug, Clone)]
pub struct New {
    /// The caller's name in the logs, unique.
    pub name: String,
    /// May list and call approved tools.
    pub call: bool,
    /// May use the management tools.
    pub author: bool,
    /// Days until it ends; never when absent.
    pub expires_in_days: Option<u32>,
}

/// Makes a token; the second value is the token itself, which is shown this once.
pub async fn create(app: &App, admin: &Admin, new: New) -> Result<(Token, String)> {
    issue(app, admin.into(), new).await
}

/// As [`create`], for the command line.
pub async fn create_by(app: &App, by: &str, new: New) -> Result<(Token, String)> {
    issue(app, Actor::local(by), new).await
}

async fn issue(app: &App, by: Actor, new: New) -> Result<(Token, String)> {
    check(&new)?;
    let value = format!("{PREFIX}{}", random());
    let now = clock::now();
    let token = Token {
        id: Uuid::now_v7(),
        name: new.name.clone(),
        token_hash: hash_of(&value),
        can_call: new.call,
        can_author: new.author,
        created_by: by.name.clone(),
        created_at: now,
        expires_at: new.expires_in_days.map(|days| now + Duration::days(i64::from(days))),
        last_used_at: None,
        revoked_at: None,
    };
    let transaction = audit::begin(app).await?;
    store::tokens::insert(&transaction, &token).await.map_err(|error| match error {
        error if error.is_duplicate() => {
            Error::Conflict(format!(
                "there is, or was, a token named `{}`; choose another name, so that the log stays clear",
                new.name
            ))
        }
        error => error.into(),
    })?;
    let event = Event::new("token.created", &token.name)
        .id(token.id)
        .with("call", token.can_call)
        .with("author", token.can_author)
        .with("expires_at", token.expires_at.map(|at| at.to_rfc3339()));
    tracing::info!(name = %token.name, by = %by.name, "token created");
    audit::record(&transaction, by, event).await?;
    transaction.commit().await?;
    Ok((token, value))
}

/// All tokens, revoked and expired ones too.
pub async fn list(app: &App) -> Result<Vec<Token>> {
    Ok(store::tokens::list(app.store()).await?)
}

/// Ends a token at once.
pub async fn revoke(app: &App, admin: &Admin, id: Uuid) -> Result<()> {
    end(app, admin.into(), id).await
}

/// As [`revoke`], for the command line.
pub async fn revoke_by(app: &App, by: &str, id: Uuid) -> Result<()> {
    end(app, Actor::local(by), id).await
}

async fn end(app: &App, by: Actor, id: Uuid) -> Result<()> {
    let token = store::tokens::find(app.store(), id).await?;
    let token = token.ok_or_else(|| Error::not_found("Token", &id))?;
    let transaction = audit::begin(app).await?;
    if !store::tokens::revoke(&transaction, id, clock::now()).await? {
        return Err(Error::Conflict(format!("the token `{}` is revoked already", token.name)));
    }
    tracing::info!(%id, by = %by.name, "token revoked");
    audit::record(&transaction, by, Event::new("token.revoked", &token.name).id(id)).await?;
    transaction.commit().await?;
    Ok(())
}

/// Whether a token can still be used: known, not revoked and not expired.
///
/// # Errors
/// When the database fails.
pub async fn is_active(app: &App, id: Uuid) -> Result<bool> {
    let token = store::tokens::find(app.store(), id).await?;
    Ok(token.is_some_and(|token| is_good(&token)))
}

/// The token that a caller showed, if it is known, not revoked and not expired.
pub async fn authenticate(app: &App, bearer: &str) -> Result<Option<Token>> {
    // The value is looked up by its hash, so comparing takes the same time for every guess.
    let found = store::tokens::find_by_hash(app.store(), &hash_of(bearer)).await?;
    let now = clock::now();
    let Some(token) = found.filter(is_good) else { return Ok(None) };
    if token.last_used_at.is_none_or(|used| now - used > TOUCH_EVERY) {
        store::tokens::touch(app.store(), token.id, now).await?;
    }
    Ok(Some(token))
}

fn is_good(token: &Token) -> bool {
    token.revoked_at.is_none() && token.expires_at.is_none_or(|end| end > clock::now())
}

/// Whether any token could authenticate now.
pub async fn any_active(app: &App) -> Result<bool> {
    Ok(store::tokens::count_active(app.store(), clock::now()).await? > 0)
}

/// 256 random bits as text.
pub(crate) fn random() -> String {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What the database keeps of a random token. A plain hash is enough for 256 random bits.
pub(crate) fn hash_of(value: &str) -> String {
    hex::encode(Sha256::digest(value))
}

fn check(new: &New) -> Result<()> {
    let length = new.name.trim().chars().count();
    if length == 0 || length > 100 || new.name.chars().any(char::is_control) {
        return Err(Error::invalid("name", "expected 1 to 100 printable characters"));
    }
    if !new.call && !new.author {
        return Err(Error::invalid("scopes", "choose at least one of `call` and `author`"));
    }
    if new.expires_in_days.is_some_and(|days| days == 0 || days > 3650) {
        return Err(Error::invalid("expires_in_days", "expected 1 to 3650 days"));
    }
    Ok(())
}
