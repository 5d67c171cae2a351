//! What one call has asked of the server: numbers, answers that have come, and waiting for them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::guest::bindings::mcpbox::tool::host::Completion;
use super::outbox::Outbox;
use crate::abilities::Abilities;
use crate::answer;
use crate::clock::Clock;
use crate::protocol::{FromWorker, PAYLOAD_MAX};
use crate::text;

/// Refusals that one call may leave uncollected.
const REFUSALS_MAX: usize = 4096;

/// Bytes of an operation's name.
const NAME_MAX: usize = 100;

/// Bytes of answers that one call may leave uncollected.
const UNCOLLECTED_MAX: usize = 4 * PAYLOAD_MAX;

/// The operations of one call. Clones share them.
#[derive(Clone)]
pub(super) struct Operations {
    shared: Arc<Shared>,
}

struct Shared {
    call: u64,
    outbox: Outbox,
    state: Mutex<State>,
    ended: Notify,
}

#[derive(Default)]
struct State {
    last: u32,
    under_way: HashSet<u32>,
    /// Those under way that ask the client.
    asks: HashSet<u32>,
    ended: Vec<Completion>,
    /// How many of those that have ended were refused.
    refused: usize,
}

/// A call that goes on beginning operations after all those that were refused.
#[derive(Debug, thiserror::Error)]
#[error("too many operations were refused")]
pub(super) struct Flood;

