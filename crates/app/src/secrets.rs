//! Secrets of servers: a model or a person makes the placeholder, a person sets the value, tools read it.

use std::collections::BTreeSet;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use store::key::KeyError;
use store::secrets::Secret as Row;
use uuid::Uuid;

use crate::audit::{self, Event};
use crate::identity::{Actor, Admin, Who};
use crate::redact::{Secrets, VALUE_MIN};
use crate::servers::{self, Server};
use crate::{App, Error, Listed, Page, Result, clock, key_unavailable, names};

/// The most characters of a key.
const KEY_MAX: usize = 255;

/// The most characters of a value.
pub const VALUE_MAX: usize = 10_000;

/// A secret, without its value, which nobody is ever told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// The name under which tools read it.
    pub key: String,
    /// What it is for.
    pub description: String,
    /// Whether a person has set its value.
    pub has_value: bool,
    /// Whether the value is too short to be searched for in what tools say.
    pub is_short: bool,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: chrono::DateTime<chrono::Utc>,
    /// Who changed it last.
    pub updated_by: String,
    /// When it or its value last changed.
    pub updated_at: chrono::DateTime<chrono::Utc>,
}

impl From<Row> for Secret {
    fn from(row: Row) -> Self {
        Self {
            has_value: row.sealed.is_some(),
            key: row.key,
            description: row.description,
            is_short: row.is_short,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_by: row.updated_by,
            updated_at: row.updated_at,
        }
    }
}

/// Makes a placeholder, whose value a person sets.
///
/// # Errors
/// [`Error::Invalid`] for a key that tools could not read by, [`Error::Conflict`] for one that is
/// taken.
pub async fn create(
    app: &App,
    who: &Who,
    server_id: Uuid,
    key: &str,
    description: &str,
) -> Result<Secret> {
    check_key(key)?;
    names::check_description(description)?;
    let server = servers::find(app, server_id).await?;
    let (by, now) = (who.to_string(), clock::now());
    let row = Row {
        id: Uuid::now_v7(),
        server_id,
        source_id: None,
        key: key.to_owned(),
        description: description.to_owned(),
        sealed: None,
        generation: None,
        is_short: false,
        created_by: by.clone(),
        created_at: now,
        updated_by: by,
        updated_at: now,
    };
    let transaction = audit::begin(app).await?;
    if store::secrets::find(&transaction, server_id, key).await?.is_some() {
        return Err(taken(&server, key));
    }
    store::secrets::insert(&transaction, &row).await.map_err(|error| match error {
        error if error.is_duplicate() => taken(&server, key),
        error => error.into(),
    })?;
    finish(transaction, who.into(), "secret.created", (&server, &row)).await?;
    Ok(row.into())
}

fn taken(server: &Server, key: &str) -> Error {
    Error::Conflict(format!(
        "server `{}` has a secret `{key}` already; use that one or choose another key",
        server.name
    ))
}

/// The secrets of a server by key.
pub async fn list(app: &App, server_id: Uuid, page: Page) -> Result<(Server, Listed<Secret>)> {
    let server = servers::find(app, server_id).await?;
    let listed = store::secrets::list(app.store(), server_id, page).await?;
    let items = listed.items.into_iter().map(Secret::from).collect();
    Ok((server, Listed { items, total: listed.total }))
}

/// Sets the value; the next call has it.
///
/// # Errors
/// [`Error::Invalid`] for a value that cannot be kept; the text does not repeat it.
pub async fn set(
    app: &App,
    admin: &Admin,
    server_id: Uuid,
    key: &str,
    value: SecretString,
) -> Result<Secret> {
    let value = value.expose_secret();
    check_value(value)?;
    let server = servers::find(app, server_id).await?;
    let transaction = audit::begin(app).await?;
    // First of all: a data key that is newer than this one waits until the value is kept.
    let data_key = app.keyring()?.newest(&transaction).await.map_err(key_unavailable)?;
    let row = found(&transaction, &server, key).await?;
    let sealed = row
        .seal(&data_key, value, value.len() < VALUE_MIN)
        .map_err(|error| Error::Internal(Box::new(error)))?;
    change(transaction, admin, "secret.set", (&server, row), Some(sealed)).await
}

/// Takes the value away; the placeholder stays.
pub async fn clear(app: &App, admin: &Admin, server_id: Uuid, key: &str) -> Result<Secret> {
    let server = servers::find(app, server_id).await?;
    let transaction = audit::begin(app).await?;
    let row = found(&transaction, &server, key).await?;
    change(transaction, admin, "secret.cleared", (&server, row), None).await
}

/// Removes a secret with its value.
pub async fn delete(app: &App, admin: &Admin, server_id: Uuid, key: &str) -> Result<()> {
    let server = servers::find(app, server_id).await?;
    let transaction = audit::begin(app).await?;
    let row = found(&transaction, &server, key).await?;
    if !store::secrets::delete(&transaction, row.id).await? {
        return Err(unknown(&server, key));
    }
    finish(transaction, admin.into(), "secret.deleted", (&server, &row)).await
}

async fn found(transaction: &store::Transaction, server: &Server, key: &str) -> Result<Row> {
    let row = store::secrets::find(transaction, server.id, key).await?;
    row.ok_or_else(|| unknown(server, key))
}

fn unknown(server: &Server, key: &str) -> Error {
    Error::not_found("Secret", &format!("`{key}` of server `{}`", server.name))
}

