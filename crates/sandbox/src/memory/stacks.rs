//! The stacks that guests run on, as wasmtime asks for them.
#![expect(
    unsafe_code,
    reason = "wasmtime's traits are unsafe; the argument is in the parent module"
)]

use std::ops::Range;
use std::sync::Arc;

use wasmtime::{StackCreator, StackMemory};

use super::MemoryError;
use super::idle::Idle;
use super::memories::Doubt;
use super::reservation::{Layout, Reservation};
use super::settings::Settings;
use super::slot::wipe;
use super::tracking::Tracking;

/// Bytes below a stack that nothing can access. A multiple of every page size there is.
const GUARD: usize = 64 << 10;

/// Makes the stacks of one engine.
///
/// Given to [`wasmtime::Config::with_host_stack`]. Clones share everything.
#[derive(Clone)]
pub(crate) struct Stacks {
    shared: Arc<Shared>,
}

struct Shared {
    tracking: Arc<Tracking>,
    kept: usize,
    idle: Idle<Reservation>,
    doubt: Doubt,
}

impl Stacks {
    /// Stacks that are zeroed by means of `tracking`.
    pub(super) fn new(tracking: Arc<Tracking>, settings: &Settings, doubt: Doubt) -> Self {
        let idle = Idle::new(settings.idle_max, settings.idle_bytes);
        Self { shared: Arc::new(Shared { tracking, kept: settings.stack_kept, idle, doubt }) }
    }

    /// How many stacks wait for their next use, and the bytes that they hold.
    #[cfg(test)]
    pub(crate) fn idle(&self) -> (usize, usize) {
        self.shared.idle.held()
    }
}

impl Shared {
    fn take(&self, size: usize) -> Result<Reservation, MemoryError> {
        if let Some(stack) = self.idle.take()
            && stack.accessible() == size
        {
            return Ok(stack);
        }
        let layout = Layout { guard_before: GUARD, usable: size, guard_after: 0 };
        let mut stack = Reservation::new(layout)?;
        stack.open(size)?;
        Ok(stack)
    }

    /// Makes the stack zero and keeps it, or throws it away.
    fn take_back(&self, mut stack: Reservation) {
        match self.zero(&mut stack) {
            Ok(resident) => drop(self.idle.keep(stack, resident)),
            Err(error) if error.leaves_doubt() => self.doubt.raise(&error),
            Err(_thrown_away) => {}
        }
    }

    /// Returns the bytes that stay in memory.
    fn zero(&self, stack: &mut Reservation) -> Result<usize, MemoryError> {
        stack.check_even()?;
        let size = stack.accessible();
        if self.tracking.reuses_pages() {
            let mut found = Vec::new();
            let kept = wipe(stack, &self.tracking, 0..size, self.kept, &mut found)?;
            return Ok(kept.unwrap_or_default());
        }
        stack.renew(0)?;
        stack.open(size)?;
        Ok(0)
    }
}

// SAFETY: what this trait asks for is argued in the parent module.
unsafe impl StackCreator for Stacks {
    fn new_stack(&self, size: usize, _zeroed: bool) -> wasmtime::Result<Box<dyn StackMemory>> {
        // Zeroed in any case.
        let size = size.next_multiple_of(rustix::param::page_size());
        let reservation = self.shared.take(size)?;
        let addresses = reservation.addresses(&(0..size));
        let shared = Arc::clone(&self.shared);
        Ok(Box::new(Stack { reservation: Some(reservation), addresses, shared }))
    }
}

/// A stack, lent to one store.
struct Stack {
    /// There until the stack is dropped.
    reservation: Option<Reservation>,
    addresses: Range<usize>,
    shared: Arc<Shared>,
}

// SAFETY: what this trait asks for is argued in the parent module.
unsafe impl StackMemory for Stack {
    fn top(&self) -> *mut u8 {
        std::ptr::with_exposed_provenance_mut(self.addresses.end)
    }

    fn range(&self) -> Range<usize> {
        self.addresses.clone()
    }

    fn guard_range(&self) -> Range<*mut u8> {
        self.reservation.as_ref().map_or(self.top()..self.top(), Reservation::guard)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if let Some(reservation) = self.reservation.take() {
            self.shared.take_back(reservation);
        }
    }
}
