//! Until when a call may go on, where some of what it waits for does not count.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// A limit on elapsed time that can stand still. Clones share it.
#[derive(Clone)]
pub(crate) struct Clock {
    state: Arc<Mutex<State>>,
}

struct State {
    deadline: Instant,
    /// Since when it stands still.
    stopped: Option<Instant>,
}

/// While this is held the clock stands still.
pub(crate) struct Standstill<'a>(&'a Clock);

impl Drop for Standstill<'_> {
    fn drop(&mut self) {
        self.0.go_on();
    }
}

impl Clock {
    /// The time is up after `limit`.
    pub(crate) fn new(limit: Duration) -> Self {
        let state = State { deadline: Instant::now() + limit, stopped: None };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the time is up. It only ever becomes later: while the clock stands still, the time that
    /// is left does not become less.
    pub(crate) fn deadline(&self) -> Instant {
        let state = self.state();
        match state.stopped {
            Some(since) => state.deadline + since.elapsed(),
            None => state.deadline,
        }
    }

    /// Lets the clock stand still until it is told to go on.
    pub(crate) fn stop(&self) {
        self.state().stopped.get_or_insert_with(Instant::now);
    }

    /// Lets the clock go on.
    pub(crate) fn go_on(&self) {
        let mut state = self.state();
        if let Some(since) = state.stopped.take() {
            state.deadline += since.elapsed();
        }
    }

    /// Lets the clock stand still for as long as the guard is held.
    pub(crate) fn standstill(&self) -> Standstill<'_> {
        self.stop();
        Standstill(self)
    }

    /// What `work` comes to before the time is up. Afterwards it is not polled again: a guest would run
    /// on to the end of its slice, and many that are overdue at once would hold each other up.
    pub(crate) async fn in_time<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut alarm = pin!(sleep_until(self.deadline()));
        poll_fn(|context| {
            if Instant::now() >= self.deadline() {
                return Poll::Ready(None);
            }
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(Some(done));
            }
            while alarm.as_mut().poll(context).is_ready() {
                let deadline = self.deadline();
                if Instant::now() >= deadline {
                    return Poll::Ready(None);
                }
                alarm.as_mut().reset(deadline);
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::Clock;

    #[tokio::test]
    async fn what_is_done_in_time_is_had_and_what_is_not_is_given_up() {
        let clock = Clock::new(Duration::from_millis(20));
        assert_eq!(clock.in_time(async { 7 }).await, Some(7));
        assert_eq!(clock.in_time(pending::<()>()).await, None);
        assert_eq!(clock.in_time(async { 7 }).await, None, "the time is up");
    }

    #[tokio::test]
    async fn time_in_which_the_clock_stands_does_not_count() {
        let clock = Clock::new(Duration::from_millis(200));
        let work = async {
            let still = clock.standstill();
            sleep(Duration::from_millis(400)).await;
            drop(still);
            clock.stop();
            clock.stop();
            sleep(Duration::from_millis(1)).await;
            clock.go_on();
            clock.go_on();
            "had"
        };
        assert_eq!(clock.in_time(work).await, Some("had"));
        assert_eq!(clock.in_time(pending::<()>()).await, None, "it goes on");
    }

    #[tokio::test]
    async fn the_deadline_of_a_clock_that_stands_moves_with_the_time() {
        let clock = Clock::new(Duration::from_millis(20));
        clock.stop();
        sleep(Duration::from_millis(40)).await;
        let before = clock.deadline();
        assert!(before > Instant::now());
        clock.go_on();
        assert!(clock.deadline() >= before);
    }
}
