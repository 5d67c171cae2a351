//! The memory that the calls of this worker hold, and its share that bounds them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::guest::Guest;
use crate::limits::Bounds;
use crate::protocol::Share;
use crate::system::Resident;
use crate::text;

/// The part of its share by which the process may have more, before calls under way are ended for it.
const TOLERATED: usize = 4;

/// What the process needs beside the calls: messages, stacks, the allocator's own.
const WORKING_BYTES: usize = 16 << 20;

/// The part of its share that calls which wait for their clients may have grown by together: they hold
/// it for long.
const ASKING: usize = 2;

/// What calls hold of the share. Clones share it.
#[derive(Clone)]
pub(super) struct Budget {
    shared: Arc<Shared>,
}

struct Shared {
    share: Share,
    real: Option<Real>,
    held: Mutex<Held>,
}

/// What this process really has: a guest can make more of its memory its own than it is charged for.
pub(super) struct Real {
    resident: Resident,
    /// Before the first call.
    before: usize,
    /// What is kept for later calls and held by none.
    kept: Box<dyn Fn() -> usize + Send + Sync>,
}

impl Real {
    /// Absent where the system does not tell, or where nobody knows what is kept for later.
    pub(super) fn new(resident: Option<Resident>, guest: &Arc<Guest>) -> Option<Self> {
        guest.kept_bytes()?;
        let guest = Arc::clone(guest);
        let kept = Box::new(move || guest.kept_bytes().unwrap_or_default());
        resident.map(|resident| Self::beyond(resident, kept))
    }

    fn beyond(resident: Resident, kept: Box<dyn Fn() -> usize + Send + Sync>) -> Self {
        let before = resident.private_bytes().saturating_sub(kept());
        Self { resident, before, kept }
    }

    /// The bytes of all calls.
    fn bytes(&self) -> usize {
        let others = self.before.saturating_add((self.kept)()).saturating_add(WORKING_BYTES);
        self.resident.private_bytes().saturating_sub(others)
    }
}

#[derive(Default)]
struct Held {
    calls: usize,
    grown: usize,
    /// By how many of these bytes calls have grown that wait for their clients.
    asking: usize,
}

impl Budget {
    /// To be made once the guest is loaded and no call has come.
    pub(super) fn new(share: Share, real: Option<Real>) -> Self {
        Self { shared: Arc::new(Shared { share, real, held: Mutex::default() }) }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.shared.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// By how many bytes calls have grown.
    pub(super) fn grown(&self) -> usize {
        self.held().grown
    }

    /// Memory for one more call; the first gets it in any case.
    pub(super) fn admit(&self) -> Option<Admitted> {
        let mut held = self.held();
        if held.calls > 0 && !self.fits(&held, Bounds::CALL_BYTES) {
            return None;
        }
        held.calls += 1;
        drop(held);
        Some(Admitted { budget: self.clone() })
    }

    fn fits(&self, held: &Held, more: usize) -> bool {
        let charged = held.calls.saturating_mul(Bounds::CALL_BYTES).saturating_add(held.grown);
        let real = self.shared.real.as_ref().map_or(0, Real::bytes);
        charged.max(real).saturating_add(more) <= self.shared.share.bytes
    }

    /// By how much calls that wait for their clients may have grown together.
    fn for_asking(&self) -> usize {
        self.shared.share.bytes / ASKING
    }

    /// Whether several calls really have far more than the share.
    fn is_too_much(&self) -> bool {
        let Shared { share, real: Some(real), .. } = &*self.shared else { return false };
        self.held().calls > 1 && real.bytes() > share.bytes + share.bytes / TOLERATED
    }

    /// The sentence for a call that wanted more than is left.
    pub(super) fn used_up(&self) -> String {
        let alone = self.held().calls < 2;
        let advice = if alone { "use less at a time" } else { "try again in a few seconds" };
        let Share { bytes, of } = self.shared.share;
        let (own, all) = (text::size(bytes), text::size(of));
        let part =
            if bytes < of { format!("the {own} of this worker, out of ") } else { String::new() };
        format!(
            "{part}the {all} of memory that calls may hold together are used up: {advice}, or ask \
             the operator to raise --call-memory"
        )
    }
}

/// One call's memory, given back when dropped.
pub(super) struct Admitted {
    budget: Budget,
}

impl Admitted {
    /// What one instance of the call grows by.
    pub(super) fn growth(&self) -> Growth {
        Growth { budget: self.budget.clone(), bytes: 0, is_asking: false }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.budget.held().calls -= 1;
    }
}

/// What one instance has grown by, given back when dropped.
pub(super) struct Growth {
    budget: Budget,
    bytes: usize,
    /// Whether the call waits for its client.
    is_asking: bool,
}

impl Growth {
    /// Whether the calls of this worker really have far more memory than they may.
    pub(super) fn is_too_much(&self) -> bool {
        self.budget.is_too_much()
    }

