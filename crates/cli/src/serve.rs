//! Running the doors: lock, listen, open the state, serve until a signal comes.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use app::artifacts::Keeping;
use app::metrics::Door;
use app::settings::{Asking, Calls, Runtime, Settings};
use app::{App, tokens};
use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use crate::addresses::Addresses;
use crate::arguments::{Admin, AdminDoor, Common, Gateway, McpDoor, Serve};
use crate::listener::{Places, Service, Stages};
use crate::lock::Lock;
use crate::{GUEST, WORKER, first_account, listener, logging, memory, metrics};

/// How long calls may take to end that are given up.
const GIVING_UP: Duration = Duration::from_secs(2);

/// How long the connections and the state may take to end, once nothing is waited for.
const CLOSING: Duration = Duration::from_secs(10);

/// `mcpbox serve`.
pub(crate) async fn both(settings: Serve) -> anyhow::Result<()> {
    let Serve { common, admin, mcp, addresses } = settings;
    let mut process = Process::start(&common, &addresses, "serve")?;
    let people = process.listen("admin", admin.listen)?;
    let clients = process.listen("gateway", mcp.listen)?;
    let own_admin = url(people.local_addr()?);
    let own_mcp = format!("{}/mcp", url(clients.local_addr()?));
    let (admin_url, mcp_url) = (addresses.admin(own_admin.clone()), addresses.mcp(own_mcp.clone()));
    let app = Box::pin(process.open()).await?;
    let pages = process.admin_router(&app, &admin, &people, mcp_url).await?;
    let tools = process.mcp_router(&app, &mcp, &clients, admin_url.clone()).await?;
    process.serve(&app, Door::Admin, people, pages);
    process.serve(&app, Door::Mcp, clients, tools);
    println!("mcpbox is ready.");
    println!("  Pages for people:  {own_admin}");
    println!("  MCP clients:       {own_mcp}");
    print_next_step(&app, &admin_url).await?;
    process.finish(app).await
}

/// `mcpbox admin`.
pub(crate) async fn admin(settings: Admin) -> anyhow::Result<()> {
    let Admin { common, door, addresses } = settings;
    let mut process = Process::start(&common, &addresses, "admin")?;
    let listener = process.listen("admin", door.listen)?;
    let own = url(listener.local_addr()?);
    let app = Box::pin(process.open()).await?;
    let router = process.admin_router(&app, &door, &listener, addresses.mcp(None)).await?;
    process.serve(&app, Door::Admin, listener, router);
    println!("mcpbox admin is ready.");
    println!("  Pages for people:  {own}");
    print_next_step(&app, &addresses.admin(own)).await?;
    process.finish(app).await
}

/// `mcpbox gateway`.
pub(crate) async fn gateway(settings: Gateway) -> anyhow::Result<()> {
    let Gateway { common, door, addresses } = settings;
    let mut process = Process::start(&common, &addresses, "gateway")?;
    let listener = process.listen("gateway", door.listen)?;
    let own = format!("{}/mcp", url(listener.local_addr()?));
    let app = Box::pin(process.open()).await?;
    let router = process.mcp_router(&app, &door, &listener, addresses.admin(None)).await?;
    process.serve(&app, Door::Mcp, listener, router);
    println!("mcpbox gateway is ready.");
    println!("  MCP clients:       {own}");
    process.finish(app).await
}

/// What the flags and variables say of database, key and sandbox.
pub(crate) fn settings(common: &Common, addresses: &Addresses) -> anyhow::Result<Settings> {
    if GUEST.is_empty() {
        bail!("this program was built without its Python guest; build it with `cargo xtask build`");
    }
    let program = std::env::current_exe().context("the program's own path is unknown")?;
    let worker_command = vec![program.into_os_string(), OsString::from(WORKER)];
    let keeping = Keeping {
        time: Duration::from_hours(common.artifact_hours),
        bytes: common.artifact_megabytes << 20,
    };
    let runtime = Runtime {
        guest: GUEST,
        worker_command,
        workers: common.workers,
        require_walls: common.require_sandbox_walls,
        calls_per_worker: common.calls_per_worker,
        memory_reset: common.memory_reset,
        keeping,
        fixed: common.limits.fixed(),
        calls: Calls {
            all: common.max_calls,
            per_server: common.max_calls_per_server,
            waiting: common.max_waiting_calls,
            memory_bytes: common.call_memory.map(|megabytes| megabytes << 20),
            asking: Asking::default(),
        },
        outbound: common.outside.settings(),
        sources: common.outside.sources(),
        external: addresses.external(common.outside.allow_loopback_sources),
        traces: common.telemetry.traces(),
    };
    let settings = Settings::new(
        &common.data_dir,
        common.database_url.as_deref(),
        common.encryption_key.as_deref(),
        runtime,
    )?;
    Ok(settings)
}

