//! The sessions of the older revisions: in the database, so that any process serves them, and here for as long as they are in use.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use app::App;
use app::client_sessions::{self, New};
use app::conversation::Level;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::catalog::Prints;
use crate::session::Session;

/// How long this process takes a session for granted: another one may have ended it.
const GRANTED: Duration = Duration::from_secs(5);

/// How often the database is told that a session is in use.
const TOUCH_EVERY: Duration = Duration::from_mins(1);

/// After so long without a request and without a stream this process forgets a session; the database
/// keeps it.
const FORGOTTEN: Duration = Duration::from_mins(5);

/// The sessions that this process serves.
pub(crate) struct Sessions {
    app: App,
    known: Mutex<HashMap<String, Arc<Session>>>,
}

impl Sessions {
    pub(crate) fn new(app: App) -> Self {
        Self { app, known: Mutex::default() }
    }

    /// Opens a session, whose client knows the lists by these prints.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn open(&self, new: New, prints: Prints) -> app::Result<Arc<Session>> {
        let (id, row) = client_sessions::open(&self.app, new).await?;
        let session = Arc::new(Session::new(id.clone(), &row, Some(prints)));
        self.known().insert(id, Arc::clone(&session));
        Ok(session)
    }

    /// The session with that id. None if there is none, or another token opened it, which a stranger
    /// cannot tell apart.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn enter(
        &self,
        id: &str,
        owner: Option<Uuid>,
    ) -> app::Result<Option<Arc<Session>>> {
        let known = self.known().get(id).cloned();
        if known.as_ref().is_some_and(|session| session.owner != owner) {
            tracing::warn!("refused a session that another identity opened");
            return Ok(None);
        }
        let session = match known {
            Some(session) if session.checked().elapsed() < GRANTED => session,
            known => {
                let Some(row) = client_sessions::find(&self.app, id, owner).await? else {
                    self.forget(id);
                    return Ok(None);
                };
                match known {
                    Some(session) => {
                        session.refresh(&row);
                        session
                    }
                    None => self.remember(Session::new(id.to_owned(), &row, None)),
                }
            }
        };
        if session.is_to_touch(TOUCH_EVERY) && !client_sessions::touch(&self.app, id).await? {
            self.forget(id);
            return Ok(None);
        }
        Ok(Some(session))
    }

    /// Sets what the client wants to hear of.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn set_wishes(
        &self,
        session: &Session,
        level: Level,
        subscriptions: BTreeSet<String>,
    ) -> app::Result<()> {
        let listed: Vec<String> = subscriptions.iter().cloned().collect();
        client_sessions::set_wishes(&self.app, &session.id, Some(level.as_str()), &listed).await?;
        session.set_wishes(level, subscriptions);
        Ok(())
    }

    /// How many this process knows.
    pub(crate) fn count(&self) -> i64 {
        i64::try_from(self.known().len()).unwrap_or(i64::MAX)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn end(&self, session: &Session) -> app::Result<()> {
        client_sessions::end(&self.app, &session.id).await?;
        self.forget(&session.id);
        Ok(())
    }

    /// Ends sessions that nobody uses, until `stop`.
    pub(crate) async fn sweep(&self, stop: &CancellationToken) {
        let mut rounds = tokio::time::interval(TOUCH_EVERY);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = rounds.tick() => {
                    if let Err(error) = self.tidy().await {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(error, "idle sessions could not be ended");
                    }
                }
            }
        }
    }

    async fn tidy(&self) -> app::Result<()> {
        let now = Instant::now();
        let is_idle = |session: &Session| {
            !session.is_busy() && now.saturating_duration_since(session.checked()) >= FORGOTTEN
        };
        let busy: Vec<Arc<Session>> = {
            let mut known = self.known();
            known.retain(|_, session| !is_idle(session));
            known.values().filter(|session| session.is_busy()).cloned().collect()
        };
        for session in busy {
            if !client_sessions::touch(&self.app, &session.id).await? {
                self.forget(&session.id);
            }
        }
        client_sessions::tidy(&self.app).await?;
        Ok(())
    }

    fn remember(&self, session: Session) -> Arc<Session> {
        let mut known = self.known();
        let entry = known.entry(session.id.clone()).or_insert_with(|| Arc::new(session));
        Arc::clone(entry)
    }

    fn forget(&self, id: &str) {
        if let Some(session) = self.known().remove(id) {
            session.ended.cancel();
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
