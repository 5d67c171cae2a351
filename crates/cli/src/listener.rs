//! Accepting connections at a door, so that slow or idle clients cannot close it to the others.

mod patience;
mod places;

use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;

pub(crate) use places::Places;
use places::{Place, connections_within};

/// How long a client may take to send the head of a request, its wait between two requests of
/// one connection included, and how long its body may pause.
const PATIENCE: Duration = Duration::from_secs(30);

/// The wait after an error of the system, which another connection's end may mend.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// The same trouble is logged at most this often.
const LOG_EVERY: Duration = Duration::from_mins(1);

/// How many connections the system may hold until there is room for them.
const QUEUE_MAX: u32 = 1024;

/// More open files than this are not asked for.
const FILES_MAX: u64 = 65_536;

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

/// Serves `router` until `stop`; then lets the open requests end and returns.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    places: Places,
    stop: CancellationToken,
) {
    let open = GracefulShutdown::new();
    stop.run_until_cancelled(accept_all(&listener, &router, &places, &open)).await;
    drop(listener);
    open.shutdown().await;
}

/// Accepts for as long as there is room. What comes beyond that waits in the system's queue.
async fn accept_all(
    listener: &TcpListener,
    router: &Router,
    places: &Places,
    open: &GracefulShutdown,
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
                    let router = router.clone();
                    drop(tokio::spawn(connection(stream, peer, router, open.watcher(), place)));
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

/// Answers the requests of one connection.
async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    open: Watcher,
    place: Place,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "small packets will wait");
    }
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = patience::answer(router.clone(), request, PATIENCE);
        async { Ok::<_, Infallible>(answer.await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = open.watch(served).await {
        tracing::debug!(%peer, %error, "a connection ended early");
    }
    drop(place);
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
