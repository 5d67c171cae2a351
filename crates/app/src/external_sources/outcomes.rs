//! What requests to a source show of it: whether it is to be left alone, and whether a person has to look.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use outbound::Kind;
use outbound::mcp;
use store::external_sources::ExternalSource;

use super::connections::{Connection, lock};
use super::shown::without_credentials;
use crate::{App, Error, Result, clock};

/// How long a source that let calls wait in vain has to give a sign of life.
const PING: Duration = Duration::from_secs(5);

/// What is known of a source by its answers.
pub(super) struct Heard {
    /// Whether the database says that it failed.
    failed: AtomicBool,
    /// When it answered last.
    at: Mutex<Option<Instant>>,
    /// How many requests ended without an answer while it is being asked for a sign of life.
    in_vain: AtomicU32,
}

impl Heard {
    pub(super) fn new(failed: bool) -> Self {
        Self { failed: AtomicBool::new(failed), at: Mutex::default(), in_vain: AtomicU32::new(0) }
    }
}

impl Connection {
    /// Refuses while the source is left alone.
    pub(super) fn check(&self, source: &ExternalSource) -> Result<()> {
        self.breaker.check(Instant::now()).map_err(|(why, left)| {
            let reason = format!("source `{}` is left alone: {why}", source.name);
            Error::Busy { reason, retry_after_seconds: left.as_secs().max(1) }
        })
    }

    /// Notes what became of a request, here and for people to see.
    pub(super) async fn note<T>(
        self: &Arc<Self>,
        app: &App,
        outcome: &std::result::Result<T, mcp::Error>,
    ) {
        let now = Instant::now();
        match outcome {
            // Nothing was tried.
            Err(mcp::Error::Retired { .. } | mcp::Error::Resting { .. }) => {}
            Err(error) if let Some(waited) = in_vain(error) => {
                let heard = lock(&self.heard.at).is_some_and(|at| now < at + waited);
                // A tool that takes longer than it may says nothing of its source.
                if !heard {
                    self.ask_for_life(app);
                }
            }
            Ok(_) => self.judge(app, None).await,
            Err(error) => self.judge(app, Some(error)).await,
        }
    }

    /// Asks for a sign of life, once for all calls that wait in vain. What had no answer either counts against the
    /// source.
    fn ask_for_life(self: &Arc<Self>, app: &App) {
        if self.heard.in_vain.fetch_add(1, Ordering::SeqCst) > 0 {
            return;
        }
        let (connection, tie) = (Arc::clone(self), app.tie());
        tokio::spawn(async move {
            let asked = tokio::time::timeout(PING, connection.source.ping(PING)).await;
            let answered = asked.unwrap_or(Err(mcp::Error::Timeout(PING)));
            let in_vain = connection.heard.in_vain.swap(0, Ordering::SeqCst);
            let Ok(app) = tie.app() else { return };
            match answered {
                Err(mcp::Error::Retired { .. } | mcp::Error::Resting { .. }) => {}
                Err(error) if !reached(&error) => {
                    for _ in 0..in_vain {
                        connection.judge(&app, Some(&error)).await;
                    }
                }
                answered => connection.judge(&app, answered.err().as_ref()).await,
            }
        });
    }

    async fn judge(&self, app: &App, error: Option<&mcp::Error>) {
        let now = Instant::now();
        match error {
            Some(mcp::Error::RateLimited { retry_after, .. }) => {
                let pause = retry_after.unwrap_or(Duration::from_mins(1));
                self.breaker.wants_pause("it wants fewer requests", pause, now);
            }
            Some(error) if !reached(error) => {
                let text = without_credentials(app, self.id, error.to_string());
                self.breaker.failed(&text, now);
            }
            _ => {
                *lock(&self.heard.at) = Some(now);
                self.breaker.answered();
            }
        }
        let is_failed = error.is_some_and(|error| self.breaker.is_open(now) || wants_login(error));
        if self.heard.failed.swap(is_failed, Ordering::Relaxed) != is_failed {
            let text = error.map(|error| without_credentials(app, self.id, error.to_string()));
            let failure = text.as_deref().filter(|_| is_failed).map(|text| (text, clock::now()));
            let noted = store::external_sources::set_failure(app.store(), self.id, failure).await;
            if let Err(error) = noted {
                tracing::error!(%error, "the state of a source could not be kept");
            }
        }
    }
}

/// How long a request was waited for that had no answer; nothing where it ended in another way.
fn in_vain(error: &mcp::Error) -> Option<Duration> {
    match error {
        mcp::Error::Timeout(waited) => Some(*waited),
        mcp::Error::Begun(inner) => in_vain(inner),
        // Its turn did not come: too many others wait for the source, or for the connection to it.
        mcp::Error::NotSent(error) if error.kind() == Kind::PoolTimeout => Some(Duration::ZERO),
        _ => None,
    }
}

/// Whether something answered there.
fn reached(error: &mcp::Error) -> bool {
    match error {
        mcp::Error::NotSent(_)
        | mcp::Error::NotStarted(_)
        | mcp::Error::Ended { .. }
        | mcp::Error::Timeout(_)
        | mcp::Error::Broken(_)
        | mcp::Error::NoAnswer
        | mcp::Error::BotChallenge => false,
        mcp::Error::Status { status, .. } => *status < 500,
        mcp::Error::Start(inner) | mcp::Error::Begun(inner) => reached(inner),
        _ => true,
    }
}

/// Whether a person has to do something about the credentials.
pub(super) fn wants_login(error: &mcp::Error) -> bool {
    match error {
        mcp::Error::Unauthorized(_) | mcp::Error::Forbidden(_) | mcp::Error::Credentials(_) => true,
        mcp::Error::Start(inner) | mcp::Error::Begun(inner) => wants_login(inner),
        _ => false,
    }
}
