//! What a running tool may ask of the server.

use futures::future::BoxFuture;

/// The answer of one operation: bytes in the operation's own encoding, or a sentence saying why not.
pub type Operation = BoxFuture<'static, Result<Vec<u8>, String>>;

/// Decides on and carries out what a guest asks for.
///
/// The policy lives in the implementation: `operation` and `payload` come from code that nobody
/// trusts. A new implementation per call can carry what that call may do.
pub trait Host: Send + Sync {
    /// Begins `operation`. The future is dropped when the guest cancels it or when its call ends.
    fn start(&self, operation: &str, payload: Vec<u8>) -> Operation;
}

/// The host that allows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHost;

impl Host for NoHost {
    fn start(&self, operation: &str, _payload: Vec<u8>) -> Operation {
        let refusal =
            format!("'{operation}' is not available: this tool has no access to the outside");
        Box::pin(std::future::ready(Err(refusal)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Host, NoHost};

    #[tokio::test]
    async fn no_host_refuses_with_a_sentence_that_names_the_operation() {
        let answer = NoHost.start("http", Vec::new()).await;
        assert!(answer.is_err_and(|text| text.contains("'http'")));
    }
}
