//! One connection: HTTP/1.1 or HTTP/2 by what the client begins with, within the limits of a door.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::{Duration, Instant};

use app::metrics::Door;
use axum::extract::ConnectInfo;
use axum::http::{Method, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;

use super::exchange::{Answer, Exchange, Exchanges, Verdict};
use super::refusal::{self, HEAD_BYTES, HEADER_FIELDS};
use super::{PATIENCE, Service, patience};

/// How long the last bytes of answers may take when the listener closes.
const FLUSH: Duration = Duration::from_secs(2);

/// Requests that one connection of HTTP/2 may have under way.
const STREAMS_MAX: u32 = 128;

/// How long a connection of HTTP/2 may be silent before it is asked for a sign of life.
const SILENCE: Duration = Duration::from_secs(20);

/// How much patience a connection is met with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) patience: Duration,
    /// How long the body of one request may take in all.
    pub(super) body: Duration,
}

impl Default for Terms {
    fn default() -> Self {
        Self { patience: PATIENCE, body: Duration::from_mins(5) }
    }
}

/// Answers the requests of one connection.
pub(super) async fn serve(stream: TcpStream, peer: SocketAddr, service: Service, terms: Terms) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "small packets will wait");
    }
    let exchanges = Exchanges::new();
    let stages = service.stages.clone();
    let begun = exchanges.clone();
    let answering = service_fn(move |request: hyper::Request<Incoming>| {
        let answer = answer(service.clone(), request, peer, begun.begin(), terms);
        async { Ok::<_, Infallible>(answer.await) }
    });
    let builder = builder(terms);
    let mut served = pin!(builder.serve_connection(TokioIo::new(stream), answering));
    // Who comes while the program stops is told so, and the answer ends the connection.
    let (mut wait, mut is_ending) = (terms.patience, stages.stopping.is_cancelled());
    loop {
        tokio::select! {
            ended = served.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, %error, "a connection ended early");
                }
                return;
            }
            () = stages.closing.cancelled() => break,
            () = stages.stopping.cancelled(), if !is_ending => {
                is_ending = true;
                served.as_mut().graceful_shutdown();
            }
            () = tokio::time::sleep(wait) => match exchanges.verdict(Instant::now(), terms.patience) {
                Verdict::Well(next) => wait = next,
                Verdict::Idle if !is_ending => {
                    is_ending = true;
                    wait = terms.patience;
                    served.as_mut().graceful_shutdown();
                }
                Verdict::Idle | Verdict::Stuck => {
                    tracing::debug!(%peer, "cut a connection whose client takes nothing");
                    return;
                }
            }
        }
    }
    // What was answered is sent; what is still under way is given up.
    if exchanges.are_answered() {
        served.as_mut().graceful_shutdown();
        let _ended = tokio::time::timeout(FLUSH, served).await;
    }
}

fn builder(terms: Terms) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(terms.patience)
        .max_headers(HEADER_FIELDS)
        .max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(SILENCE)
        .keep_alive_timeout(SILENCE)
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX));
    builder
}

async fn answer(
    service: Service,
    mut request: hyper::Request<Incoming>,
    peer: SocketAddr,
    exchange: Exchange,
    terms: Terms,
) -> Response<Answer> {
    let version = request.version();
    let under_way = service.stages.begin();
    // A call under way may wait for what its client posts; the door itself refuses what would begin.
    let may_answer = service.door == Door::Mcp && request.method() == Method::POST;
    let mut response = if service.stages.stopping.is_cancelled() && !may_answer {
        refusal::stopping(request.uri().path())
    } else if let Some(refused) = refusal::of_head(&mut request) {
        refused
    } else {
        request.extensions_mut().insert(ConnectInfo(peer));
        let _pending = service.metrics.request(service.door);
        patience::answer(service.router, request, terms).await
    };
    refusal::fit(version, response.headers_mut());
    service.metrics.answered(service.door, response.status().as_u16());
    response.map(|body| Answer::new(body, exchange, under_way))
}

#[cfg(test)]
mod tests;
