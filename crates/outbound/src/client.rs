//! The client: asks whether a request may go, sends it, follows redirects, and writes down what was.

use crate::connector::Connector;
use crate::error::{Kind, RequestError};
use crate::lane::{Lane, Reservation};
use crate::policy::{Policy, Reach};
use crate::proxy::Proxy;
use crate::record::Record;
use crate::request::{Checked, Request, Timeouts};
use crate::resolver::Resolver;
use crate::response::{Head, Response};
use crate::target::Target;
use crate::tls::{self, TrustError};
use crate::{decode, exchange, limits, redirect};
use hickory_resolver::net::NetError;
use hyper::body::Incoming;
use lru::LruCache;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::Semaphore;
use tokio_rustls::rustls::ClientConfig;

/// Bodies smaller than this are decompressed where they are, in bytes; larger ones would hold up
/// other requests.
const QUICK: usize = 32 * 1024;

/// What the operator decides about the way out.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The name servers to ask; those of the system where there are none.
    pub dns_servers: Vec<SocketAddr>,
    /// Files with certificates (PEM) of authorities to trust beside those of the system.
    pub ca_files: Vec<PathBuf>,
    /// What connections to public addresses go through.
    pub proxy: Option<Proxy>,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// What to trust is not clear.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// Names cannot be resolved.
    #[error("the name servers cannot be used")]
    Resolver(#[from] NetError),
}

/// Makes requests, each caller on connections of its own. Clones share everything.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    resolver: Resolver,
    tls: ClientConfig,
    proxy: Option<Arc<Proxy>>,
    in_flight: Semaphore,
    lanes: Mutex<LruCache<(String, Reach), Arc<Lane>>>,
}

/// A request that is over.
#[derive(Debug)]
pub struct Exchange {
    /// What is kept of it.
    pub record: Record,
    /// The answer, or why there is none.
    pub outcome: Result<Response, RequestError>,
}

