//! Requests to what the operator configured by an address, such as a package index.

use crate::client::Client;
use crate::error::{Kind, RequestError};
use crate::host::{self, Host, HostError};
use crate::limits;
use crate::policy::Policy;
use crate::redirect;
use crate::request::{Checked, Request, Timeouts};
use crate::response::Response;
use crate::target::Target;
use bytes::Bytes;
use http::StatusCode;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HOST, USER_AGENT};
use hyper::body::Incoming;
use std::time::Duration;

/// What this program calls itself.
const AGENT: &str = concat!("mcpbox/", env!("CARGO_PKG_VERSION"));

/// A service that the operator configured: its host is used as given, wherever that is.
///
/// Its answers may lead elsewhere, by links that the caller follows and by redirects: to other hosts
/// on the internet and to those that the operator named, and from https to https only. Clones share
/// connections.
#[derive(Clone)]
pub struct Configured {
    client: Client,
    caller: String,
    base: Target,
    /// Hosts that are used as given, too.
    also: Vec<Host>,
}

/// How much of an answer is taken, and how long it is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The most bytes of its body, decompressed.
    pub bytes: usize,
    /// How long it may take in all, with redirects; at most [`limits::TOTAL`] for each of them.
    pub time: Duration,
}

/// What came back, whatever its status.
#[derive(Debug)]
pub struct Fetched {
    /// The address that answered, after redirects.
    pub url: String,
    response: Response,
}

impl Fetched {
    /// The status code of the answer.
    pub fn status(&self) -> u16 {
        self.response.head.status
    }

    /// A header field, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.head.headers.get(name)?.to_str().ok()
    }

    /// The body, decompressed.
    pub fn body(&self) -> &[u8] {
        &self.response.body
    }

    /// The body, taken out of the answer: it counts no longer against what may be under way.
    pub fn into_body(self) -> Vec<u8> {
        self.response.body
    }
}

impl Configured {
    /// The service at `url`, an http or https address without a password. What it is asked for lies
    /// below it.
    pub fn new(client: &Client, url: &str) -> Result<Self, RequestError> {
        let given = Target::parse(url)?;
        if given.url().query().is_some() || given.url().fragment().is_some() {
            let message = "the address of a service has neither a query nor a fragment";
            return Err(RequestError::new(Kind::InvalidURL, message));
        }
        let base = Target::parse(&format!("{}/", given.url().as_str().trim_end_matches('/')))?;
        let caller = format!("configured {}", base.url());
        Ok(Self { client: client.clone(), caller, base, also: Vec::new() })
    }

    /// The same, with one more host that is used as given where an answer leads to it.
    pub fn with_host(mut self, host: &str) -> Result<Self, HostError> {
        self.also.push(host::parse(host)?);
        Ok(self)
    }

    /// The address of the service, with a `/` at its end.
    pub fn url(&self) -> &str {
        self.base.url().as_str()
    }

    /// Gets the content of an address: one below [`url`](Self::url), or one that an answer leads to.
    pub async fn get(
        &self,
        url: &str,
        accept: &str,
        bounds: Bounds,
    ) -> Result<Fetched, RequestError> {
        self.send(Request::new("GET", url).header("Accept", accept), bounds).await
    }

    /// Sends JSON to an address and takes JSON.
    pub async fn post(
        &self,
        url: &str,
        json: impl Into<Bytes>,
        bounds: Bounds,
    ) -> Result<Fetched, RequestError> {
        let request = Request::new("POST", url)
            .header("Accept", "application/json")
            .header("Content-Type", "application/json")
            .body(json);
        self.send(request, bounds).await
    }

    /// Makes a request as somebody else wrote it.
    pub async fn pass_on(
        &self,
        request: http::Request<Bytes>,
        bounds: Bounds,
    ) -> Result<Fetched, RequestError> {
        self.send(written(request), bounds).await
    }

    /// Makes a request as somebody else wrote it and gives the answer from its head on, whatever it
    /// is; its body then comes for as long as it is read. `patience` is for the head.
    pub async fn open(
        &self,
        request: http::Request<Bytes>,
        patience: Duration,
    ) -> Result<http::Response<Incoming>, RequestError> {
        let request = written(request).header("User-Agent", AGENT);
        let checked = Checked::new(&request)?;
        let policy = self.policy(&checked.target)?;
        let timeouts = Timeouts { read: Some(patience), ..Timeouts::default() };
        self.client.open(&self.caller, &policy, &checked, timeouts).await
    }

    async fn send(&self, request: Request, bounds: Bounds) -> Result<Fetched, RequestError> {
        let all = Box::pin(self.follow(request, bounds));
        tokio::time::timeout(bounds.time, all).await.unwrap_or_else(|elapsed| {
            let message = format!("no answer came in {} s", bounds.time.as_secs_f32());
            Err(RequestError::new(Kind::ReadTimeout, message).caused_by(elapsed))
        })
    }

    async fn follow(&self, mut request: Request, bounds: Bounds) -> Result<Fetched, RequestError> {
        request = request.header("User-Agent", AGENT);
        request = request.header("Accept-Encoding", "gzip");
        request.body_limit = bounds.bytes;
        for _ in 0..=limits::REDIRECTS {
            let sent = Checked::new(&request)?;
            let policy = self.policy(&sent.target)?;
            let response = self.client.send(&self.caller, &policy, request).await.outcome?;
            let status = StatusCode::from_u16(response.head.status).unwrap_or_default();
            let Some(next) = redirect::follow(&sent, status, &response.head.headers)? else {
                return Ok(Fetched { url: sent.target.url().to_string(), response });
            };
            request = again(&next, bounds);
        }
        let message = format!("more than {} redirects", limits::REDIRECTS);
        Err(RequestError::new(Kind::TooManyRedirects, message))
    }

    /// The rule for one address, of which the connection then checks what it resolves to.
    fn policy(&self, target: &Target) -> Result<Policy, RequestError> {
        let secure = |target: &Target| target.url().scheme() == "https";
        if secure(&self.base) && !secure(target) {
            let message = format!(
                "'{}' is refused: '{}' is reached by https, and leads to an address without",
                target.host(),
                self.base.host()
            );
            let refused = RequestError::new(Kind::AddressRefused, message);
            return Err(refused.at(target.host(), target.port()));
        }
        // The same host on another port is another service, but for http that became https.
        let ports = (self.base.port(), target.port());
        let same = target.host() == self.base.host() && (ports.0 == ports.1 || ports == (80, 443));
        let own = same || self.also.contains(target.host());
        Ok(if own { Policy::Operator } else { Policy::Linked })
    }
}

/// A request without the fields that are the connection's and this program's.
fn written(request: http::Request<Bytes>) -> Request {
    let (head, body) = request.into_parts();
    let mut own = Request::new(head.method.as_str(), &head.uri.to_string()).body(body);
    let mine = [CONTENT_LENGTH, HOST, USER_AGENT, ACCEPT_ENCODING];
    let others = head.headers.iter().filter(|(name, _)| !mine.contains(name));
    own.headers =
        others.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    own
}

/// The request that a redirect asks for.
fn again(next: &Checked, bounds: Bounds) -> Request {
    let headers = next.headers.iter();
    Request {
        method: next.method.to_string(),
        url: next.target.url().to_string(),
        headers: headers
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
            .collect(),
        body: next.body.clone(),
        timeouts: Timeouts::default(),
        redirects: 0,
        body_limit: bounds.bytes,
    }
}
