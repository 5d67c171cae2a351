//! The token that a request carries, renewed where that is due: by one call of one process at a time.
//!
//! An authorization server may end a refresh token at its first use, so that a second use of it would end the login. A
//! process renews only what it has leased in the database, and keeps what came before anything carries it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use oauth::{Age, Remedy};
use store::external_sources::ExternalSource;
use store::source_tokens::{self, SourceTokens, State};
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use super::kept::{self, Held, Known};
use super::means::Means;
use super::storing::{self, Slot};
use super::way::{Way, upstream};
use super::{following, login};
use crate::external_sources::told::page;
use crate::external_sources::{OauthGrant, credentials, find, settings_of};
use crate::identity::Actor;
use crate::{App, Error, Result, clock};

/// How long a process has tokens to itself: longer than it takes to ask for others.
const LEASE: TimeDelta = TimeDelta::seconds(60);

/// How long a call waits for tokens that another one renews.
const PATIENCE: Duration = Duration::from_secs(30);

/// So long before its end a token is not carried any more where another one can be waited for.
const ENDS_SOON: TimeDelta = TimeDelta::seconds(5);

/// How often it looks whether another process is done.
const LOOK: Duration = Duration::from_millis(100);

/// How often it is tried to keep new tokens, and the pause between.
const KEEP: (u32, Duration) = (10, Duration::from_millis(500));

/// What became of an attempt.
enum Outcome {
    /// There are other tokens now.
    Look,
    /// Another process is about to get some.
    Wait,
    /// Those there are have to do.
    Keep,
}

/// The tokens that requests to a source carry. `refused` is the access token that the source did not take.
///
/// # Errors
/// [`Error::Conflict`] where a person has to log in, and other errors where there is no token now.
pub(super) async fn current(
    app: &App,
    source_id: Uuid,
    refused: Option<&str>,
) -> Result<Arc<Held>> {
    let slot = app.connections().tokens.slot(source_id);
    let until = Instant::now() + PATIENCE;
    let mut began_with = None;
    while Instant::now() < until {
        let Some(row) = source_tokens::find(app.store(), source_id).await? else {
            slot.forget();
            first(app, source_id, &slot).await?;
            continue;
        };
        if row.state == State::Reconnect {
            let source = find(app.store(), source_id).await?;
            return Err(reconnect(app, &source, row.failure.as_deref().unwrap_or_default()));
        }
        // Nothing where they were replaced after the row was read.
        let Some(held) = slot.held(app, &row).await? else { continue };
        let version = (row.secret_id, row.version);
        let is_first = *began_with.get_or_insert(version) == version;
        let is_refused = is_first && refused.is_some_and(|token| held.tokens.access.is(token));
        let age = if is_refused { Age::Over } else { held.tokens.age(clock::now()) };
        // What has just come is used, whatever it says of its life.
        if age == Age::Fresh || !is_first {
            return Ok(held);
        }
        if age == Age::Due && clock::now() + ENDS_SOON < held.tokens.expires_at {
            renew_beside(app, &slot, &row, &held);
            return Ok(held);
        }
        let due = Due { app, slot: &slot, row: &row, held: &held, age, is_refused };
        match due.renew().await? {
            Outcome::Keep => return Ok(held),
            Outcome::Look => {}
            Outcome::Wait => tokio::time::sleep(LOOK).await,
        }
    }
    Err(Error::Busy {
        reason: "the token of the source is being renewed by another process".to_owned(),
        retry_after_seconds: 10,
    })
}

/// Renews tokens that can be used meanwhile: nobody waits for that.
fn renew_beside(app: &App, slot: &Arc<Slot>, row: &SourceTokens, held: &Arc<Held>) {
    if slot.failure(row.version).is_some() || !slot.may_begin_beside() {
        return;
    }
    let (app, slot, row, held) = (app.clone(), Arc::clone(slot), row.clone(), Arc::clone(held));
    tokio::spawn(async move {
        let age = Age::Due;
        let due = Due { app: &app, slot: &slot, row: &row, held: &held, age, is_refused: false };
        if let Err(error) = due.renew().await {
            tracing::warn!(source = %row.source_id, %error, "a token is not renewed");
        }
        slot.ended_beside();
    });
}

