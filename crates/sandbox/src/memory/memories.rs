//! The linear memories of one engine, as wasmtime asks for them.
#![expect(
    unsafe_code,
    reason = "wasmtime's traits are unsafe; the argument is in the parent module"
)]

use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::{LinearMemory, MemoryCreator, MemoryType};

use super::delta::{self, Recorder};
use super::idle::Idle;
use super::reservation::Layout;
use super::settings::Settings;
use super::slot::{Mould, Slot};
use super::statistics::{Counters, MemoryStatistics, add};
use super::tracking::Tracking;
use super::{Image, MemoryError, WASM_PAGE};

tokio::task_local! {
    /// Whose memories are made in this task in the place of the engine's own.
    static CHOSEN: Memories;
}

/// Slots, and bytes of their own pages, that wait for the next instances of one set of packages.
const IDLE_OF_SET_MAX: usize = 16;
const IDLE_OF_SET_BYTES: usize = 16 << 20;

/// Makes the linear memories of one engine, all of which begin as the same image.
///
/// Given to [`wasmtime::Config::with_host_memory`]. Clones share everything.
#[derive(Clone)]
pub(crate) struct Memories {
    shared: Arc<Shared>,
}

/// Whether memory may have been handed out that was not reset completely; shared by everything that
/// can find that out. Once set it stays: the process finishes its calls and is replaced.
#[derive(Clone, Default)]
pub(crate) struct Doubt {
    raised: Arc<AtomicBool>,
    reason: Arc<Mutex<Option<String>>>,
}

pub(super) struct Shared {
    image: Arc<Image>,
    tracking: Arc<Tracking>,
    settings: Settings,
    idle: Idle<Slot>,
    counters: Counters,
    doubt: Doubt,
}

impl Memories {
    /// Memories that begin as `image`, reset by means of `tracking`.
    pub(super) fn new(
        image: Arc<Image>,
        tracking: Arc<Tracking>,
        settings: Settings,
        doubt: Doubt,
    ) -> Self {
        let idle = Idle::new(settings.idle_max, settings.idle_bytes);
        let counters = Counters::default();
        Self { shared: Arc::new(Shared { image, tracking, settings, idle, counters, doubt }) }
    }

    /// Memories of the same engine that begin as another image, one that a guest of the engine left:
    /// the engine's own, grown. They share no slot with others.
    pub(crate) fn beside(&self, image: Arc<Image>) -> Result<Self, MemoryError> {
        let Shared { image: own, tracking, settings, doubt, .. } = &*self.shared;
        if image.len() < own.len() || image.len() > settings.memory_max {
            return Err(MemoryError::OtherImage);
        }
        let idle_max = settings.idle_max.min(IDLE_OF_SET_MAX);
        let idle_bytes = settings.idle_bytes.min(IDLE_OF_SET_BYTES);
        let settings = Settings { idle_max, idle_bytes, ..settings.clone() };
        Ok(Self::new(image, Arc::clone(tracking), settings, doubt.clone()))
    }

    /// Runs `instantiating`; memories made in it are these, whatever the engine was given.
    pub(crate) async fn instead<F: Future>(&self, instantiating: F) -> F::Output {
        CHOSEN.scope(self.clone(), instantiating).await
    }

    /// What they have cost so far. Cheap: a few counters.
    pub(crate) fn statistics(&self) -> MemoryStatistics {
        let (idle, bytes) = self.shared.idle.held();
        self.shared.counters.snapshot(idle, bytes)
    }
}

impl Doubt {
    pub(super) fn raise(&self, error: &MemoryError) {
        let mut reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        reason.get_or_insert_with(|| error.sentence());
        self.raised.store(true, Ordering::Release);
    }

