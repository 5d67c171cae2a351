//! Standard output: one message a line, whole, and nothing else.

use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Messages that wait to be written; who has more waits for the reader.
const WAITING: usize = 64;

/// The way to standard output. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Output(mpsc::Sender<String>);

impl Output {
    /// Writes until the last clone is gone, or nobody reads.
    pub(super) fn start(
        mut to: impl AsyncWrite + Unpin + Send + 'static,
    ) -> (Self, JoinHandle<()>) {
        let (sender, mut lines) = mpsc::channel::<String>(WAITING);
        let writing = tokio::spawn(async move {
            while let Some(mut line) = lines.recv().await {
                line.push('\n');
                let written = async {
                    to.write_all(line.as_bytes()).await?;
                    to.flush().await
                };
                if let Err(error) = written.await {
                    tracing::warn!(%error, "nobody reads any more");
                    return;
                }
            }
        });
        (Self(sender), writing)
    }

    /// Says one message; whether anybody still reads shows at the other end.
    pub(super) async fn say(&self, message: impl ToString) {
        let _nobody_reads = self.0.send(message.to_string()).await;
    }

    /// Waits until nobody reads any more.
    pub(super) async fn closed(&self) {
        self.0.closed().await;
    }
}