/// Gets the first tokens of a source whose client asks for itself.
async fn first(app: &App, source_id: Uuid, slot: &Slot) -> Result<()> {
    let source = find(app.store(), source_id).await?;
    if settings_of(&source).grant != OauthGrant::ClientCredentials {
        return Err(Error::Conflict(format!(
            "nobody has connected source `{}` yet: tell your user, a person has to log in {}",
            source.name,
            page(app, source_id)
        )));
    }
    let guard = Arc::clone(&slot.renewing).lock_owned().await;
    if source_tokens::find(app.store(), source_id).await?.is_some() {
        return Ok(());
    }
    if let Some(why) = slot.failure(0) {
        return Err(upstream(&source, why));
    }
    let outcome = alone(app.clone(), source, guard).await;
    if let Err(error) = &outcome {
        slot.failed(0, reason(error));
    }
    outcome
}

async fn alone(app: App, source: ExternalSource, guard: OwnedMutexGuard<()>) -> Result<()> {
    let asking = async move {
        let _guard = guard;
        let source = following::unattended(&app, &source).await?;
        let actor = Actor::local(&format!("source:{}", source.name));
        let begun = login::connect_alone(Way { app: &app, source: &source }, actor).await;
        begun.map(drop).map_err(|stop| stop.unattended(&app, &source))
    };
    joined(tokio::spawn(asking)).await
}

/// What a task of its own gave: a caller that goes away must not take new tokens with it.
async fn joined<T>(task: tokio::task::JoinHandle<Result<T>>) -> Result<T> {
    task.await.unwrap_or_else(|error| Err(Error::Internal(Box::new(error))))
}

fn reconnect(app: &App, source: &ExternalSource, reason: &str) -> Error {
    Error::Conflict(format!(
        "the login of source `{}` has ended ({reason}): tell your user, a person has to connect it again {}",
        source.name,
        page(app, source.id)
    ))
}

/// The text of an error without the name of its source.
fn reason(error: &Error) -> String {
    match error {
        Error::Upstream { reason, .. } => reason.clone(),
        error => error.to_string(),
    }
}

/// Tokens that are to be renewed.
struct Due<'a> {
    app: &'a App,
    slot: &'a Slot,
    row: &'a SourceTokens,
    held: &'a Arc<Held>,
    age: Age,
    is_refused: bool,
}

