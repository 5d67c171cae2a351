//! What waits to be written to the server, in order and bounded.

use std::io;
use std::sync::Arc;

use tokio::net::unix::pipe;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::output::Output;
use crate::protocol::{self, FromWorker, PAYLOAD_MAX};

/// Bytes of guests' operations that may wait; a guest that asks for more waits in `start`.
const WAITING_MAX: usize = 2 * PAYLOAD_MAX;

/// The way out for all calls.
#[derive(Clone)]
pub(super) struct Outbox {
    sender: mpsc::UnboundedSender<Item>,
    room: Arc<Semaphore>,
}

/// One thing to be written.
pub(super) enum Item {
    /// A message that is small, or that comes once in a call.
    Message(FromWorker),
    /// A message that a guest can cause any number of times; it frees its room once written.
    Bounded(FromWorker, OwnedSemaphorePermit),
    /// Whatever a guest has written by the time it is this item's turn.
    Output(Arc<Output>),
}

impl Outbox {
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Item>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self { sender, room: Arc::new(Semaphore::new(WAITING_MAX)) }, receiver)
    }

    pub(super) fn send(&self, message: FromWorker) {
        self.put(Item::Message(message));
    }

    pub(super) fn send_output(&self, output: Arc<Output>) {
        self.put(Item::Output(output));
    }

    /// Sends a message about `bytes` long once there is room for it.
    pub(super) async fn send_bounded(&self, message: FromWorker, bytes: usize) {
        let wanted = u32::try_from(bytes.clamp(1 << 10, WAITING_MAX)).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        if let Ok(permit) = Arc::clone(&self.room).acquire_many_owned(wanted).await {
            self.put(Item::Bounded(message, permit));
        }
    }

    fn put(&self, item: Item) {
        // Without a receiver the pipe is closed, and the process is about to end.
        let _ending = self.sender.send(item);
    }
}

/// Writes what comes until the pipe is closed.
pub(super) async fn write_all(
    mut queue: mpsc::UnboundedReceiver<Item>,
    mut pipe: pipe::Sender,
) -> io::Result<()> {
    while let Some(item) = queue.recv().await {
        let (message, _permit) = match item {
            Item::Message(message) => (message, None),
            Item::Bounded(message, permit) => (message, Some(permit)),
            Item::Output(output) => (output.take(), None),
        };
        protocol::write(&mut pipe, &message).await?;
    }
    Ok(())
}