impl Client {
    /// A client without a connection yet.
    pub fn new(settings: &Settings) -> Result<Self, SetupError> {
        let callers = NonZeroUsize::new(limits::CALLERS).unwrap_or(NonZeroUsize::MIN);
        let shared = Shared {
            resolver: Resolver::new(&settings.dns_servers)?,
            tls: tls::configure(&settings.ca_files)?,
            proxy: settings.proxy.clone().map(Arc::new),
            in_flight: Semaphore::new(limits::IN_FLIGHT),
            lanes: Mutex::new(LruCache::new(callers)),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Makes a request for `caller`, whose connections nobody else uses, as far as `policy` allows.
    ///
    /// The policy is asked again after every redirect. Dropping the future ends the request.
    pub async fn send(&self, caller: &str, policy: &Policy, request: Request) -> Exchange {
        let began = Instant::now();
        let mut record = Record::of(&request);
        let all = Box::pin(self.run(caller, policy, &request, &mut record));
        let outcome = tokio::time::timeout(limits::TOTAL, all).await.unwrap_or_else(|elapsed| {
            let message = format!("the request took longer than {} s", limits::TOTAL.as_secs());
            Err(RequestError::new(Kind::ReadTimeout, message).caused_by(elapsed))
        });
        record.end(&outcome, began.elapsed());
        Exchange { record, outcome }
    }

    async fn run(
        &self,
        caller: &str,
        policy: &Policy,
        request: &Request,
        record: &mut Record,
    ) -> Result<Response, RequestError> {
        let mut checked = Checked::new(request)?;
        allow(policy, &checked)?;
        let reach = |checked: &Checked| policy.reach(checked.target.host(), checked.target.port());
        let lane = self.lane(caller, reach(&checked));
        let mut reservation = lane.reservation();
        reservation.grow_to(request.body.len())?;
        let _places = self.places(&lane, request).await?;
        let mut history = Vec::new();
        loop {
            let began = Instant::now();
            let answer =
                exchange::ask(&self.lane(caller, reach(&checked)), &checked, request.timeouts)
                    .await
                    .map_err(|error| located(error, &checked))?;
            let head = Head::new(&checked, &answer);
            if let Some(next) = follow(&checked, &answer, request, history.len())? {
                record.redirected(&head, next.target.url());
                allow(policy, &next)?;
                history.push(head);
                checked = next;
                continue;
            }
            let mut response =
                Response { head, history, body: Vec::new(), elapsed: began.elapsed(), reservation };
            receive(&mut response, answer.into_body(), request)
                .await
                .map_err(|error| located(error, &checked))?;
            response.elapsed = began.elapsed();
            return Ok(response);
        }
    }

    /// Sends a request and gives its answer as soon as its head is there; redirects are answers, too.
    pub(crate) async fn open(
        &self,
        caller: &str,
        policy: &Policy,
        checked: &Checked,
        timeouts: Timeouts,
    ) -> Result<http::Response<Incoming>, RequestError> {
        allow(policy, checked)?;
        let reach = policy.reach(checked.target.host(), checked.target.port());
        let lane = self.lane(caller, reach);
        exchange::ask(&lane, checked, timeouts).await.map_err(|error| located(error, checked))
    }

    /// Nothing yet of the share of bytes of a caller whose answers are read part by part.
    pub(crate) fn reservation(
        &self,
        caller: &str,
        policy: &Policy,
        target: &Target,
    ) -> Reservation {
        self.lane(caller, policy.reach(target.host(), target.port())).reservation()
    }

    /// The connections and shares of one caller. Those that were not used for longest make room.
    fn lane(&self, caller: &str, reach: Reach) -> Arc<Lane> {
        let shared = &self.shared;
        let mut lanes = shared.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = lanes.get_or_insert((caller.to_owned(), reach), || {
            let tls = tls::for_caller(&shared.tls);
            let (resolver, proxy) = (shared.resolver.clone(), shared.proxy.clone());
            Arc::new(Lane::new(Connector::new(resolver, tls, reach, proxy)))
        });
        Arc::clone(lane)
    }

    /// A place among the caller's requests, then one among all.
    async fn places(&self, lane: &Lane, request: &Request) -> Result<impl Sized, RequestError> {
        let busy = || RequestError::new(Kind::PoolTimeout, "too many requests are under way");
        let both = async {
            let own = lane.in_flight.acquire().await;
            let common = self.shared.in_flight.acquire().await;
            own.and_then(|own| common.map(|common| (own, common)))
        };
        tokio::time::timeout(request.timeouts.pool.unwrap_or(limits::TOTAL), both)
            .await
            .map_err(|elapsed| busy().caused_by(elapsed))?
            .map_err(|closed| busy().caused_by(closed))
    }
}

fn allow(policy: &Policy, checked: &Checked) -> Result<(), RequestError> {
    let target = &checked.target;
    policy
        .check_host(target.host(), target.port())
        .map_err(|refusal| RequestError::from(refusal).at(target.host(), target.port()))
}

fn located(error: RequestError, checked: &Checked) -> RequestError {
    error.at(checked.target.host(), checked.target.port())
}

fn follow(
    sent: &Checked,
    answer: &http::Response<Incoming>,
    request: &Request,
    followed: usize,
) -> Result<Option<Checked>, RequestError> {
    if request.redirects == 0 {
        return Ok(None);
    }
    let next = redirect::follow(sent, answer.status(), answer.headers())?;
    let most = request.redirects.min(limits::REDIRECTS);
    if next.is_some() && followed >= most {
        let message = format!("more than {most} redirects");
        return Err(RequestError::new(Kind::TooManyRedirects, message));
    }
    Ok(next)
}

/// Receives and decompresses the body of an answer.
async fn receive(
    response: &mut Response,
    body: Incoming,
    request: &Request,
) -> Result<(), RequestError> {
    let most = request.body_limit;
    let codings = decode::codings(&response.head.headers)?;
    let reservation = &mut response.reservation;
    let body = exchange::receive(body, most, request.timeouts.read, reservation).await?;
    response.body = if codings.is_empty() || body.len() < QUICK {
        decode::decode(&codings, body, most)?
    } else {
        let decoding = tokio::task::spawn_blocking(move || decode::decode(&codings, body, most));
        decoding.await.map_err(|reason| {
            RequestError::new(Kind::DecodingError, "the answer does not decompress")
                .caused_by(reason)
        })??
    };
    reservation.grow_to(response.body.len())
}
