//! The server's end of one worker: its outgoing messages, the calls it carries, and where it is in its life.

mod outgoing;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc, watch};

use crate::limits::Limits;
use crate::protocol::{CALLS_PER_WORKER, FromWorker, Readiness, Task, ToWorker};
use crate::text;
pub(crate) use outgoing::Letters;
use outgoing::Outgoing;

/// Messages of one call that wait for its driver before the worker's pipe is left unread.
const EVENTS_WAITING: usize = 64;

/// The most of a worker's own words that is logged.
const REASON_MAX: usize = 200;

/// One worker as the pool sees it, from its readiness until its loss.
pub(crate) struct Link {
    pub(crate) process: u32,
    /// What the worker says of itself.
    pub(crate) readiness: Readiness,
    outgoing: Outgoing,
    /// Calls that the worker takes before it is replaced.
    calls_most: u64,
    calls: Mutex<Calls>,
    phase: watch::Sender<Phase>,
    /// Messages that have come from the worker.
    heard: AtomicU64,
    /// Whether the worker has been silent when it should have answered.
    silent: AtomicBool,
    /// Told when a call has ended, on any worker.
    freed: Arc<Notify>,
}

struct Calls {
    open: bool,
    taken: u64,
    senders: HashMap<u64, mpsc::Sender<FromWorker>>,
}

/// Where a worker is in its life; later ones do not go back to earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Takes calls.
    Serving,
    /// Takes no more calls and ends those under way.
    Leaving,
    /// Has ended its last call.
    Left,
    /// Is of no more use; with what it did, for the callers.
    Lost(&'static str),
}

