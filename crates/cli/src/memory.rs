//! What is kept of memory while there is little to do: nothing that is free, and no caches once nothing is asked.
#![cfg_attr(
    all(target_os = "linux", target_env = "gnu"),
    expect(unsafe_code, reason = "the allocator's own functions have no safe wrapper")
)]

use std::time::Duration;

use app::App;

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

/// Gives back what is free whenever there was something to do and is little now, and empties caches before that once
/// there is nothing. It never returns.
pub(crate) async fn give_back(stages: Stages, app: App) {
    let mut rounds = tokio::time::interval(EVERY);
    let mut watch = Watch::default();
    loop {
        rounds.tick().await;
        let load = watch.look(stages.begun());
        if load == Load::Gone {
            app.empty_caches().await;
        }
        if load != Load::Same {
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

/// What has become of the load since the last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Load {
    /// It is as high as it was, or nothing was asked for long.
    Same,
    Little,
    /// Nothing was asked since the last look, and something before.
    Gone,
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
    /// Looks, with so many requests since the start.
    fn look(&mut self, requests: u64) -> Load {
        let new = requests.saturating_sub(self.seen);
        self.seen = requests;
        let load = match new {
            0 if self.is_due => Load::Gone,
            1..BUSY => Load::Little,
            _ => Load::Same,
        };
        // What is under way now may end without another request.
        self.is_due = new > 0;
        load
    }
}

#[cfg(test)]
mod tests {
    use super::Load::{Gone, Little, Same};
    use super::*;

    #[test]
    fn it_is_told_when_little_is_asked_and_once_when_nothing_is_any_more() {
        let mut watch = Watch::default();
        let looks = [0, 100, 200, 210, 210, 210, 300, 300, 300];
        let loads = looks.map(|requests| watch.look(requests));
        assert_eq!(loads, [Same, Same, Same, Little, Gone, Same, Same, Gone, Same]);
    }
}
