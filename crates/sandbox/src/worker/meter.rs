//! The processor time of one call: what the thread spends while the call's future is polled.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::system::thread_cpu_time;

/// How much a call has used. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Meter {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Nanoseconds of the slices that are over.
    spent: AtomicU64,
    /// The thread's own clock at the start of the slice that runs, in nanoseconds.
    slice_began: AtomicU64,
}

impl Meter {
    /// What was used before the slice that runs.
    pub(super) fn spent(&self) -> Duration {
        Duration::from_nanos(self.shared.spent.load(Ordering::Relaxed))
    }

    /// What was used until now; to be asked from within the call.
    pub(super) fn spent_until_now(&self) -> Duration {
        let began = self.shared.slice_began.load(Ordering::Relaxed);
        self.spent() + Duration::from_nanos(now().saturating_sub(began))
    }

    /// Runs `future` on this meter, its end and its dropping included.
    pub(super) fn metered<F: Future>(&self, future: F) -> Metered<F> {
        Metered { meter: self.clone(), future: Some(Box::pin(future)) }
    }

    fn measure<T>(&self, slice: impl FnOnce() -> T) -> T {
        self.shared.slice_began.store(now(), Ordering::Relaxed);
        let result = slice();
        let spent = self.spent_until_now();
        let nanoseconds = u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX);
        self.shared.spent.store(nanoseconds, Ordering::Relaxed);
        result
    }
}

fn now() -> u64 {
    u64::try_from(thread_cpu_time().as_nanos()).unwrap_or(u64::MAX)
}

/// A future whose processor time is counted.
pub(super) struct Metered<F> {
    meter: Meter,
    future: Option<Pin<Box<F>>>,
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        let Some(future) = &mut this.future else { return Poll::Pending };
        this.meter.measure(|| future.as_mut().poll(context))
    }
}

impl<F> Drop for Metered<F> {
    fn drop(&mut self) {
        let future = self.future.take();
        self.meter.measure(|| drop(future));
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Meter;

    #[tokio::test]
    async fn work_counts_and_waiting_does_not() {
        let meter = Meter::default();
        let work = meter.metered(async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(30) {}
        });
        work.await;
        assert!(meter.spent() > Duration::from_millis(1));
        assert!(meter.spent() < Duration::from_millis(90));
    }
}