impl Operations {
    pub(super) fn new(call: u64, outbox: Outbox) -> Self {
        let state = Mutex::default();
        Self { shared: Arc::new(Shared { call, outbox, state, ended: Notify::new() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an operation and returns its number; a refusal is the operation's answer.
    ///
    /// `has_handle` tells whether the call had a handle left for it.
    pub(super) async fn start(
        &self,
        name: String,
        payload: Vec<u8>,
        has_handle: bool,
    ) -> Result<u32, Flood> {
        let refusal = refusal(name.len(), payload.len(), has_handle);
        let operation = self.number(refusal.is_some(), name == Abilities::ASK)?;
        if let Some(refusal) = refusal {
            self.end(operation, Err(refusal));
            return Ok(operation);
        }
        let bytes = name.len() + payload.len();
        let call = self.shared.call;
        let message = FromWorker::Operation { call, operation, name, payload };
        self.shared.outbox.send_bounded(message, bytes).await;
        Ok(operation)
    }

    /// Answers an operation that is not begun.
    pub(super) fn refuse(&self, refusal: String) -> Result<u32, Flood> {
        let operation = self.number(true, false)?;
        self.end(operation, Err(refusal));
        Ok(operation)
    }

    /// Whether an answer of the client is waited for.
    pub(super) fn is_asking(&self) -> bool {
        !self.state().asks.is_empty()
    }

    fn number(&self, refused: bool, asks: bool) -> Result<u32, Flood> {
        let mut state = self.state();
        if refused && state.refused >= REFUSALS_MAX {
            return Err(Flood);
        }
        state.refused += usize::from(refused);
        state.last = state.last.wrapping_add(1);
        let operation = state.last;
        state.under_way.insert(operation);
        if asks {
            state.asks.insert(operation);
        }
        Ok(operation)
    }

    /// Forgets an operation.
    pub(super) async fn cancel(&self, operation: u32) {
        let abandoned = {
            let mut state = self.state();
            state.ended.retain(|completion| completion.id != operation);
            state.asks.remove(&operation);
            state.under_way.remove(&operation)
        };
        if abandoned {
            let message = FromWorker::Abandon { call: self.shared.call, operation };
            self.shared.outbox.send_bounded(message, 0).await;
        }
    }

    /// Records an answer, unless the operation was forgotten meanwhile.
    pub(super) fn end(&self, operation: u32, outcome: Result<Vec<u8>, String>) {
        let mut state = self.state();
        if !state.under_way.remove(&operation) {
            return;
        }
        state.asks.remove(&operation);
        let length =
            |outcome: &Result<Vec<u8>, String>| outcome.as_ref().map_or_else(String::len, Vec::len);
        let waiting: usize = state.ended.iter().map(|completion| length(&completion.outcome)).sum();
        let outcome = if waiting + length(&outcome) > UNCOLLECTED_MAX {
            let most = text::size(UNCOLLECTED_MAX);
            Err(format!("more than {most} of answers wait to be read: ask for less at a time"))
        } else {
            outcome
        };
        state.ended.push(Completion { id: operation, outcome });
        drop(state);
        self.shared.ended.notify_one();
    }

    /// All that have ended, once there is one, the time is up, or none can come. The clock stands still
    /// while nothing but answers of the client is waited for.
    pub(super) async fn wait(&self, timeout: Option<Duration>, clock: &Clock) -> Vec<Completion> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let (ended, idle, asks_only) = {
                let mut state = self.state();
                state.refused = 0;
                let asks_only = state.asks.len() == state.under_way.len();
                (std::mem::take(&mut state.ended), state.under_way.is_empty(), asks_only)
            };
            let up = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if !ended.is_empty() || up || (timeout.is_none() && idle) {
                return ended;
            }
            let _still = (asks_only && !idle).then(|| clock.standstill());
            match deadline {
                Some(deadline) => tokio::select! {
                    () = self.shared.ended.notified() => {}
                    () = sleep_until(deadline) => {}
                },
                None => self.shared.ended.notified().await,
            }
        }
    }
}

/// Why an operation is not even asked for, if it is not.
fn refusal(name: usize, length: usize, has_handle: bool) -> Option<String> {
    if length > PAYLOAD_MAX {
        let (length, most) = (text::size(length), text::size(PAYLOAD_MAX));
        Some(format!("the request is {length} long, the most is {most}: send less at a time"))
    } else if name > NAME_MAX {
        Some(format!("the operation's name is {name} bytes long, the most is {NAME_MAX}"))
    } else {
        (!has_handle).then(answer::handles)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Abilities, Clock, Flood, NAME_MAX, Operations, Outbox, REFUSALS_MAX};
    use crate::protocol::PAYLOAD_MAX;

    fn clock() -> Clock {
        Clock::new(Duration::from_hours(1))
    }

    async fn start(operations: &Operations, name: String, payload: Vec<u8>) -> u32 {
        operations.start(name, payload, true).await.expect("it is no flood")
    }

    #[tokio::test]
    async fn an_answer_is_waited_for_and_a_forgotten_one_is_not() {
        let (outbox, _queue) = Outbox::new();
        let operations = Operations::new(1, outbox);
        let first = start(&operations, "a".to_owned(), Vec::new()).await;
        let second = start(&operations, "b".to_owned(), Vec::new()).await;
        operations.cancel(first).await;
        operations.end(first, Ok(b"late".to_vec()));
        let waiting = operations.wait(Some(Duration::from_millis(1)), &clock()).await;
        assert!(waiting.is_empty());
        operations.end(second, Ok(b"yes".to_vec()));
        let ended = operations.wait(None, &clock()).await;
        assert!(matches!(ended.as_slice(), [one] if one.id == second && one.outcome.is_ok()));
        assert!(operations.wait(None, &clock()).await.is_empty(), "nothing is under way");
    }

    #[tokio::test]
    async fn too_much_is_refused_with_a_sentence_and_as_much_as_may_be_is_not() {
        let (outbox, _queue) = Outbox::new();
        let operations = Operations::new(1, outbox);
        for (name, length) in [(1, PAYLOAD_MAX + 1), (NAME_MAX + 1, 0)] {
            start(&operations, "a".repeat(name), vec![0; length]).await;
            let ended = operations.wait(None, &clock()).await;
            assert!(matches!(ended.as_slice(), [one] if one.outcome.is_err()));
        }
        start(&operations, "a".repeat(NAME_MAX), vec![0; PAYLOAD_MAX]).await;
        assert!(operations.wait(Some(Duration::ZERO), &clock()).await.is_empty());
    }

    #[tokio::test]
    async fn what_has_no_handle_is_refused_and_a_flood_of_that_ends_the_call() {
        let (outbox, _queue) = Outbox::new();
        let operations = Operations::new(1, outbox);
        let begin = async || operations.start("a".to_owned(), Vec::new(), false).await;
        for _ in 0..REFUSALS_MAX {
            assert!(begin().await.is_ok());
        }
        assert!(matches!(begin().await, Err(Flood)));
        assert_eq!(operations.wait(None, &clock()).await.len(), REFUSALS_MAX);
        assert!(begin().await.is_ok(), "they have been collected");
    }

    #[tokio::test]
    async fn the_clock_stands_still_while_the_client_alone_is_waited_for() {
        let stands = async |names: &[&str], timeout| {
            let (outbox, _queue) = Outbox::new();
            let operations = Operations::new(1, outbox);
            let mut last = 0;
            for name in names {
                last = start(&operations, (*name).to_owned(), Vec::new()).await;
            }
            let clock = Clock::new(Duration::from_hours(1));
            let before = clock.deadline();
            let waiting = operations.wait(timeout, &clock);
            let answering = async {
                tokio::time::sleep(Duration::from_millis(5)).await;
                operations.end(last, Ok(Vec::new()));
            };
            tokio::join!(waiting, answering);
            clock.deadline() > before
        };
        let minute = Some(Duration::from_mins(1));
        assert!(stands(&[Abilities::ASK], None).await);
        assert!(stands(&[Abilities::ASK, Abilities::ASK], minute).await);
        assert!(!stands(&["http.request", Abilities::ASK], None).await);
        assert!(!stands(&["http.request"], minute).await);
        assert!(!stands(&[], Some(Duration::from_millis(1))).await);
    }
}
