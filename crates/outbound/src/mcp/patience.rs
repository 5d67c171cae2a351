//! How long a call is waited for: while its source waits for an answer of ours, the time stands still.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The time that a call has.
#[derive(Debug)]
pub(crate) struct Patience {
    whole: Duration,
    state: Mutex<State>,
    goes_on: Notify,
}

#[derive(Debug)]
struct State {
    deadline: Instant,
    pauses: usize,
    since: Instant,
}

/// As long as it is there, the time stands still.
pub(crate) struct Pause(Arc<Patience>);

impl Patience {
    pub(crate) fn new(whole: Duration) -> Arc<Self> {
        let now = Instant::now();
        let state = State { deadline: now + whole, pauses: 0, since: now };
        Arc::new(Self { whole, state: Mutex::new(state), goes_on: Notify::new() })
    }

    /// All of it.
    pub(crate) fn whole(&self) -> Duration {
        self.whole
    }

    pub(crate) fn pause(self: &Arc<Self>) -> Pause {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.pauses == 0 {
            state.since = Instant::now();
        }
        state.pauses += 1;
        Pause(Arc::clone(self))
    }

    /// Waits until nothing is left of it.
    pub(crate) async fn end(&self) {
        loop {
            let goes_on = self.goes_on.notified();
            let deadline = {
                let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                (state.pauses == 0).then_some(state.deadline)
            };
            match deadline {
                Some(deadline) if deadline <= Instant::now() => return,
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => goes_on.await,
            }
        }
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.pauses -= 1;
        if state.pauses == 0 {
            let paused = state.since.elapsed();
            state.deadline += paused;
            self.0.goes_on.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Patience;
    use std::sync::Arc;
    use std::time::Duration;

    #[tokio::test]
    async fn time_stands_still_in_a_pause() {
        let patience = Patience::new(Duration::from_millis(20));
        let (first, second) = (patience.pause(), patience.pause());
        let longer = Duration::from_millis(60);
        assert!(tokio::time::timeout(longer, patience.end()).await.is_err(), "paused");
        drop(first);
        assert!(tokio::time::timeout(longer, patience.end()).await.is_err(), "still paused");
        let ends = tokio::spawn({
            let patience = Arc::clone(&patience);
            async move { patience.end().await }
        });
        tokio::task::yield_now().await;
        drop(second);
        ends.await.unwrap();
    }
}
