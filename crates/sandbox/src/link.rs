//! The server's end of one worker: its outgoing messages, the calls it carries, and where it is in its life.

mod outgoing;
mod seat;

use std::collections::{BTreeMap, HashMap};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use crate::handover;
use crate::limits::Bounds;
use crate::outcome::{Failure, FailureKind};
use crate::pool::Pool;
use crate::protocol::{FromWorker, Load, Readiness, ToWorker};
use crate::set::{Set, WeakSet};
use crate::text;
pub(crate) use outgoing::Letters;
use outgoing::Outgoing;
pub(crate) use seat::Seat;

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
    /// The bytes that its calls may hold together.
    memory_bytes: usize,
    calls: Mutex<Calls>,
    phase: watch::Sender<Phase>,
    /// Messages that have come from the worker.
    heard: AtomicU64,
    /// Whether the worker has been silent when it should have answered.
    silent: AtomicBool,
    given: Mutex<Given>,
}

/// The sets of packages that the worker has.
#[derive(Default)]
struct Given {
    socket: Option<UnixStream>,
    sets: HashMap<u64, WeakSet>,
}

struct Calls {
    open: bool,
    taken: u64,
    senders: BTreeMap<u64, mpsc::Sender<FromWorker>>,
    /// What the worker told last.
    load: Load,
    /// Whether it has handed back a call since one of its calls ended or it told of its load.
    full: bool,
}

impl Calls {
    /// What the calls hold: at least so much, as the worker tells of growth a little later.
    fn memory(&self) -> usize {
        self.senders.len().saturating_mul(Bounds::CALL_BYTES).saturating_add(self.load.grown)
    }

    /// How many calls are after the processor. What the worker has not yet judged may be.
    fn runnable(&self) -> usize {
        let unjudged = self.senders.range(self.load.seen.saturating_add(1)..).count();
        self.load.runnable.saturating_add(unjudged)
    }
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
        memory_bytes: usize,
    ) -> (Self, Letters) {
        let (senders, load) = (BTreeMap::new(), Load::default());
        let calls = Calls { open: true, taken: 0, senders, load, full: false };
        let (outgoing, letters) = Outgoing::new();
        let link = Self {
            process,
            readiness,
            outgoing,
            calls_most,
            memory_bytes,
            calls: Mutex::new(calls),
            phase: watch::Sender::new(Phase::Serving),
            heard: AtomicU64::new(0),
            silent: AtomicBool::new(false),
            given: Mutex::default(),
        };
        (link, letters)
    }

    /// Has sets of packages go through `socket`.
    pub(crate) fn set_socket(&mut self, socket: Option<UnixStream>) {
        self.given = Mutex::new(Given { socket, sets: HashMap::new() });
    }

    /// Sees to it that the worker has a set of packages before it is told of a call that needs it.
    fn hand_over(&self, set: &Set) -> Result<(), Failure> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if given.sets.contains_key(&set.number()) {
            return Ok(());
        }
        given.sets.retain(|number, held| {
            let needed = held.is_held();
            if !needed {
                self.outgoing.send(&ToWorker::Forget { set: *number });
            }
            needed
        });
        let handed = match &given.socket {
            Some(socket) => handover::send(socket, set.file()),
            None => Err(std::io::ErrorKind::NotConnected.into()),
        };
        handed.map_err(|error| {
            tracing::warn!(%error, "a set of packages cannot be handed to a sandbox worker");
            let message =
                "the packages of this server cannot be handed to a worker now: try again in a few seconds";
            Failure::new(FailureKind::Busy, message)
        })?;
        self.outgoing.send(&ToWorker::Keep { set: set.number(), form: set.form() });
        given.sets.insert(set.number(), set.downgrade());
        Ok(())
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        // A map of senders is whole after every statement, so a panic elsewhere does not spoil it.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many bytes the calls hold.
    pub(crate) fn memory(&self) -> usize {
        self.calls().memory()
    }

    /// How many calls are after the processor, and how many there are; `None` where there is no
    /// room for one more, or nothing is heard of the worker. The first call has room in any case.
    pub(crate) fn burden(&self) -> Option<(usize, usize)> {
        if self.silent.load(Ordering::Relaxed) {
            return None;
        }
        let calls = self.calls();
        let count = calls.senders.len();
        let memory = calls.memory().saturating_add(Bounds::CALL_BYTES);
        let fits = count == 0 || (memory <= self.memory_bytes && !calls.full);
        let room = calls.open && count < Bounds::CALLS_PER_WORKER && fits;
        room.then(|| (calls.runnable(), count))
    }

    /// A place for one more call, unless the worker is leaving or lost.
    pub(crate) fn seat(self: &Arc<Self>, pool: &Arc<Pool>, group: Uuid) -> Option<Seat> {
        let mut calls = self.calls();
        if !calls.open {
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
        Some(Seat::new(Arc::clone(self), Arc::clone(pool), group, call, events))
    }

    /// Takes note of what the worker tells about itself.
    pub(crate) fn loaded(&self, load: Load) {
        let mut calls = self.calls();
        calls.load = load;
        calls.full = false;
    }

    /// Notes that the worker has said something; tells whether it had been silent before.
    pub(crate) fn hear(&self) -> bool {
        self.heard.fetch_add(1, Ordering::Relaxed);
        self.silent.swap(false, Ordering::Relaxed)
    }

    /// Hands a message of the worker to the driver of its call.
    pub(crate) async fn deliver(&self, message: FromWorker) {
        let call = match &message {
            FromWorker::Ready { .. } | FromWorker::Pong | FromWorker::Load(_) => return,
            FromWorker::Retire { reason } => {
                let reason = text::one_line(reason, REASON_MAX);
                tracing::warn!(reason, "a sandbox worker asks to be replaced");
                return self.retire();
            }
            FromWorker::Output { call, .. }
            | FromWorker::Operation { call, .. }
            | FromWorker::Abandon { call, .. }
            | FromWorker::Full { call, .. }
            | FromWorker::Content { call, .. }
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
        self.outgoing.send(&ToWorker::Ping);
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

    /// Notes that a call is over, or that there was no room for it.
    fn remove(&self, call: u64, full: bool) {
        let mut calls = self.calls();
        calls.senders.remove(&call);
        calls.full = full;
    }
}
