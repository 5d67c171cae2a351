//! The processor time of one call: what the thread spends while the call is polled.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::outcome::Used;
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
    /// The most memory that the guest had, in bytes.
    memory: AtomicU64,
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

    /// Notes that the guest's memory has this size, in bytes.
    pub(super) fn note_memory(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.shared.memory.fetch_max(bytes, Ordering::Relaxed);
    }

    /// All that was used until now; to be asked from within the call.
    pub(super) fn used(&self) -> Used {
        let memory_bytes = self.shared.memory.load(Ordering::Relaxed);
        Used { cpu: self.spent_until_now(), memory_bytes }
    }

    /// Runs one slice of the call on this meter.
    pub(super) fn measure<T>(&self, slice: impl FnOnce() -> T) -> T {
        self.shared.slice_began.store(now(), Ordering::Relaxed);
        let result = slice();
        let spent = self.spent_until_now();
        let nanoseconds = u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX);
        self.shared.spent.store(nanoseconds, Ordering::Relaxed);
        result
    }

    /// `work` with all its slices on this meter.
    pub(super) async fn metered<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| self.measure(|| work.as_mut().poll(context))).await
    }
}

fn now() -> u64 {
    u64::try_from(thread_cpu_time().as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Meter;
    use crate::system::thread_cpu_time;

    #[test]
    fn the_most_memory_counts() {
        let meter = Meter::default();
        for bytes in [1 << 20, 3 << 20, 2 << 20] {
            meter.note_memory(bytes);
        }
        assert_eq!(meter.used().memory_bytes, 3 << 20);
    }

    #[test]
    fn work_counts_and_waiting_does_not() {
        let meter = Meter::default();
        for _ in 0..3 {
            meter.measure(|| {
                let end = thread_cpu_time() + Duration::from_millis(10);
                while thread_cpu_time() < end {}
                assert!(meter.spent_until_now() >= meter.spent() + Duration::from_millis(10));
            });
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(meter.spent() >= Duration::from_millis(30));
        assert!(meter.spent() < Duration::from_millis(100));
    }
}
