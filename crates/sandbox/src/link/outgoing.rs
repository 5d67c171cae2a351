//! What waits to be written to one worker: in order, and no more than fits a bound.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::unix::pipe;
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
    way: Arc<Mutex<Way>>,
    room: Arc<Semaphore>,
}

/// The other end, for whoever writes to the worker's pipe.
pub(crate) struct Letters {
    queue: mpsc::UnboundedReceiver<Letter>,
    way: Arc<Mutex<Way>>,
}

/// Where a message goes: straight into the pipe where nothing waits before it, which saves a task
/// and a thread their waking, or else into the queue.
#[derive(Default)]
struct Way {
    pipe: Option<Arc<pipe::Sender>>,
    waiting: usize,
}

struct Letter {
    bytes: Vec<u8>,
    /// How much of it is written.
    written: usize,
    /// Given back once the message is written.
    _room: Option<OwnedSemaphorePermit>,
}

fn lock(way: &Mutex<Way>) -> MutexGuard<'_, Way> {
    way.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Outgoing {
    pub(super) fn new() -> (Self, Letters) {
        let (sender, queue) = mpsc::unbounded_channel();
        let way = Arc::default();
        let letters = Letters { queue, way: Arc::clone(&way) };
        (Self { sender, way, room: Arc::new(Semaphore::new(WAITING_MAX)) }, letters)
    }

    /// Sends what is small and comes a bounded number of times for each call or second.
    pub(super) fn send(&self, message: &ToWorker) {
        self.put(message, None);
    }

    /// Sends a message about `bytes` long once there is room for it.
    pub(super) async fn send_bounded(&self, message: &ToWorker, bytes: usize) {
        let wanted = bytes.saturating_add(OVERHEAD).min(WAITING_MAX);
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
        // Closed together with the worker, whose calls learn of that elsewhere.
        if let Ok(room) = Arc::clone(&self.room).acquire_many_owned(wanted).await {
            self.put(message, Some(room));
        }
    }

    /// Lets those go who wait for room.
    pub(super) fn close(&self) {
        self.room.close();
        lock(&self.way).pipe = None;
    }

    fn put(&self, message: &ToWorker, room: Option<OwnedSemaphorePermit>) {
        let bytes = match protocol::frame(message) {
            Ok(bytes) => bytes,
            Err(error) => {
                // What calls may send is bounded well below what a message may have.
                tracing::error!(%error, "a message to a sandbox worker cannot be written");
                return;
            }
        };
        let mut letter = Letter { bytes, written: 0, _room: room };
        let mut way = lock(&self.way);
        if way.waiting == 0
            && let Some(pipe) = &way.pipe
        {
            // An error is found again by whoever writes what waits.
            letter.written = pipe.try_write(&letter.bytes).unwrap_or_default();
            if letter.written == letter.bytes.len() {
                return;
            }
        }
        way.waiting += 1;
        if self.sender.send(letter).is_err() {
            tracing::trace!("a message for a lost worker is dropped");
        }
    }
}

impl Letters {
    /// Writes what comes, until the worker can no longer be written to.
    pub(crate) async fn write_to(mut self, pipe: pipe::Sender) {
        let pipe = Arc::new(pipe);
        lock(&self.way).pipe = Some(Arc::clone(&pipe));
        while let Some(letter) = self.queue.recv().await {
            if let Err(error) = write(&pipe, letter).await {
                tracing::debug!(%error, "a sandbox worker can no longer be written to");
                break;
            }
            lock(&self.way).waiting -= 1;
        }
        lock(&self.way).pipe = None;
    }
}

async fn write(pipe: &pipe::Sender, letter: Letter) -> io::Result<()> {
    let mut rest = letter.bytes.get(letter.written..).unwrap_or_default();
    while !rest.is_empty() {
        pipe.writable().await?;
        match pipe.try_write(rest) {
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use tokio::net::unix::pipe::{Receiver, pipe};

    use super::{Outgoing, WAITING_MAX};
    use crate::protocol::{self, ToWorker};

    fn answer() -> ToWorker {
        ToWorker::Answer { call: 1, operation: 1, outcome: Ok(Vec::new()) }
    }

    /// All messages that come until the pipe ends.
    async fn received(mut pipe: Receiver) -> Vec<ToWorker> {
        let mut messages = Vec::new();
        while let Some(message) = protocol::read(&mut pipe).await.expect("they are messages") {
            messages.push(message);
        }
        messages
    }

    #[tokio::test]
    async fn what_does_not_fit_waits_until_something_is_written() {
        let (outgoing, letters) = Outgoing::new();
        outgoing.send_bounded(&answer(), WAITING_MAX).await;
        let last = answer();
        let mut second = Box::pin(outgoing.send_bounded(&last, 0));
        assert!(second.as_mut().now_or_never().is_none());
        outgoing.send(&ToWorker::Ping);
        let (sender, receiver) = pipe().expect("a pipe");
        let writing = tokio::spawn(letters.write_to(sender));
        let reading = tokio::spawn(received(receiver));
        second.await;
        drop(outgoing);
        assert!(writing.await.is_ok());
        let kinds = reading.await.expect("it ends");
        assert!(matches!(
            kinds.as_slice(),
            [ToWorker::Answer { .. }, ToWorker::Ping, ToWorker::Answer { .. }]
        ));
    }

    #[tokio::test]
    async fn messages_arrive_whole_and_in_order_whether_they_wait_or_not() {
        let (outgoing, letters) = Outgoing::new();
        let (sender, receiver) = pipe().expect("a pipe");
        let writing = tokio::spawn(letters.write_to(sender));
        tokio::task::yield_now().await;
        // Far more than the pipe holds, so that some are written in parts, between small ones.
        for operation in 0..300 {
            let length = if operation % 3 == 0 { 50_000 } else { 5 };
            let outcome = Ok(vec![b'x'; length]);
            outgoing.send(&ToWorker::Answer { call: 1, operation, outcome });
        }
        let reading = tokio::spawn(received(receiver));
        for operation in 300..400 {
            outgoing.send(&ToWorker::Answer { call: 1, operation, outcome: Ok(Vec::new()) });
            tokio::task::yield_now().await;
        }
        drop(outgoing);
        assert!(writing.await.is_ok());
        let numbers = reading.await.expect("it ends").into_iter().map(|message| match message {
            ToWorker::Answer { operation, .. } => operation,
            _ => u32::MAX,
        });
        assert!(numbers.eq(0..400));
    }

    #[tokio::test]
    async fn who_waits_for_a_lost_worker_is_let_go() {
        let (outgoing, _letters) = Outgoing::new();
        outgoing.send_bounded(&answer(), WAITING_MAX).await;
        let last = answer();
        let second = outgoing.send_bounded(&last, 0);
        outgoing.close();
        second.await;
    }
}
