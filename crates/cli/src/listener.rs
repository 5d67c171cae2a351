//! Accepting connections at a door, so that slow or idle clients cannot close it to the others.

mod connection;
mod exchange;
mod patience;
mod places;
mod refusal;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use app::metrics::{Door, Metrics};
use axum::Router;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use connection::Terms;
pub(crate) use places::Places;
use places::connections_within;

/// How long a client may take to send the head of a request, its wait between two requests of
/// one connection included; how long its body may pause; and how long it may take nothing of an
/// answer that is ready for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// The wait after an error of the system, which another connection's end may mend.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// The same trouble is logged at most this often.
const LOG_EVERY: Duration = Duration::from_mins(1);

/// How many connections the system may hold until there is room for them.
const QUEUE_MAX: u32 = 1024;

/// More open files than this are not asked for.
const FILES_MAX: u64 = 65_536;

/// What a listener serves, and how.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) door: Door,
    pub(crate) router: Router,
    pub(crate) metrics: Metrics,
    pub(crate) stages: Stages,
}

/// The two steps in which a listener ends.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stages {
    /// From here on requests under way go on, and new ones are refused.
    pub(crate) stopping: CancellationToken,
    /// From here on requests under way are ended.
    pub(crate) giving_up: CancellationToken,
    /// From here on there are no connections.
    pub(crate) closing: CancellationToken,
    exchanges: TaskTracker,
    begun: Arc<AtomicU64>,
}

impl Stages {
    /// Waits until no request is under way.
    pub(crate) async fn idle(&self) {
        self.exchanges.close();
        self.exchanges.wait().await;
    }

    /// Counts a request, which is under way until what is returned is dropped.
    fn begin(&self) -> TaskTrackerToken {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.exchanges.token()
    }

    /// How many requests there were so far.
    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// How many requests are under way.
    pub(crate) fn under_way(&self) -> usize {
        self.exchanges.len()
    }
}

/// Raises the limit of open files as far as the system lets this process, and returns how many
/// connections each of the two doors may have open within it.
pub(crate) fn connections_per_door() -> anyhow::Result<usize> {
    let files = rlimit::increase_nofile_limit(FILES_MAX)
        .context("the limit of open files can be neither read nor raised")?;
    let connections = connections_within(files.min(FILES_MAX));
    tracing::debug!(files, connections, "connections per door");
    Ok(connections)
}

/// Opens the listener of a door; to be called within the runtime.
pub(crate) fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart need not wait until the system has forgotten the connections before it.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(QUEUE_MAX)
}

/// Serves until `closing`; returns once every connection has ended.
pub(crate) async fn serve(listener: TcpListener, service: Service, places: Places) {
    let open = TaskTracker::new();
    let closing = service.stages.closing.clone();
    closing.run_until_cancelled(accept_all(&listener, &service, &places, &open)).await;
    drop(listener);
    open.close();
    open.wait().await;
}

/// Accepts for as long as there is room. What comes beyond that waits in the system's queue.
async fn accept_all(
    listener: &TcpListener,
    service: &Service,
    places: &Places,
    open: &TaskTracker,
) {
    let [mut full, mut crowded, mut failing] = [Occasion::default(); 3];
    loop {
        if places.is_full() && full.is_due() {
            tracing::warn!("all connections of a door are in use; new ones wait");
        }
        let Some(room) = places.room().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                if let Some(place) = places.take(room, peer.ip()) {
                    let service = service.clone();
                    drop(open.spawn(async move {
                        let _counted = service.metrics.connection(service.door);
                        connection::serve(stream, peer, service, Terms::default()).await;
                        drop(place);
                    }));
                } else if crowded.is_due() {
                    tracing::warn!(%peer, "closed a connection: its peer has too many open");
                }
            }
            // The client has gone while it waited.
            Err(error) if is_of_the_client(error.kind()) => {}
            Err(error) => {
                if failing.is_due() {
                    tracing::error!(%error, "a connection cannot be accepted; trying on");
                }
                tokio::time::sleep(RETRY_AFTER).await;
            }
        }
    }
}

fn is_of_the_client(error: ErrorKind) -> bool {
    use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error, ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Something worth a line in the log once in a while.
#[derive(Clone, Copy, Default)]
struct Occasion {
    last: Option<Instant>,
}

impl Occasion {
    fn is_due(&mut self) -> bool {
        let due = self.last.is_none_or(|last| last.elapsed() >= LOG_EVERY);
        if due {
            self.last = Some(Instant::now());
        }
        due
    }
}
