//! HTTP to the origin of a source, through the guard, with the source's credentials.

use super::answer::start_of;
use super::error::Error;
use super::life::Life;
use super::limits;
use super::listener::Access;
use super::refusal;
use crate::client::Client;
use crate::error::{Kind, RequestError};
use crate::lane::Reservation;
use crate::policy::Policy;
use crate::request::{Checked, Request, Timeouts};
use crate::target::Target;
use bytes::Bytes;
use http::StatusCode;
use http::header::LOCATION;
use hyper::body::Incoming;
use std::sync::Arc;
use std::time::Duration;

/// What this client calls itself to servers of HTTP.
const AGENT: &str = concat!("mcpbox/", env!("CARGO_PKG_VERSION"));

/// Fields that are this client's: credentials come in others.
const OURS: [&str; 6] =
    ["accept", "accept-encoding", "content-type", "host", "last-event-id", "user-agent"];

/// How long a request may take here, whatever its caller says: longer than anything waits.
const LONGEST: Duration = Duration::from_hours(24);

/// The way to a source over HTTP.
pub(crate) struct Door {
    pub(crate) client: Client,
    /// Whose connections these are.
    pub(crate) caller: String,
    pub(crate) policy: Policy,
    pub(crate) target: Target,
    pub(crate) access: Arc<dyn Access>,
    /// Nothing is sent after its end.
    pub(crate) life: Life,
}

impl Door {
    /// Sends a request and gives an answer that is a success as soon as its head is there.
    ///
    /// Redirects within the origin that keep method and body are followed. What the source refuses for its
    /// credentials is sent once more where there are others.
    pub(crate) async fn send(&self, request: &Request) -> Result<http::Response<Incoming>, Error> {
        self.life.within(self.send_within_life(request)).await
    }

    async fn send_within_life(&self, request: &Request) -> Result<http::Response<Incoming>, Error> {
        let (mut request, mut renewed) = (request.clone(), false);
        let mut redirects = 0;
        loop {
            let credentials = self.access.headers().await.map_err(Error::Credentials)?;
            let answer = self.send_once(&request, &credentials).await?;
            let status = answer.status();
            if status.is_success() {
                return Ok(answer);
            }
            if status.is_redirection() {
                redirects += 1;
                request.url = self.redirected(&answer, redirects)?;
                continue;
            }
            let (head, body) = answer.into_parts();
            // What it says of the refusal may not come; the status did.
            let body = tokio::time::timeout(limits::FAREWELL, start_of(body)).await;
            let body = body.ok().and_then(Result::ok).unwrap_or_default();
            let error = refusal::explain(status, &head.headers, &body);
            if let Error::Unauthorized(refused) | Error::Forbidden(refused) = &error
                && !std::mem::replace(&mut renewed, true)
                && self.access.refused(&credentials, refused).await
            {
                continue;
            }
            return Err(error);
        }
    }

    /// Sends what has no answer but that it was taken. What comes with that is read, so that the connection
    /// can be used again.
    pub(crate) async fn deliver(&self, request: &Request) -> Result<(), Error> {
        let taken = self.send(request).await?;
        drop(tokio::time::timeout(limits::DRAIN, start_of(taken.into_body())).await);
        Ok(())
    }

    async fn send_once(
        &self,
        request: &Request,
        credentials: &[(String, String)],
    ) -> Result<http::Response<Incoming>, Error> {
        let mut request = request.clone();
        for (name, value) in credentials {
            let plain = name.to_ascii_lowercase();
            if OURS.contains(&plain.as_str()) || plain.starts_with("mcp-") {
                let message = format!("credentials cannot be sent as the header '{name}'");
                return Err(Error::NotSent(RequestError::new(Kind::LocalProtocolError, message)));
            }
            request.headers.push((name.clone(), value.clone().into_bytes()));
        }
        let request = request.header("User-Agent", AGENT).header("Accept-Encoding", "identity");
        let checked = Checked::new(&request).map_err(Error::of_request)?;
        let timeouts = Timeouts { read: Some(LONGEST), ..Timeouts::default() };
        let opened = self.client.open(&self.caller, &self.policy, &checked, timeouts).await;
        opened.map_err(Error::of_request)
    }

    /// Where a redirect leads, within the origin.
    fn redirected(
        &self,
        answer: &http::Response<Incoming>,
        so_far: usize,
    ) -> Result<String, Error> {
        let status = answer.status();
        let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let next = location.and_then(|location| self.target.join(location).ok());
        let keeps =
            matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
        match next {
            Some(next)
                if keeps
                    && so_far <= limits::REDIRECTS
                    && next.origin() == self.target.origin() =>
            {
                Ok(next.url().to_string())
            }
            next => Err(Error::Redirected {
                status: status.as_u16(),
                to: next.map_or_else(String::new, |next| next.origin().ascii_serialization()),
            }),
        }
    }

    /// A request to the source's own address.
    pub(crate) fn request(&self, method: &str) -> Request {
        Request::new(method, self.target.url().as_str())
    }

    /// A request that carries a message.
    pub(crate) fn post(&self, message: &serde_json::Value) -> Request {
        self.request("POST")
            .header("Content-Type", "application/json")
            .header("Accept", "application/json, text/event-stream")
            .body(Bytes::from(message.to_string()))
    }

    /// Nothing yet of the share of bytes that this source's answers have.
    pub(crate) fn reservation(&self) -> Reservation {
        self.client.reservation(&self.caller, &self.policy, &self.target)
    }
}