/// Puts a value in, or takes it away.
async fn change(
    transaction: store::Transaction,
    admin: &Admin,
    action: &'static str,
    (server, row): (&Server, Row),
    value: Option<store::secrets::Sealed>,
) -> Result<Secret> {
    let now = clock::now();
    if !store::secrets::set(&transaction, row.id, value, (admin.username(), now)).await? {
        return Err(unknown(server, &row.key));
    }
    let changed = found(&transaction, server, &row.key).await?;
    finish(transaction, admin.into(), action, (server, &row)).await?;
    Ok(changed.into())
}

/// Writes down who did it, and tells every process.
async fn finish(
    transaction: store::Transaction,
    actor: Actor,
    action: &'static str,
    (server, row): (&Server, &Row),
) -> Result<()> {
    let event = Event::new(action, &row.key)
        .id(row.id)
        .with("server", server.name.as_str())
        .with("server_id", server.id.to_string());
    tracing::info!(server = %server.name, key = %row.key, by = %actor.name, "{action}");
    audit::record(&transaction, actor, event).await?;
    store::changes::publish(&transaction).await?;
    Ok(transaction.commit().await?)
}

/// The secrets that a revision declares, by key.
pub(crate) fn declared(capabilities: &Value) -> Vec<String> {
    let listed = capabilities.get("secrets").and_then(Value::as_array);
    let keys = listed.into_iter().flatten().filter_map(Value::as_str);
    keys.collect::<BTreeSet<_>>().into_iter().map(str::to_owned).collect()
}

/// The sealed values of those of a server's secrets that are declared and set.
pub(crate) async fn sealed_of(app: &App, server_id: Uuid, declared: &[String]) -> Result<Vec<Row>> {
    if declared.is_empty() {
        return Ok(Vec::new());
    }
    Ok(store::secrets::with_values(app.store(), server_id, declared).await?)
}

/// Whether a server has a secret of that key, with or without a value.
pub async fn exists(app: &App, server_id: Uuid, key: &str) -> Result<bool> {
    Ok(store::secrets::find(app.store(), server_id, key).await?.is_some())
}

/// The keys of those of a server's secrets that are declared and set.
pub(crate) async fn set_among(
    app: &App,
    server_id: Uuid,
    declared: &[String],
) -> Result<Vec<String>> {
    let rows = sealed_of(app, server_id, declared).await?;
    Ok(rows.into_iter().map(|row| row.key).collect())
}

/// The values of the secrets that a call is given: those that its revision declares and that are
/// set. `kept` are their rows, where they were read before.
///
/// # Errors
/// [`Error::Conflict`] for a value that does not open, with what a person can do about it.
pub(crate) async fn of_call(
    app: &App,
    server_id: Uuid,
    declared: &[String],
    kept: Option<&[Row]>,
) -> Result<Secrets> {
    if let Some(rows) = kept
        && let Some(secrets) = unsealed(app, rows).await?
    {
        return Ok(secrets);
    }
    // Twice, with the rows as they are now: a data key goes once all values have a newer one.
    for _ in 0..2 {
        let rows = sealed_of(app, server_id, declared).await?;
        if let Some(secrets) = unsealed(app, &rows).await? {
            return Ok(secrets);
        }
    }
    Err(keys_are_replaced())
}

/// What somebody is told who comes between two keys.
pub(crate) fn keys_are_replaced() -> Error {
    Error::Busy {
        reason: "the keys of this installation are being replaced; try again".to_owned(),
        retry_after_seconds: 1,
    }
}

/// The values; none where one of them has a newer data key by now than its row says.
pub(crate) async fn unsealed(app: &App, rows: &[Row]) -> Result<Option<Secrets>> {
    let mut secrets = Secrets::default();
    for row in rows {
        let Some(generation) = row.generation else { continue };
        let key = match app.keyring()?.of(app.store(), generation).await {
            Ok(Some(key)) => key,
            Ok(None) => return Ok(None),
            Err(error @ KeyError::Unopened { .. }) => {
                tracing::error!(%error, server = %row.server_id, key = %row.key, "a secret cannot be read");
                return Err(closed(row));
            }
            Err(error) => return Err(key_unavailable(error)),
        };
        let value = row.unseal(&key).map_err(|error| {
            tracing::error!(%error, server = %row.server_id, key = %row.key, "a secret cannot be read");
            closed(row)
        })?;
        secrets.insert(row.key.clone(), value);
    }
    Ok(Some(secrets))
}

fn closed(row: &Row) -> Error {
    Error::Conflict(format!(
        "the value of secret `{}` cannot be read with the keys of this installation, so the tool was not run; a person has to set it again, or put the right master key back (`mcpbox doctor` tells)",
        row.key
    ))
}

fn check_key(key: &str) -> Result<()> {
    let mut letters = key.chars();
    let begins = letters.next().is_some_and(|first| first.is_ascii_uppercase());
    let goes_on = letters.all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    if begins && goes_on && key.len() <= KEY_MAX {
        return Ok(());
    }
    Err(Error::invalid(
        "key",
        "expected an upper-case letter followed by upper-case letters, digits or underscores, at most 255 in all, such as API_KEY",
    ))
}

/// The texts say nothing of the value but its length.
pub(crate) fn check_value(value: &str) -> Result<()> {
    let length = value.chars().count();
    if length == 0 {
        return Err(Error::invalid("value", "empty; clear the secret to take its value away"));
    }
    if length > VALUE_MAX {
        let reason = format!("{length} characters; at most {VALUE_MAX} are allowed");
        return Err(Error::invalid("value", reason));
    }
    if value.contains('\0') {
        return Err(Error::invalid("value", "the character NUL (U+0000) is not allowed"));
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