    pub(super) fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Acquire)
    }

    /// Why resets cannot be trusted any more; `None` as long as they can.
    pub(crate) fn reason(&self) -> Option<String> {
        if !self.is_raised() {
            return None;
        }
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    fn mould(&self) -> Mould<'_> {
        Mould { image: &self.image, tracking: &self.tracking, settings: &self.settings }
    }

    fn layout(&self, reserved: usize, guard: usize) -> Layout {
        let usable = self.settings.memory_max.next_multiple_of(WASM_PAGE).max(reserved);
        Layout { guard_before: guard, usable, guard_after: guard }
    }

    /// A slot for a memory that is made now, holding what it has to begin with.
    fn begin(&self, layout: Layout) -> Result<Slot, MemoryError> {
        let Some(delta) = delta::demanded() else { return self.take(layout) };
        let limit = self.settings.memory_max;
        if !delta.is_of(&self.image) || delta.memory_bytes() > limit {
            return Err(MemoryError::OtherImage);
        }
        let mut slot = self.take(layout)?;
        slot.apply(&delta)?;
        Ok(slot)
    }

    fn take(&self, layout: Layout) -> Result<Slot, MemoryError> {
        // One engine asks for one layout; were there a second one, its slots would be made anew.
        if let Some(slot) = self.idle.take()
            && slot.layout() == layout
        {
            return Ok(slot);
        }
        let made = Slot::new(&self.mould(), layout).inspect_err(|error| {
            if error.leaves_doubt() {
                self.doubt.raise(error);
            }
        })?;
        add(&self.counters.made, 1);
        Ok(made)
    }

    /// Resets the slot and keeps it, or throws it away.
    fn take_back(&self, mut slot: Slot) {
        match self.reset(&mut slot) {
            Ok(()) => {
                let resident = slot.resident();
                if let Some(_surplus) = self.idle.keep(slot, resident) {
                    add(&self.counters.surplus, 1);
                }
            }
            Err(error) => {
                add(&self.counters.discarded, 1);
                if error.leaves_doubt() {
                    self.doubt.raise(&error);
                }
            }
        }
    }

    fn reset(&self, slot: &mut Slot) -> Result<(), MemoryError> {
        let effort = slot.reset(&self.mould())?;
        let number = self.counters.reset(effort);
        let every = self.settings.verify_every;
        if every != 0 && number.is_multiple_of(every) {
            slot.verify(&self.mould())?;
            add(&self.counters.verified, 1);
        }
        Ok(())
    }
}

// SAFETY: what this trait asks for is argued in the parent module, point by point.
unsafe impl MemoryCreator for Memories {
    fn new_memory(
        &self,
        kind: MemoryType,
        minimum: usize,
        _maximum: Option<usize>,
        reserved: Option<usize>,
        guard: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        let own = self.shared.image.len();
        if kind.is_shared() || kind.page_size() != WASM_PAGE as u64 || minimum != own {
            return Err(format!(
                "a memory of {minimum} bytes was asked for, and the memory image has {own}: \
                 they come from different builds"
            ));
        }
        let shared = CHOSEN.try_with(|chosen| Arc::clone(&chosen.shared));
        let shared = shared.unwrap_or_else(|_not_chosen| Arc::clone(&self.shared));
        let layout = shared.layout(reserved.unwrap_or_default(), guard);
        let mut slot = shared.begin(layout).map_err(|error| error.sentence())?;
        Ok(Box::new(Memory {
            base: slot.reservation().base(),
            size: slot.reservation().accessible(),
            usable: layout.usable,
            slot: Some(slot),
            shared,
            recorder: delta::recorder(),
        }))
    }
}

/// A linear memory: a slot, lent to one instance.
struct Memory {
    base: NonNull<u8>,
    /// Bytes that the instance may use.
    size: usize,
    usable: usize,
    /// There until the memory is dropped.
    slot: Option<Slot>,
    shared: Arc<Shared>,
    recorder: Option<Arc<Recorder>>,
}

// SAFETY: `base` points into the slot, which is `Send` and moves with it.
unsafe impl Send for Memory {}
// SAFETY: a shared reference gives away the address and the size only.
unsafe impl Sync for Memory {}

// SAFETY: what this trait asks for is argued in the parent module, point by point.
unsafe impl LinearMemory for Memory {
    fn byte_size(&self) -> usize {
        self.size
    }

    fn byte_capacity(&self) -> usize {
        self.usable
    }

    fn grow_to(&mut self, new_size: usize) -> wasmtime::Result<()> {
        let limit = self.shared.settings.memory_max;
        if new_size > limit || !new_size.is_multiple_of(WASM_PAGE) {
            wasmtime::bail!("a memory cannot grow to {new_size} bytes, the limit is {limit}");
        }
        if let Some(slot) = &mut self.slot {
            slot.reservation().open(new_size)?;
            self.size = self.size.max(new_size);
        }
        Ok(())
    }

    fn as_ptr(&self) -> *mut u8 {
        self.base.as_ptr()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if let Some(mut slot) = self.slot.take() {
            if let Some(recorder) = &self.recorder {
                recorder.record(|| slot.difference(&self.shared.mould()));
            }
            self.shared.take_back(slot);
        }
    }
}
