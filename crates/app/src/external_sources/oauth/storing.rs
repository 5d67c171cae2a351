//! The tokens of sources as they are kept: in the database for all processes, and opened in this one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use store::external_sources::{ExternalSource, RefreshOwner};
use store::source_tokens::{self, SourceTokens, State};
use url::Url;
use uuid::Uuid;

use super::kept::{self, Held, Known, ShownTo};
use super::login::OWNER;
use crate::audit::{self, Event};
use crate::external_sources::{find, login_of, place};
use crate::identity::Actor;
use crate::{App, Error, Result, clock};

/// So long a failure stands for an authorization server that was asked: not every call asks it again.
const FAILED: Duration = Duration::from_secs(5);

/// Tokens that a source refuses are renewed so often within this time.
const REFUSALS: (usize, Duration) = (3, Duration::from_mins(1));

/// The tokens that this process has opened, by source.
#[derive(Default)]
pub(in crate::external_sources) struct Cache(Mutex<HashMap<Uuid, Arc<Slot>>>);

/// The tokens of one source.
#[derive(Default)]
pub(super) struct Slot {
    /// Held by the one that renews them.
    pub(super) renewing: Arc<tokio::sync::Mutex<()>>,
    /// Whether a task looks to it that they are renewed before their end.
    beside: AtomicBool,
    known: Mutex<Opened>,
}

#[derive(Default)]
struct Opened {
    /// With the id of the row that they are sealed in, which is another one after they were removed.
    held: Option<(Uuid, Arc<Held>)>,
    /// Why the tokens of a version could not be renewed, and when that was.
    failed: Option<(i32, Instant, String)>,
    /// When tokens were renewed because they were refused.
    refusals: Vec<Instant>,
}

impl Cache {
    pub(super) fn slot(&self, source_id: Uuid) -> Arc<Slot> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(source_id).or_default())
    }
}

impl Slot {
    fn known(&self) -> MutexGuard<'_, Opened> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a task may begin that renews them while they are used: there is one at a time.
    pub(super) fn may_begin_beside(&self) -> bool {
        !self.beside.swap(true, Ordering::AcqRel)
    }

    /// It has ended.
    pub(super) fn ended_beside(&self) {
        self.beside.store(false, Ordering::Release);
    }

    /// The tokens of a row; nothing where they were replaced after it was read.
    pub(super) async fn held(&self, app: &App, row: &SourceTokens) -> Result<Option<Arc<Held>>> {
        let is_same = |held: &Held| held.version == row.version;
        if let Some((secret_id, held)) = &self.known().held
            && *secret_id == row.secret_id
            && is_same(held)
        {
            return Ok(Some(Arc::clone(held)));
        }
        let held: Option<Held> = kept::read(app, row.source_id, kept::TOKENS).await?;
        let Some(held) = held.filter(is_same).map(Arc::new) else { return Ok(None) };
        self.known().held = Some((row.secret_id, Arc::clone(&held)));
        Ok(Some(held))
    }

    /// Removes what is opened.
    pub(super) fn forget(&self) {
        *self.known() = Opened::default();
    }

    /// Why the tokens of this version could not be renewed a moment ago.
    pub(super) fn failure(&self, version: i32) -> Option<String> {
        let known = self.known();
        let (of, at, why) = known.failed.as_ref()?;
        (*of == version && at.elapsed() < FAILED).then(|| why.clone())
    }

    pub(super) fn failed(&self, version: i32, why: String) {
        self.known().failed = Some((version, Instant::now(), why));
    }

    /// Whether tokens are renewed once more that the source refused though they should hold.
    pub(super) fn may_renew_refused(&self) -> bool {
        let (most, within) = REFUSALS;
        let mut known = self.known();
        known.refusals.retain(|at| at.elapsed() < within);
        known.refusals.len() < most
    }

    /// They are.
    pub(super) fn renews_refused(&self) {
        self.known().refusals.push(Instant::now());
    }
}

/// Who brings new tokens, and who renews them from now on.
pub(super) struct By {
    pub(super) actor: Actor,
    pub(super) action: &'static str,
    pub(super) refresh_owner: RefreshOwner,
}

