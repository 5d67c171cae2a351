//! What the caller of this client provides: credentials, and somebody who listens and answers.

use super::error::{Refused, RpcError};
use futures::future::{BoxFuture, FutureExt as _};
use serde_json::Value;

/// Why there are no credentials, in a sentence for people.
pub type AccessError = Box<dyn std::error::Error + Send + Sync>;

/// Where the credentials for a source come from. They are asked for before every request, so that a
/// new value works at once.
pub trait Access: Send + Sync {
    /// The header fields that carry them.
    fn headers(&self) -> BoxFuture<'_, Result<Vec<(String, String)>, AccessError>>;

    /// The source refused those that were sent. Where this gives true, there are others now, and the
    /// request, of which nothing was carried out, is sent once more with these.
    fn refused<'a>(
        &'a self,
        _sent: &'a [(String, String)],
        _refused: &'a Refused,
    ) -> BoxFuture<'a, bool> {
        futures::future::ready(false).boxed()
    }
}

/// A source that wants no credentials.
#[derive(Debug, Clone, Copy, Default)]
pub struct Open;

impl Access for Open {
    fn headers(&self) -> BoxFuture<'_, Result<Vec<(String, String)>, AccessError>> {
        futures::future::ready(Ok(Vec::new())).boxed()
    }
}

/// Who hears what a source says beside its answers, and answers what it asks: for one call, or for
/// the source.
pub trait Listener: Send + Sync {
    /// For whom it listens: what a source says late of one's call is not told to another.
    #[expect(
        clippy::unnecessary_literal_bound,
        reason = "who implements it gives a name of its own"
    )]
    fn owner(&self) -> &str {
        ""
    }

    /// A notification came: progress and log messages of a call, or that something changed. It is
    /// called on the task that reads, and so must not block.
    fn notified(&self, _method: &str, _params: &Value) {}

    /// The source asks something: `elicitation/create`, `sampling/createMessage`, `roots/list`. While it
    /// is answered, the time of the call stands still.
    fn asked<'a>(
        &'a self,
        method: &'a str,
        _params: &'a Value,
    ) -> BoxFuture<'a, Result<Value, RpcError>> {
        futures::future::ready(Err(RpcError::unknown_method(method))).boxed()
    }
}

/// Nobody listens, nothing is answered.
impl Listener for () {}
