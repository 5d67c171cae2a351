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

/// A session that was opened and never used again is closed after this long.
const UNUSED: Duration = Duration::from_mins(2);

/// At most this many sessions; each takes a task and some memory.
const SESSIONS_MAX: usize = 10_000;

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
    /// Whether a request has come in it since it was opened.
    entered: bool,
    used: Instant,
}

impl Session {
    fn is_idle(&self, now: Instant) -> bool {
        let idle = if self.entered { IDLE } else { UNUSED };
        self.open == 0 && now.saturating_duration_since(self.used) >= idle
    }
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

    /// Binds a session that was just opened to its owner. When there are too many, the one that
    /// nobody has used for longest is closed; if all others are in use, that is the new one.
    pub(crate) async fn bind(&self, id: &str, owner: Option<Uuid>) {
        let session = Session { owner, open: 0, entered: false, used: Instant::now() };
        let surplus = {
            let mut known = self.known();
            known.insert(id.to_owned(), session);
            if known.len() > SESSIONS_MAX { take_longest_idle(&mut known) } else { None }
        };
        if let Some(surplus) = surplus {
            tracing::warn!("closed an idle session: there were more than {SESSIONS_MAX}");
            self.close(surplus).await;
        }
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
        session.entered = true;
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
                _ = rounds.tick() => self.close_idle(Instant::now()).await,
            }
        }
    }

    async fn close_idle(&self, now: Instant) {
        let idle: Vec<_> = {
            let mut known = self.known();
            known.extract_if(|_, session| session.is_idle(now)).map(|(id, _)| id).collect()
        };
        for id in idle {
            self.close(id).await;
        }
    }

    /// Ends a session that is no longer known here.
    async fn close(&self, id: String) {
        if let Err(error) = self.manager.close_session(&id.into()).await {
            tracing::warn!(%error, "an idle session did not close");
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes out the session with nothing open that has not been used for longest.
fn take_longest_idle(known: &mut HashMap<String, Session>) -> Option<String> {
    let idle = known.iter().filter(|(_, session)| session.open == 0);
    let id = idle.min_by_key(|(_, session)| session.used)?.0.clone();
    known.remove(&id);
    Some(id)
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

    #[tokio::test]
    async fn a_session_opens_for_its_owner_alone() {
        let sessions = Arc::new(Sessions::new());
        let (mine, another) = (Some(Uuid::from_u128(1)), Some(Uuid::from_u128(2)));
        sessions.bind("a", mine).await;
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
        sessions.bind("idle", None).await;
        sessions.bind("listening", None).await;
        drop(sessions.enter("idle", None));
        let visit = sessions.enter("listening", None);
        sessions.close_idle(Instant::now() + IDLE).await;
        assert!(sessions.enter("idle", None).is_none());
        assert!(sessions.enter("listening", None).is_some());
        drop(visit);
        sessions.close_idle(Instant::now() + IDLE).await;
        assert!(sessions.enter("listening", None).is_none());
    }

    #[tokio::test]
    async fn a_session_never_used_again_is_closed_before_one_that_was() {
        let sessions = Arc::new(Sessions::new());
        sessions.bind("abandoned", None).await;
        sessions.bind("used", None).await;
        drop(sessions.enter("used", None));
        sessions.close_idle(Instant::now() + UNUSED).await;
        assert!(sessions.enter("abandoned", None).is_none());
        assert!(sessions.enter("used", None).is_some());
    }

    #[tokio::test]
    async fn a_session_too_many_closes_the_one_idle_for_longest() {
        let sessions = Arc::new(Sessions::new());
        for number in 0..SESSIONS_MAX {
            sessions.bind(&number.to_string(), None).await;
        }
        let streaming = sessions.enter("0", None);
        drop(sessions.enter("1", None));
        sessions.bind("new", None).await;
        assert_eq!(sessions.known().len(), SESSIONS_MAX);
        assert!(sessions.enter("2", None).is_none());
        for id in ["0", "1", "3", "new"] {
            assert!(sessions.enter(id, None).is_some(), "{id} stays");
        }
        drop(streaming);
    }

    #[tokio::test]
    async fn the_new_session_is_closed_when_all_others_are_in_use() {
        let sessions = Arc::new(Sessions::new());
        let mut visits = Vec::new();
        for number in 0..SESSIONS_MAX {
            sessions.bind(&number.to_string(), None).await;
            visits.push(sessions.enter(&number.to_string(), None));
        }
        sessions.bind("new", None).await;
        assert!(sessions.enter("new", None).is_none());
        visits.pop();
        sessions.bind("new", None).await;
        assert!(sessions.enter("new", None).is_some());
    }
}
