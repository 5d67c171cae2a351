//! How a change of a source is written: only upon what it was made from, with who did it, told to every process.

use serde_json::{Value, json};
use store::Transaction;
use store::external_sources::ExternalSource;
use uuid::Uuid;

use super::connections::SECRET;
use super::{command_of, standing, told};
use crate::audit::{self, Event};
use crate::identity::Actor;
use crate::{App, Error, Result, clock};

/// Writes what was decided about a source.
pub(super) async fn decide(
    app: &App,
    actor: impl Into<Actor>,
    (before, source): (&ExternalSource, ExternalSource),
    action: &'static str,
    reason: Option<&str>,
) -> Result<ExternalSource> {
    let transaction = audit::begin(app).await?;
    move_on(&transaction, before, &source).await.map_err(Error::from)?;
    finish(transaction, actor.into(), action, &source, reason).await?;
    app.connections().heed(source.id, Some(&standing::of(&source)));
    Ok(source)
}

/// Why a source was not changed.
pub(super) enum Moved {
    /// The database says so.
    Store(store::Error),
    /// Somebody else was quicker.
    Meanwhile(Error),
}

impl From<Moved> for Error {
    fn from(moved: Moved) -> Self {
        match moved {
            Moved::Store(error) => error.into(),
            Moved::Meanwhile(error) => error,
        }
    }
}

/// Puts a source in the place of what it was.
pub(super) async fn move_on(
    transaction: &Transaction,
    before: &ExternalSource,
    source: &ExternalSource,
) -> std::result::Result<(), Moved> {
    let updated = store::external_sources::update(transaction, before.updated_at, source).await;
    if updated.map_err(Moved::Store)? {
        return Ok(());
    }
    Err(Moved::Meanwhile(Error::Conflict(format!(
        "source `{}` was changed at the same time by somebody else; look at it again and repeat",
        before.name
    ))))
}

/// Removes the tokens of a source, and all else that a login left.
pub(super) async fn forget_tokens(transaction: &Transaction, source_id: Uuid) -> Result<()> {
    store::source_tokens::delete(transaction, source_id).await?;
    let until = Some(("source:", clock::now()));
    Ok(store::secrets::delete_of_source(transaction, source_id, until).await?)
}

/// Writes down who did it, and tells every process.
pub(super) async fn finish(
    transaction: Transaction,
    actor: Actor,
    action: &'static str,
    source: &ExternalSource,
    reason: Option<&str>,
) -> Result<()> {
    let server = store::servers::find(&transaction, source.server_id).await?;
    let mut event = Event::new(action, &source.name)
        .id(source.id)
        .with("server_id", source.server_id.to_string())
        .with("transport", source.transport.to_string())
        .with("auth_type", source.auth_type.to_string())
        .with("grants", source.grants.0.clone());
    if let Some(server) = server {
        event = event.with("server", server.name);
    }
    if let Some(url) = told::address_of(source) {
        event = event.with("url", url.as_str());
    }
    if let Some(command) = command_without_values(source) {
        event = event.with("command", command);
    }
    if let Some(reason) = reason {
        event = event.with("reason", reason);
    }
    tracing::info!(source = %source.name, by = %actor.name, "{action}");
    audit::record(&transaction, actor, event).await?;
    store::changes::publish(&transaction).await?;
    Ok(transaction.commit().await?)
}

/// The command of a source without what its variables hold, which may be secret; but for the names of secrets.
fn command_without_values(source: &ExternalSource) -> Option<Value> {
    let mut command = command_of(source)?;
    for value in command.env.values_mut().filter(|value| !value.starts_with(SECRET)) {
        "[not shown]".clone_into(value);
    }
    Some(json!(command))
}
