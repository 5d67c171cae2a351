//! Counters of what was made, reset and thrown away.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::slot::Effort;

/// What the memories of one engine have cost so far.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryStatistics {
    /// Slots made; each was a few system calls and page faults.
    pub made: u64,
    /// Slots waiting for the next instance.
    pub idle: u64,
    /// Bytes of their own that these hold.
    pub idle_bytes: u64,
    /// Resets that succeeded.
    pub resets: u64,
    /// Bytes copied back from the image in them.
    pub copied_bytes: u64,
    /// Bytes zeroed in them.
    pub zeroed_bytes: u64,
    /// Resets in which pages were given back to the system instead.
    pub dropped: u64,
    /// Resets after which the whole memory was compared with the snapshot.
    pub verified: u64,
    /// Slots thrown away because they were more than are kept.
    pub surplus: u64,
    /// Slots thrown away because they could not be reset.
    pub discarded: u64,
}

/// The counters behind [`MemoryStatistics`].
#[derive(Default)]
pub(super) struct Counters {
    pub(super) made: AtomicU64,
    pub(super) resets: AtomicU64,
    pub(super) copied_bytes: AtomicU64,
    pub(super) zeroed_bytes: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) verified: AtomicU64,
    pub(super) surplus: AtomicU64,
    pub(super) discarded: AtomicU64,
}

impl Counters {
    /// Counts a reset and returns its number, from 1.
    pub(super) fn reset(&self, effort: Effort) -> u64 {
        add(&self.copied_bytes, effort.copied as u64);
        add(&self.zeroed_bytes, effort.zeroed as u64);
        add(&self.dropped, u64::from(effort.dropped));
        add(&self.resets, 1) + 1
    }

    pub(super) fn snapshot(&self, idle: usize, idle_bytes: usize) -> MemoryStatistics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        MemoryStatistics {
            made: read(&self.made),
            idle: idle as u64,
            idle_bytes: idle_bytes as u64,
            resets: read(&self.resets),
            copied_bytes: read(&self.copied_bytes),
            zeroed_bytes: read(&self.zeroed_bytes),
            dropped: read(&self.dropped),
            verified: read(&self.verified),
            surplus: read(&self.surplus),
            discarded: read(&self.discarded),
        }
    }
}

/// Adds, and returns what it was before.
pub(super) fn add(counter: &AtomicU64, amount: u64) -> u64 {
    counter.fetch_add(amount, Ordering::Relaxed)
}