/// Puts new tokens in the place of those of before. `source` is as it was when they were asked for.
///
/// # Errors
/// [`Error::Conflict`] where they would be of another login by now.
pub(super) async fn replace(app: &App, source: &ExternalSource, held: Held, by: By) -> Result<()> {
    let transaction = audit::begin(app).await?;
    if login_of(&find(&transaction, source.id).await?) != login_of(source) {
        return Err(Error::Conflict(format!(
            "source `{}` was changed while its tokens were fetched: connect it again",
            source.name
        )));
    }
    let before = source_tokens::find(&transaction, source.id).await?;
    let version = before.map_or(1, |row| row.version.saturating_add(1));
    let held = Held { version, ..held };
    let secret_id = kept::write(app, &transaction, source, (kept::TOKENS, &held)).await?;
    let row = row(source, secret_id, &held);
    source_tokens::put(&transaction, &row).await?;
    if let (Some(Known::Given { id }), Some(server)) = (&held.client, &held.server) {
        let shown = ShownTo { issuer: server.issuer.clone(), client_id: id.clone() };
        kept::write(app, &transaction, source, (kept::SHOWN_TO, &shown)).await?;
    }
    if source.refresh_owner != by.refresh_owner {
        store::external_sources::set_refresh_owner(&transaction, source.id, by.refresh_owner)
            .await?;
    }
    store::external_sources::set_failure(&transaction, source.id, None).await?;
    let event = about(by.action, source, &row).with("refresh_owner", by.refresh_owner.to_string());
    tracing::info!(source = %source.name, by = %by.actor.name, "{}", by.action);
    audit::record(&transaction, by.actor, event).await?;
    store::changes::publish(&transaction).await?;
    Ok(transaction.commit().await?)
}

/// Puts renewed tokens in the place of those of `row`, which a lease was taken of; whether they were there
/// still.
pub(super) async fn renewed(
    app: &App,
    source: &ExternalSource,
    before: &SourceTokens,
    held: &Held,
) -> Result<bool> {
    let transaction = app.store().begin().await?;
    let secret_id = kept::write(app, &transaction, source, (kept::TOKENS, held)).await?;
    let now = row(source, secret_id, held);
    let is_same = secret_id == before.secret_id
        && source_tokens::settle(&transaction, before.version, &now).await?;
    if is_same {
        transaction.commit().await?;
    }
    Ok(is_same)
}

/// Gives a lease back without new tokens.
pub(super) async fn give_back(app: &App, before: &SourceTokens, failure: &str) -> Result<()> {
    let now = SourceTokens {
        renewing_until: None,
        failure: Some(failure.to_owned()),
        updated_at: clock::now(),
        ..before.clone()
    };
    source_tokens::settle(app.store(), before.version, &now).await?;
    Ok(())
}

/// Writes down that a person has to log in again.
pub(super) async fn ended(
    app: &App,
    source: &ExternalSource,
    before: &SourceTokens,
    reason: &str,
) -> Result<()> {
    let text = format!("reconnect: {reason}");
    let now = SourceTokens {
        state: State::Reconnect,
        failure: Some(text.clone()),
        renewing_until: None,
        updated_at: clock::now(),
        ..before.clone()
    };
    let transaction = audit::begin(app).await?;
    if !source_tokens::settle(&transaction, before.version, &now).await? {
        // Somebody has logged in meanwhile.
        return Ok(());
    }
    let failure = Some((text.as_str(), clock::now()));
    store::external_sources::set_failure(&transaction, source.id, failure).await?;
    tracing::warn!(source = %source.name, reason, "a source has to be connected again");
    let actor = Actor::local(&format!("source:{}", source.name));
    let event = about("source.reconnect_needed", source, before).with("reason", reason);
    audit::record(&transaction, actor, event).await?;
    store::changes::publish(&transaction).await?;
    Ok(transaction.commit().await?)
}

/// What the audit log says of tokens.
pub(super) fn about<'a>(
    action: &'a str,
    source: &'a ExternalSource,
    row: &SourceTokens,
) -> Event<'a> {
    Event::new(action, &source.name)
        .id(source.id)
        .with("server_id", source.server_id.to_string())
        .with("issuer", row.issuer.as_str())
        .with("resource", place::told(&row.resource))
        .with("scope", row.scope.clone())
}

fn row(source: &ExternalSource, secret_id: Uuid, held: &Held) -> SourceTokens {
    let scope = held.tokens.scopes.to_string();
    let origin = |url: &str| Url::parse(url).map(|url| url.origin().ascii_serialization());
    SourceTokens {
        source_id: source.id,
        issuer: match &held.server {
            Some(server) => server.issuer.to_string(),
            None => origin(&held.resource).unwrap_or_default(),
        },
        resource: held.resource.clone(),
        owner: OWNER.to_owned(),
        secret_id,
        version: held.version,
        state: State::Connected,
        failure: None,
        has_refresh_token: held.tokens.refresh.is_some(),
        scope: Some(scope).filter(|scope| !scope.is_empty()),
        expires_at: Some(held.tokens.expires_at),
        renewing_until: None,
        updated_at: clock::now(),
    }
}