    /// Charges `more` bytes; tells whether there was room for them.
    pub(super) fn charge(&mut self, more: usize) -> bool {
        let mut held = self.budget.held();
        let for_asking = self.budget.for_asking();
        let fits = self.budget.fits(&held, more)
            && !(self.is_asking && held.asking.saturating_add(more) > for_asking);
        if fits {
            held.grown += more;
            held.asking += if self.is_asking { more } else { 0 };
            self.bytes += more;
        }
        fits
    }

    /// Counts the call among those that wait for their clients, unless these would then hold too much
    /// for long.
    pub(super) fn begin_asking(&mut self) -> Result<(), String> {
        if self.is_asking {
            return Ok(());
        }
        let most = self.budget.for_asking();
        let mut held = self.budget.held();
        if held.asking.saturating_add(self.bytes) > most {
            let (own, most) = (text::size(self.bytes), text::size(most));
            return Err(format!(
                "the client cannot be asked now: this call has {own} of memory beside the interpreter, and calls that wait for their clients may have {most} together; ask before you make much, or call again in a minute"
            ));
        }
        held.asking += self.bytes;
        drop(held);
        self.is_asking = true;
        Ok(())
    }

    /// Counts it no longer.
    pub(super) fn end_asking(&mut self) {
        if std::mem::take(&mut self.is_asking) {
            self.budget.held().asking -= self.bytes;
        }
    }
}

impl Drop for Growth {
    fn drop(&mut self) {
        self.end_asking();
        self.budget.held().grown -= self.bytes;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::{Budget, Real};
    use crate::limits::Bounds;
    use crate::protocol::Share;
    use crate::system::Resident;

    const MB: usize = 1 << 20;

    fn budget(megabytes: usize) -> Budget {
        Budget::new(Share { bytes: megabytes * MB, of: 2 * megabytes * MB }, None)
    }

    #[test]
    fn calls_and_growth_are_charged_up_to_the_share_and_given_back() {
        let budget = budget(8);
        let (first, second) = (budget.admit().expect("room"), budget.admit().expect("room"));
        let mut growth = first.growth();
        assert!(growth.charge(3 * MB));
        assert!(!growth.charge(2 * MB) && budget.admit().is_none());
        assert!(growth.charge(MB));
        assert_eq!(budget.grown(), 4 * MB);
        drop(growth);
        assert_eq!(budget.grown(), 0);
        drop((budget.admit().expect("room"), first, second));
        let text = budget.used_up();
        assert!(text.contains("8 MB") && text.contains("16 MB"), "{text}");
    }

    #[test]
    fn calls_that_wait_for_their_clients_leave_room_for_others() {
        let budget = budget(32);
        let (first, second) = (budget.admit().expect("room"), budget.admit().expect("room"));
        let (mut small, mut large) = (first.growth(), second.growth());
        assert!(small.charge(9 * MB) && large.charge(8 * MB));
        assert!(small.begin_asking().is_ok() && small.begin_asking().is_ok());
        let refused = large.begin_asking().expect_err("17 of 16");
        assert!(refused.contains("8 MB") && refused.contains("16 MB"), "{refused}");
        assert!(large.charge(1), "it goes on without");
        assert!(!small.charge(8 * MB), "it may not make more of it while it waits");
        assert!(small.charge(7 * MB));
        small.end_asking();
        assert!(large.begin_asking().is_ok(), "there is room again");
        drop(large);
        assert!(small.begin_asking().is_ok(), "what is gone holds nothing");
    }

    #[test]
    fn the_first_call_is_let_in_whatever_the_share() {
        let budget = budget(1);
        let first = budget.admit().expect("it is the first");
        assert!(budget.admit().is_none());
        drop(first);
        assert!(budget.admit().is_some());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn memory_that_is_really_there_counts_where_it_is_more() {
        let share = Share { bytes: 64 * MB, of: 64 * MB };
        let resident = Resident::open().expect("Linux tells");
        let kept = Arc::new(AtomicUsize::new(0));
        let told = Arc::clone(&kept);
        let real = Real::beyond(resident, Box::new(move || told.load(Ordering::Relaxed)));
        let budget = Budget::new(share, Some(real));
        let (_first, second) = (budget.admit().expect("room"), budget.admit());
        assert!(second.is_some());
        let used = std::hint::black_box(vec![1_u8; 96 * MB]);
        assert!(budget.admit().is_none(), "{}", used.len());
        let (first, third) = (budget.clone(), budget.clone());
        let hold = |budget: &Budget| budget.held().calls;
        assert!(hold(&first) > 1 && third.is_too_much());
        kept.store(used.len(), Ordering::Relaxed);
        assert!(!budget.is_too_much());
        drop(budget.admit().expect("what is kept for later calls is no call's"));
        kept.store(0, Ordering::Relaxed);
        assert!(!second.expect("room").growth().charge(1));
        drop(used);
        assert!(budget.admit().is_some(), "{} in calls", Bounds::CALL_BYTES);
    }
}
