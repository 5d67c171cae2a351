//! Requests to authorization servers on behalf of a source: to hosts that a person allowed it, and nowhere else.

use std::time::Duration;

use oauth::{Answer, Post};
use outbound::grant::Grant;
use outbound::{Policy, Request, Timeouts};
use store::external_sources::ExternalSource;
use url::Url;

use crate::external_sources::shown::without_credentials;
use crate::external_sources::told::page;
use crate::external_sources::{grants_of, place};
use crate::{App, Error, Result};

/// How long an answer may take in all: the codes of some servers hold for half a minute.
const ANSWER_TIME: Duration = Duration::from_secs(20);

/// The most bytes of an answer.
const ANSWER_MAX: usize = 256 << 10;

/// How many redirects within its host a request for metadata follows.
const REDIRECTS: usize = 3;

const AGENT: &str = concat!("mcpbox/", env!("CARGO_PKG_VERSION"));

/// Why it does not go on.
#[derive(Debug)]
pub(super) enum Stop {
    /// A person has to allow these hosts first.
    Hosts(Vec<String>),
    /// It failed.
    Failed(Error),
}

/// What came of something that may need a person.
pub(super) type Attempt<T> = std::result::Result<T, Stop>;

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Stop {
    /// The error for where nobody is there to be asked.
    pub(super) fn unattended(self, app: &App, source: &ExternalSource) -> Error {
        match self {
            Self::Failed(error) => error,
            Self::Hosts(hosts) => {
                let (hosts, page) = (hosts.join(", "), page(app, source.id));
                upstream(
                    source,
                    format!(
                        "its authorization server ({hosts}) is not allowed yet: tell your user, a person has to connect the source {page}"
                    ),
                )
            }
        }
    }
}

/// An error that names the source.
pub(super) fn upstream(source: &ExternalSource, reason: impl std::fmt::Display) -> Error {
    let reason = format!("{reason}");
    Error::Upstream { name: source.name.clone(), reason }
}

/// What came back.
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    retry_after: Option<String>,
}

impl Answered {
    /// As `oauth` reads it.
    pub(super) fn answer(&self) -> Answer<'_> {
        Answer { status: self.status, retry_after: self.retry_after.as_deref(), body: &self.body }
    }
}

/// The way of one source.
#[derive(Clone, Copy)]
pub(super) struct Way<'a> {
    pub(super) app: &'a App,
    pub(super) source: &'a ExternalSource,
}

impl Way<'_> {
    /// The host of an address, where nobody has allowed it yet.
    pub(super) fn lacks(&self, url: &Url) -> Result<Option<String>> {
        let host = self.host(url)?;
        let allowed = grants_of(self.source);
        let granted = allowed.iter().any(|grant| {
            let (wide, narrow) = (grant.parse::<Grant>(), host.parse::<Grant>());
            wide.is_ok_and(|wide| narrow.is_ok_and(|narrow| wide.covers(&narrow)))
        });
        Ok((!granted).then_some(host))
    }

    /// The host of an address as `host:port`, if a source could be allowed that at all.
    pub(super) fn host(&self, url: &Url) -> Result<String> {
        let named = url.host_str().zip(url.port_or_known_default());
        let (host, port) = named.ok_or_else(|| {
            upstream(self.source, "an address of its authorization server names no host")
        })?;
        place::normal(self.app, &format!("{host}:{port}")).map_err(|error| {
            let reason = match error {
                Error::Invalid { reason, .. } => reason,
                error => error.to_string(),
            };
            upstream(self.source, format!("its authorization server cannot be used: {reason}"))
        })
    }

    /// Refuses to go on while one of these has a host that nobody allowed.
    pub(super) fn need(&self, urls: &[&Url]) -> Attempt<()> {
        let mut lacking: Vec<String> = Vec::new();
        for url in urls {
            match self.lacks(url)? {
                Some(host) if !lacking.contains(&host) => lacking.push(host),
                _ => {}
            }
        }
        if lacking.is_empty() { Ok(()) } else { Err(Stop::Hosts(lacking)) }
    }

    /// Asks for metadata: nothing secret is in it.
    pub(super) async fn get(&self, url: &Url) -> Attempt<Answered> {
        self.need(&[url])?;
        let request = Request::new("GET", url.as_str())
            .header("Accept", "application/json")
            .redirects(REDIRECTS);
        Ok(self.send(url, request).await?)
    }

    /// Sends what is for this address alone.
    pub(super) async fn post(&self, post: &Post) -> Attempt<Answered> {
        self.need(&[&post.url])?;
        let mut request = Request::new("POST", post.url.as_str())
            .header("Accept", Post::ACCEPT)
            .header("Content-Type", post.content_type)
            .body(post.body.expose().to_owned());
        if let Some(authorization) = &post.authorization {
            request = request.header("Authorization", authorization.expose());
        }
        // Servers repeat in their errors what they were sent.
        let shown = self.app.connections().shown.to(self.source.id);
        for (name, value) in post.credentials() {
            shown.add(&name, value.expose());
        }
        Ok(self.send(&post.url, request).await?)
    }

    /// What is told of a failure: without what was shown to anybody on behalf of the source.
    pub(super) fn told(&self, failure: impl std::fmt::Display) -> String {
        let text = without_credentials(self.app, self.source.id, failure.to_string());
        place::without_keys(self.source.url.as_deref().unwrap_or_default(), &text)
    }

    /// An error that names the source, of a text that others have written.
    pub(super) fn upstream(&self, failure: impl std::fmt::Display) -> Error {
        upstream(self.source, self.told(failure))
    }

    async fn send(&self, url: &Url, request: Request) -> Result<Answered> {
        let host = self.host(url)?;
        let grants = host.parse().into_iter().collect();
        // This host and port alone, so that a redirect leads to no other.
        let policy = Policy::Source { grants, allow_loopback: self.app.external().allow_loopback };
        let mut request = request.header("User-Agent", AGENT);
        request.body_limit = ANSWER_MAX;
        request.timeouts = Timeouts { read: Some(ANSWER_TIME), ..Timeouts::default() };
        let caller = format!("source:{}", self.source.id);
        let sending = self.app.outbound()?.send(&caller, &policy, request);
        let failed = |reason: String| {
            upstream(
                self.source,
                format!("its authorization server ({host}) was not reached: {reason}"),
            )
        };
        let exchange = tokio::time::timeout(ANSWER_TIME, Box::pin(sending)).await;
        let exchange = exchange.map_err(|_elapsed| {
            failed(format!("no answer came within {} s", ANSWER_TIME.as_secs()))
        })?;
        let response = exchange.outcome.map_err(|error| failed(error.to_string()))?;
        let retry_after = response.head.headers.get("retry-after");
        let retry_after = retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Answered { status: response.head.status, body: response.body, retry_after })
    }
}