impl Due<'_> {
    async fn renew(&self) -> Result<Outcome> {
        let Self { app, slot, row, .. } = *self;
        let source = find(app.store(), row.source_id).await?;
        let means = Means::of(&source, self.held);
        if matches!(means, Means::ByClient | Means::Never) {
            return self.cannot(&source, means).await;
        }
        let Some(guard) = self.turn().await else { return Ok(Outcome::Keep) };
        let now = source_tokens::find(app.store(), row.source_id).await?;
        if now.is_none_or(|now| now.version != row.version || now.secret_id != row.secret_id) {
            return Ok(Outcome::Look);
        }
        if let Some(why) = slot.failure(row.version) {
            return self.without(upstream(&source, why));
        }
        if self.is_refused && !slot.may_renew_refused() {
            return Err(upstream(&source, "it refuses tokens that it has just got"));
        }
        let begins = clock::now();
        let place = (row.source_id, row.version);
        if !source_tokens::lease(app.store(), place, begins, begins + LEASE).await? {
            return Ok(if self.age == Age::Due { Outcome::Keep } else { Outcome::Wait });
        }
        if self.is_refused {
            slot.renews_refused();
        }
        let (held, row) = (Arc::clone(self.held), row.clone());
        let renewing = renew(app.clone(), source, row, held, means);
        let asking = async move {
            let _guard = guard;
            renewing.await
        };
        match joined(tokio::spawn(asking)).await {
            Ok(()) => Ok(Outcome::Look),
            Err(error) => {
                slot.failed(self.row.version, reason(&error));
                self.without(error)
            }
        }
    }

    /// Waits until nobody else in this process renews them; does not wait where they can be used meanwhile.
    async fn turn(&self) -> Option<OwnedMutexGuard<()>> {
        let renewing = Arc::clone(&self.slot.renewing);
        if self.age == Age::Due {
            return renewing.try_lock_owned().ok();
        }
        Some(renewing.lock_owned().await)
    }

    /// What holds where there are no others.
    fn without(&self, error: Error) -> Result<Outcome> {
        if self.age == Age::Due {
            tracing::warn!(source = %self.row.source_id, %error, "a token could not be renewed before its end");
            return Ok(Outcome::Keep);
        }
        Err(error)
    }

    /// What becomes of tokens that nobody here can renew.
    async fn cannot(&self, source: &ExternalSource, means: Means) -> Result<Outcome> {
        if means == Means::ByClient {
            // The times that others tell may be of another zone: the source knows.
            return if self.is_refused {
                Err(Error::Conflict(format!(
                    "whoever registered source `{}` has to bring a new token",
                    source.name
                )))
            } else {
                Ok(Outcome::Keep)
            };
        }
        if self.age == Age::Due {
            return Ok(Outcome::Keep);
        }
        let why = "the token has ended, and came without one to renew it";
        storing::ended(self.app, source, self.row, why).await?;
        Err(reconnect(self.app, source, why))
    }
}

/// Renews leased tokens and keeps what came.
async fn renew(
    app: App,
    source: ExternalSource,
    row: SourceTokens,
    held: Arc<Held>,
    means: Means,
) -> Result<()> {
    let asked = means.ask(&app, &source, &held).await;
    let error = match asked {
        Ok(Ok(renewed)) => {
            let renewed = Held { version: row.version.saturating_add(1), ..renewed };
            return keep(&app, &source, &row, &renewed).await;
        }
        Ok(Err(error)) => error,
        Err(error) => {
            storing::give_back(&app, &row, &reason(&error)).await?;
            return Err(error);
        }
    };
    let text = Way { app: &app, source: &source }.told(&error);
    let registered = matches!(&held.client, Some(Known::Own(_)));
    let ends = match error.remedy() {
        Remedy::Login => means == Means::Refresh,
        Remedy::Client => registered,
        Remedy::Wait | Remedy::Settings => false,
    };
    if !ends {
        storing::give_back(&app, &row, &text).await?;
        return Err(upstream(&source, text));
    }
    if error.remedy() == Remedy::Client
        && let Some(server) = &held.server
    {
        // The next login registers anew.
        let transaction = app.store().begin().await?;
        let key = kept::registration(&server.issuer);
        credentials::remove(&transaction, source.id, &key).await?;
        transaction.commit().await?;
    }
    storing::ended(&app, &source, &row, &text).await
}

/// Keeps new tokens. Those before may have ended, so it is tried for a while.
async fn keep(
    app: &App,
    source: &ExternalSource,
    row: &SourceTokens,
    renewed: &Held,
) -> Result<()> {
    let (most, pause) = KEEP;
    let mut round = 0;
    loop {
        round += 1;
        match storing::renewed(app, source, row, renewed).await {
            Ok(true) => {
                tracing::debug!(source = %source.name, "a token was renewed");
                return Ok(());
            }
            // Somebody has logged in anew meanwhile, or taken the tokens away.
            Ok(false) => return Ok(()),
            Err(error) if round >= most => {
                tracing::error!(source = %source.name, %error, "renewed tokens could not be kept, and are lost");
                return Err(error);
            }
            Err(error) => {
                tracing::warn!(source = %source.name, %error, "renewed tokens could not be kept; trying again");
                tokio::time::sleep(pause).await;
            }
        }
    }
}
