//! What is told to a source when nobody waits for its answer any more.

use super::{limits, message};
use futures::future::BoxFuture;
use serde_json::{Value, json};

/// Sends a message when it is dropped, unless the request was over by then.
pub(crate) struct Farewell(Option<BoxFuture<'static, ()>>);

impl Farewell {
    /// What to do then; nothing where ending the connection says it all.
    pub(crate) fn new(telling: Option<BoxFuture<'static, ()>>) -> Self {
        Self(telling)
    }

    /// The request is over.
    pub(crate) fn over(&mut self) {
        self.0 = None;
    }

    /// The message for a request of this number.
    pub(crate) fn message(id: u64) -> Value {
        let params = json!({"requestId": id, "reason": "nobody waits for it any more"});
        message::notification("notifications/cancelled", &params)
    }
}

impl Drop for Farewell {
    fn drop(&mut self) {
        let runtime = tokio::runtime::Handle::try_current();
        if let (Some(telling), Ok(runtime)) = (self.0.take(), runtime) {
            drop(runtime.spawn(async move {
                drop(tokio::time::timeout(limits::FAREWELL, telling).await);
            }));
        }
    }
}
