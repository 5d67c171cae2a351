//! The server's end of one worker: its outgoing messages and the calls it carries.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc};

use crate::limits::Limits;
use crate::protocol::{CALLS_PER_WORKER, FromWorker, Task, ToWorker};

/// Messages of one call that wait for its driver before the worker's pipe is left unread.
const EVENTS_WAITING: usize = 64;

/// One worker as the pool sees it, from its readiness until its loss.
pub(crate) struct Link {
    pub(crate) process: u32,
    outgoing: mpsc::UnboundedSender<ToWorker>,
    next_call: AtomicU64,
    calls: Mutex<Calls>,
    /// Told when the worker must be given up.
    condemned: Notify,
    /// Told when a call has ended, on any worker.
    freed: Arc<Notify>,
}

struct Calls {
    open: bool,
    senders: HashMap<u64, mpsc::Sender<FromWorker>>,
}

impl Link {
    pub(crate) fn new(
        process: u32,
        outgoing: mpsc::UnboundedSender<ToWorker>,
        freed: Arc<Notify>,
    ) -> Self {
        let calls = Mutex::new(Calls { open: true, senders: HashMap::new() });
        let next_call = AtomicU64::new(1);
        Self { process, outgoing, next_call, calls, condemned: Notify::new(), freed }
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        // A map of senders is whole after every statement, so a panic elsewhere does not spoil it.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many calls the worker carries.
    pub(crate) fn load(&self) -> usize {
        self.calls().senders.len()
    }

    /// A place for one more call, unless the worker is full or lost.
    pub(crate) fn seat(self: &Arc<Self>) -> Option<Seat> {
        let mut calls = self.calls();
        if !calls.open || calls.senders.len() >= CALLS_PER_WORKER {
            return None;
        }
        let call = self.next_call.fetch_add(1, Ordering::Relaxed);
        let (sender, events) = mpsc::channel(EVENTS_WAITING);
        calls.senders.insert(call, sender);
        drop(calls);
        Some(Seat { link: Arc::clone(self), call, events, done: false })
    }

    /// Hands a message of the worker to the driver of its call.
    pub(crate) async fn deliver(&self, message: FromWorker) {
        let call = match &message {
            FromWorker::Ready { .. } => return,
            FromWorker::Output { call, .. }
            | FromWorker::Operation { call, .. }
            | FromWorker::Abandon { call, .. }
            | FromWorker::Done { call, .. } => *call,
        };
        let sender = self.calls().senders.get(&call).cloned();
        if let Some(sender) = sender
            && sender.send(message).await.is_err()
        {
            tracing::trace!(call, "a message came for a call that was cancelled");
        }
    }

    /// Takes no more calls and lets those under way see that the worker is lost.
    pub(crate) fn close(&self) {
        let mut calls = self.calls();
        calls.open = false;
        calls.senders.clear();
    }

    /// Has the worker killed and replaced.
    pub(crate) fn condemn(&self) {
        self.condemned.notify_one();
    }

    pub(crate) async fn condemned(&self) {
        self.condemned.notified().await;
    }

    fn send(&self, message: ToWorker) {
        if self.outgoing.send(message).is_err() {
            tracing::trace!(process = self.process, "a message for a lost worker is dropped");
        }
    }
}

/// A call's place in a worker; dropping it cancels the call.
pub(crate) struct Seat {
    link: Arc<Link>,
    call: u64,
    events: mpsc::Receiver<FromWorker>,
    done: bool,
}

impl Seat {
    pub(crate) fn start(&self, task: Task, limits: Limits) {
        self.link.send(ToWorker::Start { call: self.call, task, limits });
    }

    pub(crate) fn answer(&self, operation: u32, outcome: Result<Vec<u8>, String>) {
        self.link.send(ToWorker::Answer { call: self.call, operation, outcome });
    }

    /// The worker's next message about this call; `None` when the worker is lost.
    pub(crate) async fn event(&mut self) -> Option<FromWorker> {
        let event = self.events.recv().await;
        self.done |= matches!(event, None | Some(FromWorker::Done { .. }));
        event
    }

    pub(crate) fn condemn_worker(&self) {
        self.link.condemn();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.link.calls().senders.remove(&self.call);
        if !self.done {
            self.link.send(ToWorker::Cancel { call: self.call });
        }
        self.link.freed.notify_waiters();
    }
}
