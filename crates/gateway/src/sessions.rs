//! Sessions of the older protocol revisions: who owns each, and closing those nobody uses.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rmcp::transport::streamable_http_server::session::SessionManager as _;
use rmcp::transport::streamable_http_server::session::local::{LocalSessionManager, SessionConfig};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A session with no request and no stream open for this long is closed; its client is answered
/// 404 afterwards and opens another.
const IDLE: Duration = Duration::from_mins(30);

/// How often idle sessions are looked for.
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// All sessions of this process.
#[derive(Debug)]
pub(crate) struct Sessions {
    manager: Arc<LocalSessionManager>,
    known: Mutex<HashMap<String, Session>>,
}

#[derive(Debug)]
struct Session {
    /// The token it was opened with; none on an open door.
    owner: Option<Uuid>,
    /// Requests and streams that are open now.
    open: usize,
    used: Instant,
}

impl Sessions {
    pub(crate) fn new() -> Self {
        let mut config = SessionConfig::default();
        // The manager counts a client that only listens as idle and would end its session before
        // a person has approved anything; the sweep knows which streams are open.
        config.keep_alive = None;
        // Clients of older revisions cannot read the empty event that a retry time comes in.
        config.sse_retry = None;
        let mut manager = LocalSessionManager::default();
        manager.session_config = config;
        Self { manager: Arc::new(manager), known: Mutex::default() }
    }

    pub(crate) fn manager(&self) -> Arc<LocalSessionManager> {
        Arc::clone(&self.manager)
    }

    /// Binds a session that was just opened to its owner.
    pub(crate) fn bind(&self, id: &str, owner: Option<Uuid>) {
        let session = Session { owner, open: 0, used: Instant::now() };
        self.known().insert(id.to_owned(), session);
    }

    /// Enters a session for one request; none if there is no such session or it is another's,
    /// which a stranger cannot tell apart.
    pub(crate) fn enter(self: &Arc<Self>, id: &str, owner: Option<Uuid>) -> Option<Visit> {
        let mut known = self.known();
        let session = known.get_mut(id)?;
        if session.owner != owner {
            tracing::warn!("refused a session that another identity opened");
            return None;
        }
        session.open += 1;
        session.used = Instant::now();
        Some(Visit { sessions: Arc::clone(self), id: id.to_owned() })
    }

    /// Forgets a session that its client has ended.
    pub(crate) fn forget(&self, id: &str) {
        self.known().remove(id);
    }

    /// Closes idle sessions until `stop`.
    pub(crate) async fn sweep(self: Arc<Self>, stop: CancellationToken) {
        let mut rounds = tokio::time::interval(SWEEP_EVERY);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = rounds.tick() => self.close_idle(IDLE).await,
            }
        }
    }

    async fn close_idle(&self, idle: Duration) {
        let mut closed = Vec::new();
        self.known().retain(|id, session| {
            let stays = session.open > 0 || session.used.elapsed() < idle;
            if !stays {
                closed.push(id.clone());
            }
            stays
        });
        for id in closed {
            if let Err(error) = self.manager.close_session(&id.into()).await {
                tracing::warn!(%error, "an idle session did not close");
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request in a session; dropped when its response has ended.
#[derive(Debug)]
pub(crate) struct Visit {
    sessions: Arc<Sessions>,
    id: String,
}

impl Visit {
    /// The session's id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if let Some(session) = self.sessions.known().get_mut(&self.id) {
            session.open = session.open.saturating_sub(1);
            session.used = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_opens_for_its_owner_alone() {
        let sessions = Arc::new(Sessions::new());
        let (mine, another) = (Some(Uuid::from_u128(1)), Some(Uuid::from_u128(2)));
        sessions.bind("a", mine);
        assert!(sessions.enter("a", mine).is_some());
        assert!(sessions.enter("a", another).is_none());
        assert!(sessions.enter("a", None).is_none());
        assert!(sessions.enter("b", mine).is_none());
        sessions.forget("a");
        assert!(sessions.enter("a", mine).is_none());
    }

    #[tokio::test]
    async fn an_idle_session_is_closed_and_one_with_an_open_stream_is_not() {
        let sessions = Arc::new(Sessions::new());
        sessions.bind("idle", None);
        sessions.bind("listening", None);
        let visit = sessions.enter("listening", None);
        sessions.close_idle(Duration::ZERO).await;
        assert!(sessions.enter("idle", None).is_none());
        assert!(sessions.enter("listening", None).is_some());
        drop(visit);
        sessions.close_idle(Duration::ZERO).await;
        assert!(sessions.enter("listening", None).is_none());
    }
}
