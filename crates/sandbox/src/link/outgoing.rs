//! What waits to be written to one worker: in order, and no more than fits a bound.

use std::sync::Arc;

use tokio::io::AsyncWrite;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::protocol::{self, TASK_MAX, ToWorker};

/// Bytes of calls and answers that may wait; who has more for this worker waits, within its own limits.
const WAITING_MAX: usize = 4 * TASK_MAX;

/// What a message takes beside its texts.
const OVERHEAD: usize = 1 << 10;

/// The way to a worker. Clones share it.
#[derive(Clone)]
pub(super) struct Outgoing {
    sender: mpsc::UnboundedSender<Letter>,
    room: Arc<Semaphore>,
}

/// The other end, for whoever writes to the worker's pipe.
pub(crate) struct Letters(mpsc::UnboundedReceiver<Letter>);

struct Letter {
    message: ToWorker,
    /// Given back once the message is written.
    _room: Option<OwnedSemaphorePermit>,
}

impl Outgoing {
    pub(super) fn new() -> (Self, Letters) {
        let (sender, letters) = mpsc::unbounded_channel();
        (Self { sender, room: Arc::new(Semaphore::new(WAITING_MAX)) }, Letters(letters))
    }

    /// Sends what is small and comes a bounded number of times for each call or second.
    pub(super) fn send(&self, message: ToWorker) {
        self.put(Letter { message, _room: None });
    }

    /// Sends a message about `bytes` long once there is room for it.
    pub(super) async fn send_bounded(&self, message: ToWorker, bytes: usize) {
        let wanted = bytes.saturating_add(OVERHEAD).min(WAITING_MAX);
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
        // Closed together with the worker, whose calls learn of that elsewhere.
        if let Ok(room) = Arc::clone(&self.room).acquire_many_owned(wanted).await {
            self.put(Letter { message, _room: Some(room) });
        }
    }

    /// Lets those go who wait for room.
    pub(super) fn close(&self) {
        self.room.close();
    }

    fn put(&self, letter: Letter) {
        if self.sender.send(letter).is_err() {
            tracing::trace!("a message for a lost worker is dropped");
        }
    }
}

impl Letters {
    /// Writes what comes, until the worker can no longer be written to.
    pub(crate) async fn write_to<W: AsyncWrite + Unpin>(mut self, mut pipe: W) {
        while let Some(letter) = self.0.recv().await {
            if let Err(error) = protocol::write(&mut pipe, &letter.message).await {
                tracing::debug!(%error, "a sandbox worker can no longer be written to");
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::{Outgoing, WAITING_MAX};
    use crate::protocol::ToWorker;

    fn answer() -> ToWorker {
        ToWorker::Answer { call: 1, operation: 1, outcome: Ok(Vec::new()) }
    }

    #[tokio::test]
    async fn what_does_not_fit_waits_until_something_is_written() {
        let (outgoing, letters) = Outgoing::new();
        outgoing.send_bounded(answer(), WAITING_MAX).await;
        let mut second = Box::pin(outgoing.send_bounded(answer(), 0));
        assert!(second.as_mut().now_or_never().is_none());
        outgoing.send(ToWorker::Ping);
        let writing = tokio::spawn(letters.write_to(tokio::io::sink()));
        second.await;
        drop(outgoing);
        assert!(writing.await.is_ok());
    }

    #[tokio::test]
    async fn who_waits_for_a_lost_worker_is_let_go() {
        let (outgoing, _letters) = Outgoing::new();
        outgoing.send_bounded(answer(), WAITING_MAX).await;
        let second = outgoing.send_bounded(answer(), 0);
        outgoing.close();
        second.await;
    }
}