/// Makes the data directory, readable by its owner alone.
pub(crate) fn make_data_dir(dir: &Path) -> anyhow::Result<()> {
    if !dir.is_dir() {
        std::fs::create_dir_all(dir)
            .with_context(|| format!("the data directory {} cannot be made", dir.display()))?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))?;
        }
    }
    Ok(())
}

/// One running program: its locks, its listeners and the signal that ends it.
struct Process<'a> {
    common: &'a Common,
    addresses: &'a Addresses,
    command: &'static str,
    locks: Vec<Lock>,
    stages: Stages,
    servers: JoinSet<()>,
    /// How many connections each door may have open at once.
    connections: usize,
    /// Reads the file of external servers again.
    configuration: Option<AbortOnDropHandle<()>>,
}

impl<'a> Process<'a> {
    fn start(
        common: &'a Common,
        addresses: &'a Addresses,
        command: &'static str,
    ) -> anyhow::Result<Self> {
        logging::start(&common.log)?;
        make_data_dir(&common.data_dir)?;
        Ok(Self {
            common,
            addresses,
            command,
            locks: Vec::new(),
            stages: Stages::default(),
            servers: JoinSet::new(),
            connections: listener::connections_per_door()?,
            configuration: None,
        })
    }

    /// Takes the lock of a door and opens its listener.
    fn listen(&mut self, door: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
        let holder = |address| format!("`mcpbox {}` at {address}", self.command);
        let mut lock = Lock::take(&self.common.data_dir, door, &holder(address))?;
        let listener = listener::bind(address).with_context(|| {
            let flag = if door == "admin" { "--admin-listen" } else { "--mcp-listen" };
            format!("{address} cannot be listened on; free it or choose another with {flag}")
        })?;
        lock.note(&holder(listener.local_addr()?))?;
        self.locks.push(lock);
        Ok(listener)
    }

    async fn open(&mut self) -> anyhow::Result<App> {
        let common = self.common;
        let configuration = common.configured.read()?;
        let metrics = metrics::bind(&common.telemetry)?;
        let app = Box::pin(App::open(settings(common, self.addresses)?)).await?;
        if let Some(configuration) = configuration {
            configuration.apply(&app).await?;
            self.configuration = configuration.keep(&app)?;
        }
        if let Some(listener) = metrics {
            let router = metrics::router(&app, common.telemetry.metrics_token.clone());
            self.serve(&app, Door::Metrics, listener, router);
        }
        signals(self.stages.clone())?;
        Ok(app)
    }

    async fn admin_router(
        &self,
        app: &App,
        settings: &AdminDoor,
        listener: &TcpListener,
        mcp_address: String,
    ) -> anyhow::Result<Router> {
        first_account::ensure(app, settings).await?;
        let address = listener.local_addr()?;
        let mut allowed_hosts = with_own_address(&settings.allowed_hosts, address);
        allowed_hosts.extend(self.addresses.admin_host());
        let door = admin::Door {
            allowed_hosts,
            mcp_address,
            rate_limit_rpm: self.common.limits.api_rate_limit_rpm,
            metrics_token: self.common.telemetry.metrics_token.clone(),
            gateways_without_token: settings.gateways_without_token,
            login_relay: settings.login_relay.as_ref().map(Url::to_string),
        };
        Ok(admin::router(app.clone(), door))
    }

