//! What serves the requests of this door: one for all of them.

use std::sync::Arc;

use app::App;
use app::conversation::{Abilities, Level};
use app::identity::Caller;
use app::limits::{RateLimit, Runs};

use crate::Door;
use crate::catalog::Catalogs;
use crate::identity::Identity;
use crate::session::Session;
use crate::sessions::Sessions;
use crate::suspended::Suspended;
use crate::version::Version;

/// The state of this door.
pub(crate) struct Server {
    pub(crate) app: App,
    pub(crate) door: Door,
    /// How often callers ask.
    pub(crate) limit: RateLimit,
    /// How often they run the same.
    pub(crate) runs: Runs,
    pub(crate) catalogs: Arc<Catalogs>,
    pub(crate) sessions: Sessions,
    pub(crate) suspended: Arc<Suspended>,
}

impl Server {
    /// The state, with the tasks that tidy it until `door.shutdown`.
    pub(crate) fn start(app: App, door: Door) -> Arc<Self> {
        let server = Arc::new(Self {
            catalogs: Arc::new(Catalogs::new(app.clone())),
            sessions: Sessions::new(app.clone()),
            suspended: Arc::new(Suspended::new()),
            limit: RateLimit::default(),
            runs: Runs::default(),
            app,
            door,
        });
        let counted = Arc::downgrade(&server);
        server.app.metrics().watch(
            "mcp_sessions",
            "Sessions of clients that this process knows",
            move || counted.upgrade().map_or(0, |server| server.sessions.count()),
        );
        let sweeping = Arc::clone(&server);
        drop(tokio::spawn(async move {
            let stop = &sweeping.door.shutdown;
            tokio::join!(sweeping.sessions.sweep(stop), sweeping.suspended.sweep(stop));
        }));
        server
    }
}

/// Who asks, in which revision, and what it says of itself.
#[derive(Clone)]
pub(crate) struct Asker {
    pub(crate) identity: Identity,
    pub(crate) version: Version,
    /// What the client calls itself.
    pub(crate) client: Option<String>,
    pub(crate) abilities: Abilities,
    /// From which level on a request that stands alone hears what is logged.
    pub(crate) log_level: Option<Level>,
    /// None for requests that stand alone.
    pub(crate) session: Option<Arc<Session>>,
}

impl Asker {
    /// The client of a session.
    pub(crate) fn of_session(identity: Identity, session: Arc<Session>) -> Self {
        Self {
            identity,
            version: session.version,
            client: session.client.clone(),
            abilities: session.abilities,
            log_level: None,
            session: Some(session),
        }
    }

    /// The caller as the verbs know it.
    pub(crate) fn caller(&self) -> Caller {
        self.identity.caller(self.client.clone())
    }
}
