//! Leaves a source alone that was not reached several times in a row: a dead one must not hold calls up.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// So often in a row a source is not reached before it is left alone.
const FAILURES: u32 = 5;

/// So long it is left alone; then one request tries.
const PAUSE: Duration = Duration::from_secs(30);

/// The longest that a source which wants fewer requests is left alone.
const LONGEST: Duration = Duration::from_mins(5);

/// What became of the last requests to one source.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: Mutex<State>,
    /// It opened or closed.
    moved: Notify,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    closed_until: Option<Instant>,
    why: String,
}

impl Breaker {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a request may be made now.
    ///
    /// # Errors
    /// Why not, and for how long.
    pub(super) fn check(&self, now: Instant) -> Result<(), (String, Duration)> {
        let mut state = self.state();
        let Some(until) = state.closed_until else { return Ok(()) };
        if now < until {
            return Err((state.why.clone(), until - now));
        }
        // This request tries; the others wait for what becomes of it.
        state.closed_until = Some(now + PAUSE);
        Ok(())
    }

    /// The source answered, whatever it said.
    pub(super) fn answered(&self) {
        let before = std::mem::take(&mut *self.state());
        if before.closed_until.is_some() {
            self.moved.notify_waiters();
        }
    }

    /// The source was not reached.
    pub(super) fn failed(&self, why: &str, now: Instant) {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES {
            state.closed_until = Some(now + PAUSE);
            why.clone_into(&mut state.why);
            self.moved.notify_waiters();
        }
    }

    /// The source wants to be left alone for a time.
    pub(super) fn wants_pause(&self, why: &str, pause: Duration, now: Instant) {
        let mut state = self.state();
        state.closed_until = Some(now + pause.min(LONGEST));
        why.clone_into(&mut state.why);
    }

    /// Waits until the source is left alone because it is not reached.
    pub(super) async fn opened(&self) {
        loop {
            let moved = self.moved.notified();
            let is_lost = self.state().failures >= FAILURES;
            if is_lost && self.is_open(Instant::now()) {
                return;
            }
            moved.await;
        }
    }

    /// Waits while the source is left alone, for whatever reason.
    pub(super) async fn closed(&self) {
        loop {
            let moved = self.moved.notified();
            let until = self.state().closed_until;
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            match left.filter(|left| !left.is_zero()) {
                None => return,
                Some(left) => drop(tokio::time::timeout(left, moved).await),
            }
        }
    }

    /// Whether requests are refused now.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.state().closed_until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn a_source_that_is_not_reached_is_left_alone_and_tried_once() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 1..FAILURES {
            breaker.failed("refused", now);
            assert!(breaker.check(now).is_ok());
        }
        breaker.failed("refused", now);
        let (why, left) = breaker.check(now).unwrap_err();
        assert_eq!((why.as_str(), left), ("refused", PAUSE));
        let later = now + PAUSE;
        assert!(breaker.check(later).is_ok(), "one tries");
        assert!(breaker.check(later).is_err(), "the others wait for it");
        breaker.answered();
        assert!(breaker.check(later).is_ok());
    }

    #[test]
    fn an_answer_between_failures_begins_the_count_anew() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..3 * FAILURES {
            breaker.failed("refused", now);
            breaker.answered();
        }
        assert!(breaker.check(now).is_ok());
    }

    #[tokio::test]
    async fn who_listens_hears_when_a_source_is_left_alone() {
        let breaker = Breaker::default();
        let (mut opened, now) = (Box::pin(breaker.opened()), Instant::now());
        breaker.closed().await;
        breaker.wants_pause("busy", PAUSE, now);
        assert!(opened.as_mut().now_or_never().is_none(), "its stream may go on");
        assert!(breaker.closed().now_or_never().is_none(), "and none is begun");
        for _ in 0..FAILURES {
            assert!(opened.as_mut().now_or_never().is_none());
            breaker.failed("refused", now);
        }
        opened.await;
        let mut closed = Box::pin(breaker.closed());
        assert!(closed.as_mut().now_or_never().is_none());
        breaker.answered();
        closed.await;
    }

    #[test]
    fn a_source_that_wants_fewer_requests_is_left_alone_as_long_as_it_says_within_reason() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        breaker.wants_pause("busy", Duration::from_secs(7), now);
        assert!(breaker.is_open(now) && !breaker.is_open(now + Duration::from_secs(7)));
        breaker.wants_pause("busy", Duration::from_hours(24), now);
        assert!(!breaker.is_open(now + LONGEST));
    }
}
