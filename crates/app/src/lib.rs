//! Every verb of mcpbox once: rules, transactions and records, without HTTP and without SQL.
//!
//! The doors call the functions of these modules with an [`App`] and the identity of who asks.

pub mod accounts;
mod altered;
pub mod approvals;
pub mod artifacts;
pub mod audit;
pub mod calls;
pub mod capabilities;
pub mod client_sessions;
pub mod clock;
pub mod completions;
pub mod conversation;
mod digest;
pub mod doctor;
pub mod drafts;
mod error;
pub mod external_sources;
pub mod grants;
pub mod identity;
pub mod keys;
pub mod limits;
pub mod metrics;
mod names;
pub mod network;
mod opening;
pub mod outside;
pub mod packages;
mod passwords;
pub mod policy;
pub mod prompts;
mod redact;
pub mod remote;
pub mod requests;
pub mod resources;
pub mod retention;
pub mod review;
pub mod revisions;
pub mod schema;
pub mod secrets;
pub mod servers;
pub mod settings;
mod signature;
pub mod sources;
pub mod tokens;
pub mod tools;
pub mod trace;

use std::sync::{Arc, OnceLock, Weak};

pub use error::{Error, Result};
pub(crate) use opening::key_unavailable;
pub use sandbox::worker;
pub use settings::Settings;
pub use store::key::KeySource;
use store::keyring::Keyring;
pub use store::{Listed, Location, Page};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// The program's state: the database and the sandbox. Cloning it is cheap.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

/// The program's state as what belongs to it holds it: it does not keep it from ending.
#[derive(Clone)]
pub(crate) struct Tie(Weak<Inner>);

impl Tie {
    /// The state, while the program goes on.
    pub(crate) fn app(&self) -> Result<App> {
        let inner = self.0.upgrade().ok_or_else(|| {
            Error::unavailable("the program", std::io::Error::other("it is ending"))
        })?;
        Ok(App { inner })
    }
}

struct Inner {
    metrics: metrics::Metrics,
    traces: trace::Traces,
    store: store::Store,
    keyring: Option<Keyring>,
    sandbox: Option<sandbox::Sandbox>,
    outbound: Option<outbound::Client>,
    packages: Option<Arc<packages::Packages>>,
    ready: calls::Ready,
    altered: altered::Altered,
    sign_ins: accounts::Attempts,
    hashing: passwords::Hashing,
    keeping: artifacts::Keeping,
    /// What calls may ask of their clients.
    asking: settings::Asking,
    /// How many calls of one caller may wait for their client.
    shares: Arc<outside::Shares>,
    policy: policy::Kept,
    external: settings::External,
    connections: external_sources::Connections,
    /// Looks after the external sources, in programs that run tools.
    external_keeper: OnceLock<AbortOnDropHandle<()>>,
    /// Where people open the pages, in programs that tell it to models.
    pages: OnceLock<String>,
    /// Removes artifacts that have expired and old calls, and keeps packages ready, in programs that
    /// run tools.
    _tasks: Vec<AbortOnDropHandle<()>>,
}

/// What `/health` tells.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Health {
    /// `healthy` or `unhealthy`.
    pub status: &'static str,
    /// The version of the program.
    pub version: &'static str,
    /// `connected` or `disconnected`.
    pub database: &'static str,
    /// `connected` while at least one worker is ready, else `disconnected`.
    pub sandbox: &'static str,
    /// What keeps the workers from the rest of the machine, of each wall the worst of all workers.
    pub walls: Option<sandbox::Walls>,
    /// How the memory of one call is made new for the next; nothing while no worker is ready.
    pub memory_reset: Option<sandbox::MemoryReport>,
}

impl App {
    /// A counter that moves whenever the list of tools may have changed, in this process or in
    /// another one on the same database.
    pub fn changes(&self) -> watch::Receiver<i64> {
        self.store().changes()
    }

