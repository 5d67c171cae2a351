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
pub use sandbox::worker;
pub use settings::Settings;
use store::key::KeyError;
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

/// What a program has that runs tools.
struct Running {
    sandbox: sandbox::Sandbox,
    packages: Arc<packages::Packages>,
    asking: settings::Asking,
    traces: trace::Traces,
}

/// What every program has.
struct Opened {
    metrics: metrics::Metrics,
    store: store::Store,
    keyring: Option<Keyring>,
    /// The way out, and how far sources may be; programs without it connect to nothing.
    outside: Option<(outbound::Client, settings::External)>,
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
    /// Opens the database and starts the sandbox.
    ///
    /// # Errors
    /// [`Error::Unavailable`] naming the part that did not come up, the master key included.
    pub async fn open(settings: Settings) -> Result<Self> {
        let metrics = metrics::Metrics::new();
        let opening = open_store(&settings.database, &metrics);
        let starting = sandbox::Sandbox::start(settings.sandbox);
        let (store, sandbox) = tokio::join!(opening, starting);
        let store = store?;
        let sandbox = sandbox.map_err(|source| Error::unavailable("the sandbox", source))?;
        let outbound = outbound::Client::new(&settings.outbound)
            .map_err(|source| Error::unavailable("the way out", source))?;
        let packages = packages::Packages::new(&settings.sources, &settings.packages, &outbound)?;
        let keyring = open_keyring(&store, &settings.key).await?;
        let (packages, asking) = (Arc::new(packages), settings.asking);
        let traces = trace::Traces::new(&settings.traces, &outbound)?;
        let outside = Some((outbound, settings.external));
        let running = Running { sandbox, packages, asking, traces };
        let opened = Opened { metrics, store, keyring: Some(keyring), outside };
        Ok(Self::assemble(opened, Some(running), settings.keeping, settings.fixed))
    }

    /// Opens the database alone, for commands that run no tool.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not open.
    pub async fn open_without_sandbox(database: &Location) -> Result<Self> {
        let metrics = metrics::Metrics::new();
        let store = open_store(database, &metrics).await?;
        let opened = Opened { metrics, store, keyring: None, outside: None };
        Ok(Self::assemble(opened, None, artifacts::Keeping::default(), policy::Fixed::default()))
    }

    /// Opens the database and the keys, for what runs no tool but deals with secrets.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not open, or not with this key.
    pub async fn open_with_key(database: &Location, key: &KeySource) -> Result<Self> {
        let metrics = metrics::Metrics::new();
        let store = open_store(database, &metrics).await?;
        let keyring = Some(open_keyring(&store, key).await?);
        let opened = Opened { metrics, store, keyring, outside: None };
        Ok(Self::assemble(opened, None, artifacts::Keeping::default(), policy::Fixed::default()))
    }

    /// Opens the database, the keys and the way out, for what speaks with external sources and runs no tool
    /// of its own.
    ///
    /// # Errors
    /// As [`App::open_with_key`]; [`Error::Unavailable`] where a name server or an authority is unfit.
    pub async fn open_connected(
        database: &Location,
        key: &KeySource,
        way_out: &settings::Outbound,
        external: settings::External,
    ) -> Result<Self> {
        let metrics = metrics::Metrics::new();
        let store = open_store(database, &metrics).await?;
        let keyring = Some(open_keyring(&store, key).await?);
        let outbound = outbound::Client::new(way_out)
            .map_err(|source| Error::unavailable("the way out", source))?;
        let opened = Opened { metrics, store, keyring, outside: Some((outbound, external)) };
        Ok(Self::assemble(opened, None, artifacts::Keeping::default(), policy::Fixed::default()))
    }

    fn assemble(
        opened: Opened,
        running: Option<Running>,
        keeping: artifacts::Keeping,
        fixed: policy::Fixed,
    ) -> Self {
        let Opened { metrics, store, keyring, outside } = opened;
        let tasks = running.as_ref().map_or_else(Vec::new, |running| {
            let Running { sandbox, packages, .. } = running;
            let keeper = packages::keep(store.clone(), Arc::clone(packages), sandbox.clone());
            let sweep = artifacts::sweep(store.clone(), keeping);
            let retention = retention::keep(store.clone(), fixed);
            let tasks = [tokio::spawn(sweep), tokio::spawn(keeper), tokio::spawn(retention)];
            tasks.map(AbortOnDropHandle::new).into()
        });
        let asking = running.as_ref().map(|running| running.asking).unwrap_or_default();
        let external = outside.as_ref().map(|(_, external)| external.clone()).unwrap_or_default();
        let outbound = outside.map(|(outbound, _)| outbound);
        let bounds = running.as_ref().map(|running| running.sandbox.status().bounds);
        let shares = Arc::new(outside::Shares::new(&bounds.unwrap_or_default()));
        let (sandbox, packages, traces) = match running {
            Some(Running { sandbox, packages, traces, .. }) => {
                (Some(sandbox), Some(packages), traces)
            }
            None => (None, None, trace::Traces::off()),
        };
        let app = Self {
            inner: Arc::new(Inner {
                metrics,
                traces,
                store,
                keyring,
                sandbox,
                outbound,
                packages,
                ready: calls::Ready::default(),
                altered: altered::Altered::default(),
                sign_ins: accounts::Attempts::default(),
                hashing: passwords::Hashing::default(),
                keeping,
                asking,
                shares,
                policy: policy::Kept::new(fixed),
                external,
                connections: external_sources::Connections::default(),
                external_keeper: OnceLock::new(),
                pages: OnceLock::new(),
                _tasks: tasks,
            }),
        };
        if app.inner.sandbox.is_some() {
            let keeper = tokio::spawn(external_sources::keep(app.tie()));
            app.inner.external_keeper.get_or_init(|| AbortOnDropHandle::new(keeper));
        }
        app
    }

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

/// Opens the database, each statement of which is measured.
async fn open_store(database: &Location, metrics: &metrics::Metrics) -> Result<store::Store> {
    let metrics = metrics.clone();
    let observer: store::Observer = Arc::new(move |took, failed| metrics.statement(took, failed));
    let opened = store::Store::open_observed(database, Some(observer)).await;
    opened.map_err(|source| Error::unavailable("the database", source))
}

fn left_out(part: &'static str) -> Error {
    Error::unavailable(part, std::io::Error::other("this command runs without it"))
}

/// Finds or makes the master key and holds it against the one that the database is used with.
async fn open_keyring(store: &store::Store, key: &KeySource) -> Result<Keyring> {
    Keyring::open(store, key, clock::now()).await.map_err(key_unavailable)
}

/// What is wrong with the keys, for whoever runs the program.
pub(crate) fn key_unavailable(source: KeyError) -> Error {
    match source {
        KeyError::Store(error) => error.into(),
        source => Error::unavailable("the master key", source),
    }
}
