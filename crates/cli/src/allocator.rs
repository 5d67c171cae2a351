//! What the C library's allocator keeps of memory that is free, and what it gives back to the system.
#![cfg_attr(
    all(target_os = "linux", target_env = "gnu"),
    expect(unsafe_code, reason = "the allocator's own functions have no safe wrapper")
)]

use std::time::Duration;

use crate::listener::Stages;

/// How often is looked whether there is something to give back.
const EVERY: Duration = Duration::from_secs(5);

/// With so many requests since the last look, what is free will soon be used again.
const BUSY: u64 = 50;

/// Has large blocks mapped by themselves, so that they go back when they are freed. Left alone, the
/// library raises the bound to the largest block that was freed so far: each hashing of a password, in
/// 19 MiB, then leaves as much in the heap of its thread, where small blocks come to lie in it.
///
/// To be called before there are other threads.
pub(crate) fn set_up() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const MAPPED_FROM_BYTES: libc::c_int = 1 << 20;
        // SAFETY: it takes two integers, and no other thread allocates meanwhile.
        let _is_set = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_FROM_BYTES) };
    }
}

/// Gives back what is free whenever there was something to do and is little now. It never returns.
pub(crate) async fn give_back(stages: Stages) {
    let mut rounds = tokio::time::interval(EVERY);
    let mut watch = Watch::default();
    loop {
        rounds.tick().await;
        if watch.is_time(stages.begun()) {
            // It holds up whoever allocates meanwhile, for some milliseconds at most.
            let _panicked = tokio::task::spawn_blocking(trim).await.is_err();
        }
    }
}

fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it takes an integer, may be called by any thread, and touches nothing but free memory.
    let _was_some_released = unsafe { libc::malloc_trim(0) };
}

/// Sees when there is little to do.
#[derive(Debug, Default)]
struct Watch {
    /// Requests at the last look.
    seen: u64,
    /// Whether there may be something to give back.
    is_due: bool,
}

impl Watch {
    /// Whether now is the time, with so many requests since the start.
    fn is_time(&mut self, requests: u64) -> bool {
        let new = requests.saturating_sub(self.seen);
        self.seen = requests;
        let is_time = new < BUSY && (self.is_due || new > 0);
        // What is under way now may end without another request.
        self.is_due = new > 0 || (self.is_due && !is_time);
        is_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_once_little_is_asked_and_once_more_when_nothing_is() {
        let mut watch = Watch::default();
        let looks = [0, 100, 200, 210, 210, 210, 300, 300, 300];
        let times = looks.map(|requests| watch.is_time(requests));
        assert_eq!(times, [false, false, false, true, true, false, false, true, false]);
    }
}