    /// What this process counts and measures.
    pub fn metrics(&self) -> &metrics::Metrics {
        &self.inner.metrics
    }

    /// The same counter as the database has it now: whatever was read after it did not change for as
    /// long as it stays the same.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn counter(&self) -> Result<i64> {
        Ok(store::changes::counter(self.store()).await?)
    }

    /// Asks the database and the sandbox how they are.
    pub async fn health(&self) -> Health {
        let database = self.store().check().await.is_ok();
        let workers = self.sandbox().ok().map(sandbox::Sandbox::status);
        let sandbox = workers.as_ref().is_some_and(|workers| workers.ready > 0);
        let word = |up| if up { "connected" } else { "disconnected" };
        Health {
            status: if database && sandbox { "healthy" } else { "unhealthy" },
            version: env!("CARGO_PKG_VERSION"),
            database: word(database),
            sandbox: word(sandbox),
            memory_reset: workers.as_ref().and_then(|workers| workers.memory.clone()),
            walls: workers.and_then(|workers| workers.walls),
        }
    }

    /// Gives back memory that only makes the next request faster: for when none is expected soon.
    pub async fn empty_caches(&self) {
        self.store().empty_caches().await;
    }

    /// Ends the workers and closes the database; calls that still run are lost.
    pub async fn close(self) {
        self.connections().close().await;
        if let Ok(sandbox) = self.sandbox() {
            sandbox.stop().await;
        }
        self.traces().close().await;
        self.store().clone().close().await;
    }

    pub(crate) fn traces(&self) -> &trace::Traces {
        &self.inner.traces
    }

    pub(crate) fn store(&self) -> &store::Store {
        &self.inner.store
    }

    /// What values of secrets are sealed with.
    pub(crate) fn keyring(&self) -> Result<&Keyring> {
        self.inner.keyring.as_ref().ok_or_else(|| left_out("the master key"))
    }

    pub(crate) fn ready(&self) -> &calls::Ready {
        &self.inner.ready
    }

    pub(crate) fn altered(&self) -> &altered::Altered {
        &self.inner.altered
    }

    pub(crate) fn policy(&self) -> &policy::Kept {
        &self.inner.policy
    }

    pub(crate) fn keeping(&self) -> artifacts::Keeping {
        self.inner.keeping
    }

    pub(crate) fn asking(&self) -> settings::Asking {
        self.inner.asking
    }

    pub(crate) fn tie(&self) -> Tie {
        Tie(Arc::downgrade(&self.inner))
    }

    pub(crate) fn connections(&self) -> &external_sources::Connections {
        &self.inner.connections
    }

    /// Says where people open the pages, such as `http://127.0.0.1:3000`, for what models are told. Once.
    pub fn tell_pages(&self, address: &str) {
        self.inner.pages.get_or_init(|| address.to_owned());
    }

    /// Where people open the pages, as far as that is known here.
    pub(crate) fn pages(&self) -> Option<&str> {
        self.inner.pages.get().map(String::as_str)
    }

    pub(crate) fn external(&self) -> &settings::External {
        &self.inner.external
    }

    pub(crate) fn shares(&self) -> &Arc<outside::Shares> {
        &self.inner.shares
    }

    pub(crate) fn sandbox(&self) -> Result<&sandbox::Sandbox> {
        self.inner.sandbox.as_ref().ok_or_else(|| left_out("the sandbox"))
    }

    /// The only way to other machines.
    pub(crate) fn outbound(&self) -> Result<&outbound::Client> {
        self.inner.outbound.as_ref().ok_or_else(|| left_out("the way out"))
    }

    /// The index, the wheels and the sets that are made of them.
    pub(crate) fn packages(&self) -> Result<&Arc<packages::Packages>> {
        self.inner.packages.as_ref().ok_or_else(|| left_out("the package index"))
    }
}

fn left_out(part: &'static str) -> Error {
    Error::unavailable(part, std::io::Error::other("this command runs without it"))
}