impl Link {
    /// A link, and what it sends, for the one who writes to the worker's pipe.
    pub(crate) fn new(
        process: u32,
        readiness: Readiness,
        calls_most: u64,
        freed: Arc<Notify>,
    ) -> (Self, Letters) {
        let calls = Calls { open: true, taken: 0, senders: HashMap::new() };
        let (outgoing, letters) = Outgoing::new();
        let link = Self {
            process,
            readiness,
            outgoing,
            calls_most,
            calls: Mutex::new(calls),
            phase: watch::Sender::new(Phase::Serving),
            heard: AtomicU64::new(0),
            silent: AtomicBool::new(false),
            freed,
        };
        (link, letters)
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        // A map of senders is whole after every statement, so a panic elsewhere does not spoil it.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many calls the worker carries.
    pub(crate) fn load(&self) -> usize {
        self.calls().senders.len()
    }

    /// A place for one more call, unless the worker is full, silent, leaving or lost.
    pub(crate) fn seat(self: &Arc<Self>) -> Option<Seat> {
        if self.silent.load(Ordering::Relaxed) {
            return None;
        }
        let mut calls = self.calls();
        if !calls.open || calls.senders.len() >= CALLS_PER_WORKER {
            return None;
        }
        calls.taken += 1;
        let call = calls.taken;
        let (sender, events) = mpsc::channel(EVENTS_WAITING);
        calls.senders.insert(call, sender);
        drop(calls);
        if call >= self.calls_most {
            self.retire();
        }
        Some(Seat { link: Arc::clone(self), call, events, done: false })
    }

    /// Hands a message of the worker to the driver of its call.
    pub(crate) async fn deliver(&self, message: FromWorker) {
        self.heard.fetch_add(1, Ordering::Relaxed);
        if self.silent.swap(false, Ordering::Relaxed) {
            self.freed.notify_waiters();
        }
        let call = match &message {
            FromWorker::Ready { .. } | FromWorker::Pong => return,
            FromWorker::Retire { reason } => {
                let reason = text::one_line(reason, REASON_MAX);
                tracing::warn!(reason, "a sandbox worker asks to be replaced");
                return self.retire();
            }
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

    /// Asks the worker for a sign of life; tells how many messages came from it before.
    pub(crate) fn ping(&self) -> u64 {
        self.outgoing.send(ToWorker::Ping);
        self.heard.load(Ordering::Relaxed)
    }

    /// Whether nothing has come since `before`; such a worker gets no new call until something does.
    pub(crate) fn is_silent_since(&self, before: u64) -> bool {
        let silent = self.heard.load(Ordering::Relaxed) == before;
        self.silent.store(silent, Ordering::Relaxed);
        silent
    }

    /// Takes no more calls; those under way go on.
    pub(crate) fn retire(&self) {
        let mut calls = self.calls();
        calls.open = false;
        self.advance(if calls.senders.is_empty() { Phase::Left } else { Phase::Leaving });
    }

    /// Takes no more calls and lets those under way see that the worker is lost.
    pub(crate) fn close(&self) {
        self.condemn("ended");
        let mut calls = self.calls();
        calls.open = false;
        calls.senders.clear();
        drop(calls);
        self.outgoing.close();
    }

    /// Has the worker killed and replaced. `how` is what it did, in the past tense.
    pub(crate) fn condemn(&self, how: &'static str) {
        self.advance(Phase::Lost(how));
    }

    fn advance(&self, to: Phase) {
        let is_lost = |phase: &Phase| matches!(phase, Phase::Lost(_));
        self.phase.send_if_modified(|phase| {
            let further = *phase < to && !is_lost(phase);
            if further {
                *phase = to;
            }
            further
        });
    }

    /// Whether the worker has taken as many calls as it was to take.
    pub(crate) fn is_used_up(&self) -> bool {
        self.calls().taken >= self.calls_most
    }

    /// Waits until the worker takes no more calls, for whatever reason.
    pub(crate) async fn replaceable(&self) {
        self.reached(|phase| *phase > Phase::Serving).await;
    }

    /// Waits until nothing more is to be expected of the worker.
    pub(crate) async fn over(&self) {
        self.reached(|phase| *phase > Phase::Leaving).await;
    }

    async fn reached(&self, condition: impl FnMut(&Phase) -> bool) {
        let mut phase = self.phase.subscribe();
        // The sender is a part of this link and so is not gone.
        let _reached = phase.wait_for(condition).await;
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
    /// Sends the call, once there is room for it on the way.
    pub(crate) async fn start(&self, task: Task, limits: Limits) {
        let bytes = task.length();
        let message = ToWorker::Start { call: self.call, task, limits };
        self.link.outgoing.send_bounded(message, bytes).await;
    }

    /// Sends an operation's answer, once there is room for it on the way.
    pub(crate) async fn answer(&self, operation: u32, outcome: Result<Vec<u8>, String>) {
        let bytes = outcome.as_ref().map_or_else(String::len, Vec::len);
        let message = ToWorker::Answer { call: self.call, operation, outcome };
        self.link.outgoing.send_bounded(message, bytes).await;
    }

    /// The worker's next message about this call; `None` when the worker is lost.
    pub(crate) async fn event(&mut self) -> Option<FromWorker> {
        let event = self.events.recv().await;
        self.done |= matches!(event, None | Some(FromWorker::Done { .. }));
        event
    }

    /// What the worker did that it is lost, in the past tense.
    pub(crate) fn how_lost(&self) -> &'static str {
        match *self.link.phase.borrow() {
            Phase::Lost(how) => how,
            Phase::Serving | Phase::Leaving | Phase::Left => "ended",
        }
    }

    pub(crate) fn condemn_worker(&self) {
        tracing::error!(worker = self.link.process, "a sandbox worker did not end a call in time");
        self.link.condemn("stopped answering");
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let last = {
            let mut calls = self.link.calls();
            calls.senders.remove(&self.call);
            !calls.open && calls.senders.is_empty()
        };
        if !self.done {
            self.link.outgoing.send(ToWorker::Cancel { call: self.call });
        }
        if last {
            self.link.advance(Phase::Left);
        }
        self.link.freed.notify_waiters();
    }
}
