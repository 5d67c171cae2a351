//! Why a source gave no result, told so that a caller can decide what to do.

use super::listener::AccessError;
use crate::error::{Kind, RequestError};
use serde_json::Value;
use std::time::Duration;

/// An error that the source itself answered, as it came.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct RpcError {
    /// Its code.
    pub code: i64,
    /// What it says.
    pub message: String,
    /// What else it says.
    pub data: Option<Value>,
}

impl RpcError {
    /// An error with a code of JSON-RPC.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// What is answered to a request that nobody here serves.
    pub fn unknown_method(method: &str) -> Self {
        Self::new(-32601, format!("this client does not serve `{method}`"))
    }
}

/// An error within the body of an answer that failed.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorWithin {
    /// The request that it names.
    pub request: Option<u64>,
    /// The error itself.
    pub error: RpcError,
}

/// What a source that wants (other) credentials said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The status: 401 or 403.
    pub status: u16,
    /// The values of `WWW-Authenticate`, in order.
    pub challenges: Vec<String>,
    /// The beginning of the body.
    pub text: String,
}

/// Why a request to a source has no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request never left: the guard refused it, or nothing could be connected to.
    #[error("the source was not reached: {0}")]
    NotSent(#[source] RequestError),
    /// There are no credentials to send.
    #[error("the credentials for the source are not to be had: {0}")]
    Credentials(#[source] AccessError),
    /// The source wants credentials, or others.
    #[error("the source wants credentials (401)")]
    Unauthorized(Refused),
    /// The credentials do not suffice.
    #[error("the source refuses this to these credentials (403)")]
    Forbidden(Refused),
    /// The session is over, and so was the one that was begun in its place.
    #[error("the source has ended the session")]
    SessionLost,
    /// The source wants fewer requests.
    #[error("the source wants fewer requests (status {status})")]
    RateLimited {
        /// 429, or 503 with the time to wait.
        status: u16,
        /// How long to wait, where it says so.
        retry_after: Option<Duration>,
    },
    /// A page that only browsers pass stands before the source.
    #[error("a page of Cloudflare that only browsers pass stands before the source")]
    BotChallenge,
    /// The answer is larger than is taken.
    #[error("the source's answer is larger than {most} bytes")]
    TooLarge {
        /// How many bytes are taken.
        most: usize,
    },
    /// What answers does not speak the protocol.
    #[error("what answers there does not speak MCP: {0}")]
    NotMcp(String),
    /// The source answered with a status that says no more than that.
    #[error("the source answered with status {status}: {text}")]
    Status {
        /// The status.
        status: u16,
        /// The beginning of the body.
        text: String,
        /// The error within the body, where there is one.
        within: Option<Box<ErrorWithin>>,
    },
    /// It wants to be asked elsewhere, and credentials go nowhere else.
    #[error("the source redirects (status {status}) to {to}, which is not followed")]
    Redirected {
        /// The status.
        status: u16,
        /// Where to: the origin.
        to: String,
    },
    /// No answer came in time. The source may have done what was asked.
    #[error("the source did not answer within {} s", .0.as_secs_f64())]
    Timeout(Duration),
    /// The connection broke before the answer was whole. The source may have done what was asked.
    #[error("the connection to the source broke before its answer was whole: {0}")]
    Broken(#[source] RequestError),
    /// The stream ended without the answer. The source may have done what was asked.
    #[error("the source ended the stream without an answer")]
    NoAnswer,
    /// The source answered with an error.
    #[error("{0}")]
    Rpc(#[source] RpcError),
    /// The process of the source does not start.
    #[error("the command of the source does not start: {0}")]
    NotStarted(#[source] std::io::Error),
    /// The process of the source ended soon after its start, and is not started again yet.
    #[error("the command of the source is started again in {} s: {why}", .left.as_secs_f64().ceil())]
    Resting {
        /// How long it rests.
        left: Duration,
        /// What became of it when it was started last.
        why: String,
    },
    /// The process of the source, or the stream that carries its answers, has ended.
    #[error("the source has ended{}", last(words))]
    Ended {
        /// The last that it wrote to its standard error.
        words: String,
        /// Whether the request may have reached it.
        sent: bool,
    },
    /// It was taken out of use here, before or meanwhile.
    #[error(
        "the connection to the source was ended here, as the source was changed or taken out of use"
    )]
    Retired {
        /// Whether the request may have reached it.
        sent: bool,
    },
    /// No connection was begun. What was to be asked over it was not.
    #[error("no connection to the source was begun: {0}")]
    Start(#[source] Box<Self>),
    /// The source asks something first that nobody answers.
    #[error("the source asks for `{method}`, which was not answered: {error}")]
    Unanswered {
        /// What it asks for.
        method: String,
        /// Why that has no answer.
        error: Box<RpcError>,
    },
    /// A part of a call that had begun failed: its first part was carried out.
    #[error("the call had begun: {0}")]
    Begun(#[source] Box<Self>),
}

fn last(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!("; its last words: {words}") }
}

impl Error {
    /// Whether the source certainly did nothing of what was asked, so that asking again does it once.
    pub fn is_certainly_not_carried_out(&self) -> bool {
        match self {
            Self::NotSent(_)
            | Self::Credentials(_)
            | Self::NotStarted(_)
            | Self::Resting { .. }
            | Self::Unauthorized(_)
            | Self::Forbidden(_)
            | Self::SessionLost
            | Self::Start(_)
            | Self::Redirected { .. } => true,
            Self::RateLimited { status, .. } => *status == 429,
            Self::Ended { sent, .. } | Self::Retired { sent } => !sent,
            Self::BotChallenge
            | Self::TooLarge { .. }
            | Self::NotMcp(_)
            | Self::Status { .. }
            | Self::Timeout(_)
            | Self::Broken(_)
            | Self::NoAnswer
            | Self::Rpc(_)
            | Self::Unanswered { .. }
            | Self::Begun(_) => false,
        }
    }

    /// The same for a request that was to follow, where this is about the beginning of the connection.
    pub(crate) fn at_start(self) -> Self {
        if self.is_certainly_not_carried_out() { self } else { Self::Start(Box::new(self)) }
    }

    /// Tells what never left from what may have arrived.
    pub(crate) fn of_request(error: RequestError) -> Self {
        match error.kind() {
            Kind::InvalidURL
            | Kind::UnsupportedProtocol
            | Kind::LocalProtocolError
            | Kind::RequestTooLarge
            | Kind::HostNotApproved
            | Kind::AddressRefused
            | Kind::PoolTimeout
            | Kind::ConnectTimeout
            | Kind::ConnectError
            | Kind::ProxyError => Self::NotSent(error),
            Kind::ResponseTooLarge => Self::TooLarge { most: super::limits::MESSAGE },
            Kind::WriteTimeout
            | Kind::WriteError
            | Kind::ReadTimeout
            | Kind::ReadError
            | Kind::RemoteProtocolError
            | Kind::DecodingError
            | Kind::TooManyRedirects => Self::Broken(error),
        }
    }
}