    async fn mcp_router(
        &self,
        app: &App,
        settings: &McpDoor,
        listener: &TcpListener,
        admin_address: String,
    ) -> anyhow::Result<Router> {
        let address = listener.local_addr()?;
        let open_to_others = !address.ip().is_loopback() || self.addresses.is_open_to_others();
        if open_to_others && !tokens::any_active(app).await? {
            bail!(
                "others than this machine reach {}, so callers of /mcp need credentials, and there are none; make one with `mcpbox tokens create NAME` on the same data directory or database",
                self.addresses.mcp(address.to_string())
            );
        }
        let mut allowed_hosts = with_own_address(&settings.allowed_hosts, address);
        allowed_hosts.extend(self.addresses.mcp_host());
        let door = gateway::Door {
            require_token: open_to_others || settings.require_token,
            allowed_hosts,
            allowed_origins: settings.allowed_origins.clone(),
            admin_address,
            shutdown: self.stages.stopping.clone(),
            giving_up: self.stages.giving_up.clone(),
        };
        Ok(gateway::router(app.clone(), door))
    }

    fn serve(&mut self, app: &App, door: Door, listener: TcpListener, router: Router) {
        let places = Places::new(self.connections);
        let (metrics, stages) = (app.metrics().clone(), self.stages.clone());
        let service = Service { door, router, metrics, stages };
        self.servers.spawn(listener::serve(listener, service, places));
    }

    /// Serves until the signal, then lets requests end and closes the state.
    async fn finish(mut self, app: App) -> anyhow::Result<()> {
        let giving_back = AbortOnDropHandle::new(tokio::spawn(memory::give_back(
            self.stages.clone(),
            app.clone(),
        )));
        let crashed = tokio::select! {
            () = self.stages.stopping.cancelled() => Ok(()),
            Some(ended) = self.servers.join_next() => ended.context("a door crashed"),
        };
        drop(giving_back);
        drop(self.configuration.take());
        self.stages.stopping.cancel();
        let most = Duration::from_secs(self.common.shutdown_seconds);
        tokio::select! {
            () = self.stages.idle() => {}
            () = self.stages.closing.cancelled() => tracing::warn!("ending at once"),
            () = tokio::time::sleep(most) => {
                let open = self.stages.under_way();
                tracing::warn!(open, "requests were still open {most:?} after the signal; ending them");
                self.stages.giving_up.cancel();
                // They are answered so.
                let _some_are_stuck = tokio::time::timeout(GIVING_UP, self.stages.idle()).await;
            }
        }
        self.stages.closing.cancel();
        let ending = async {
            while self.servers.join_next().await.is_some() {}
            app.close().await;
        };
        if tokio::time::timeout(CLOSING, ending).await.is_err() {
            tracing::warn!("the state did not close within {CLOSING:?}; ending anyway");
        }
        crashed
    }
}

/// A concrete address to listen on is a host that may be asked for.
fn with_own_address(hosts: &[String], address: SocketAddr) -> Vec<String> {
    let mut hosts: Vec<_> = hosts.iter().filter(|host| !host.is_empty()).cloned().collect();
    if !address.ip().is_unspecified() && !address.ip().is_loopback() {
        hosts.push(match address {
            SocketAddr::V4(v4) => v4.ip().to_string(),
            SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
        });
    }
    hosts
}

async fn print_next_step(app: &App, admin_url: &str) -> anyhow::Result<()> {
    if app::accounts::setup_required(app).await? {
        println!("Next: open {admin_url} and make the admin account, then connect a client.");
    } else {
        println!("Next: connect a client; approve what it asks for at {admin_url}/approvals");
    }
    Ok(())
}

/// The address as a browser on this machine writes it.
fn url(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => format!("http://127.0.0.1:{}", v4.port()),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => format!("http://[::1]:{}", v6.port()),
        other => format!("http://{other}"),
    }
}

/// Begins to stop at the first signal to end, and closes all at the second.
fn signals(stages: Stages) -> anyhow::Result<()> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::spawn(async move {
        for (next, word) in [(&stages.stopping, "stopping"), (&stages.closing, "stopping at once")]
        {
            #[cfg(unix)]
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            #[cfg(not(unix))]
            let _pressed = tokio::signal::ctrl_c().await;
            tracing::info!("{word}");
            next.cancel();
        }
    });
    Ok(())
}
