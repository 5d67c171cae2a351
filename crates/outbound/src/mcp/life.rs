//! How long a source may be used: until it is left to those who use it already, or stopped at once.

use super::error::Error;
use tokio::sync::watch;

/// The life of a source; clones are the same.
#[derive(Clone)]
pub(crate) struct Life(watch::Sender<State>);

struct State {
    stage: Stage,
    uses: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    InUse,
    /// What has begun goes on; nothing else begins.
    Left,
    /// Nothing goes on, and nothing is sent any more.
    Stopped,
}

/// A use of a source that goes on until this is dropped.
pub(crate) struct Use(watch::Sender<State>);

impl Life {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(State { stage: Stage::InUse, uses: 0 }))
    }

    /// Begins a use.
    ///
    /// # Errors
    /// [`Error::Retired`] where no more begins.
    pub(crate) fn begin(&self) -> Result<Use, Error> {
        let mut is_begun = false;
        self.0.send_if_modified(|state| {
            is_begun = state.stage == Stage::InUse;
            state.uses += usize::from(is_begun);
            false
        });
        if is_begun { Ok(Use(self.0.clone())) } else { Err(Error::Retired { sent: false }) }
    }

    /// Begins nothing more, and waits for the end of what has begun.
    pub(crate) async fn leave(&self) {
        self.0.send_if_modified(|state| {
            if state.stage == Stage::InUse {
                state.stage = Stage::Left;
            }
            false
        });
        // The sender is here, so that this cannot fail.
        drop(self.0.subscribe().wait_for(|state| state.uses == 0).await);
    }

    /// Ends what has begun.
    pub(crate) fn stop(&self) {
        self.0.send_modify(|state| state.stage = Stage::Stopped);
    }

    /// Does something for as long as the source is not stopped.
    ///
    /// # Errors
    /// [`Error::Retired`] where it is stopped, before or meanwhile.
    pub(crate) async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut state = self.0.subscribe();
        if state.borrow().stage == Stage::Stopped {
            return Err(Error::Retired { sent: false });
        }
        tokio::select! {
            biased;
            _ = state.wait_for(|state| state.stage == Stage::Stopped) => {
                Err(Error::Retired { sent: true })
            }
            outcome = work => outcome,
        }
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        self.0.send_if_modified(|state| {
            state.uses -= 1;
            state.uses == 0 && state.stage != Stage::InUse
        });
    }
}

#[cfg(test)]
mod tests {
    use super::Life;
    use crate::mcp::Error;
    use futures::FutureExt as _;
    use std::future::{pending, ready};

    #[tokio::test]
    async fn what_has_begun_goes_on_in_a_source_that_is_left() {
        let life = Life::new();
        let (one, two) = (life.begin().unwrap(), life.begin().unwrap());
        let mut left = Box::pin(life.leave());
        assert!(left.as_mut().now_or_never().is_none());
        assert!(matches!(life.begin(), Err(Error::Retired { sent: false })));
        assert!(life.within(ready(Ok(1))).await.is_ok(), "that of the others");
        drop(one);
        assert!(left.as_mut().now_or_never().is_none());
        drop(two);
        left.await;
    }

    #[tokio::test]
    async fn nothing_goes_on_in_a_source_that_is_stopped() {
        let life = Life::new();
        let using = life.begin().unwrap();
        let mut work = Box::pin(life.within::<()>(pending()));
        assert!(work.as_mut().now_or_never().is_none());
        life.stop();
        assert!(matches!(work.await, Err(Error::Retired { sent: true })));
        assert!(matches!(life.within(ready(Ok(1))).await, Err(Error::Retired { sent: false })));
        assert!(life.begin().is_err());
        drop(using);
        life.leave().await;
    }
}
