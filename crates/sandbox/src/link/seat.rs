//! A call's place in a worker: what is sent and heard of the call, and its end.

use std::sync::Arc;

use tokio::sync::mpsc;
use uuid::Uuid;

use super::{Link, Phase};
use crate::limits::Limits;
use crate::outcome::Failure;
use crate::pool::Pool;
use crate::protocol::{FromWorker, Task, ToWorker};
use crate::set::Set;

/// A call's place in a worker; dropping it cancels the call.
pub(crate) struct Seat {
    link: Arc<Link>,
    pool: Arc<Pool>,
    group: Uuid,
    call: u64,
    events: mpsc::Receiver<FromWorker>,
    /// Whether it is counted among the calls that wait for their client.
    asking: bool,
    done: bool,
}

impl Seat {
    pub(super) fn new(
        link: Arc<Link>,
        pool: Arc<Pool>,
        group: Uuid,
        call: u64,
        events: mpsc::Receiver<FromWorker>,
    ) -> Self {
        Self { link, pool, group, call, events, asking: false, done: false }
    }

    /// Sends the call, once there is room for it on the way.
    pub(crate) async fn start(&self, task: Task, limits: Limits) {
        let bytes = task.length();
        let (call, group) = (self.call, self.group);
        let message = ToWorker::Start { call, group, task, limits };
        self.link.outgoing.send_bounded(&message, bytes).await;
    }

    /// Sees to it that the worker has a set of packages.
    pub(crate) fn hand_over(&self, set: &Set) -> Result<(), Failure> {
        self.link.hand_over(set)
    }

    /// Sends an operation's answer, once there is room for it on the way.
    pub(crate) async fn answer(&self, operation: u32, outcome: Result<Vec<u8>, String>) {
        let bytes = outcome.as_ref().map_or_else(String::len, Vec::len);
        let message = ToWorker::Answer { call: self.call, operation, outcome };
        self.link.outgoing.send_bounded(&message, bytes).await;
    }

    /// Counts the call among those that wait for their client, or says why it cannot be.
    pub(crate) fn begin_asking(&mut self) -> Result<(), String> {
        if !self.asking {
            self.pool.begin_asking(self.group)?;
            self.asking = true;
        }
        Ok(())
    }

    /// Counts it no longer.
    pub(crate) fn end_asking(&mut self) {
        if std::mem::take(&mut self.asking) {
            self.pool.end_asking(self.group);
        }
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

    /// Leaves a worker that has handed the call back.
    pub(crate) fn turned_away(mut self) {
        self.done = true;
        // Before the place is given to another call, which would be turned away as well.
        self.link.remove(self.call, true);
    }

    #[cfg(test)]
    pub(crate) fn process(&self) -> u32 {
        self.link.process
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.end_asking();
        let last = {
            let mut calls = self.link.calls();
            if calls.senders.remove(&self.call).is_some() {
                calls.full = false;
            }
            !calls.open && calls.senders.is_empty()
        };
        if !self.done {
            self.link.outgoing.send(&ToWorker::Cancel { call: self.call });
        }
        if last {
            self.link.advance(Phase::Left);
        }
        self.pool.left(self.group);
    }
}
