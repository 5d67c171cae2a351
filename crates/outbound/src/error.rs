//! What goes wrong with a request, told so that a tool can act on it.

use crate::host::Host;
use crate::policy::Refusal;
use std::error::Error;
use std::fmt;

/// What went wrong, by the names that Python's httpx has for it, and some of our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
pub enum Kind {
    /// The URL cannot be read, or carries a password.
    InvalidURL,
    /// The URL is neither http nor https.
    UnsupportedProtocol,
    /// A method, a header or a body that no request may have.
    LocalProtocolError,
    /// The body is larger than may be sent.
    RequestTooLarge,
    /// The host was not allowed.
    HostNotApproved,
    /// The host can never be allowed.
    AddressRefused,
    /// Too many requests were in flight already.
    PoolTimeout,
    /// Connecting took too long.
    ConnectTimeout,
    /// No address, no connection, no TLS, or the wrong certificate.
    ConnectError,
    /// The operator's proxy opened no tunnel.
    ProxyError,
    /// Sending took too long.
    WriteTimeout,
    /// Sending failed.
    WriteError,
    /// Nothing came for too long.
    ReadTimeout,
    /// Receiving failed.
    ReadError,
    /// What came is no HTTP, or has headers without measure.
    RemoteProtocolError,
    /// What came does not decompress, or to far too much.
    DecodingError,
    /// The body is larger than may be received.
    ResponseTooLarge,
    /// Redirects without end.
    TooManyRedirects,
}

/// Why a request has no answer.
///
/// Its text is meant for the author of the tool. It holds no address that a name resolved to;
/// what lies beneath is in `source`, for the operator's log.
#[derive(Debug)]
pub struct RequestError {
    kind: Kind,
    message: String,
    target: Option<(Host, u16)>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl RequestError {
    /// An error with a sentence for the author of the tool.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), target: None, source: None }
    }

    /// Adds what lies beneath.
    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds the host and the port that the request was going to.
    pub(crate) fn at(mut self, host: &Host, port: u16) -> Self {
        self.target = Some((host.clone(), port));
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The host and the port that the request was going to, where it got that far.
    pub fn target(&self) -> Option<(&Host, u16)> {
        self.target.as_ref().map(|(host, port)| (host, *port))
    }

    /// Whether the guard refused the request, rather than the network.
    pub fn is_refusal(&self) -> bool {
        matches!(self.kind, Kind::HostNotApproved | Kind::AddressRefused)
    }
}

impl From<Refusal> for RequestError {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal {
            Refusal::NotApproved { .. }
            | Refusal::NotDeclared { .. }
            | Refusal::NotTheSource { .. } => Kind::HostNotApproved,
            Refusal::Special { .. } | Refusal::NotPublic { .. } => Kind::AddressRefused,
        };
        Self::new(kind, refusal.to_string()).caused_by(refusal)
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl Error for RequestError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| -> &(dyn Error + 'static) { source })
    }
}
