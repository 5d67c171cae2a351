//! Opening the program's state: each command opens the parts that it needs.

use std::sync::{Arc, OnceLock};

use store::key::{KeyError, KeySource};
use store::keyring::Keyring;
use tokio_util::task::AbortOnDropHandle;

use crate::{
    App, Error, Inner, Location, Result, Settings, accounts, altered, artifacts, calls, clock,
    external_sources, metrics, outside, packages, passwords, policy, retention, settings, trace,
};

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
}

/// Opens the database, each statement of which is measured.
async fn open_store(database: &Location, metrics: &metrics::Metrics) -> Result<store::Store> {
    let metrics = metrics.clone();
    let observer: store::Observer = Arc::new(move |took, failed| metrics.statement(took, failed));
    let opened = store::Store::open_observed(database, Some(observer)).await;
    opened.map_err(|source| Error::unavailable("the database", source))
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
