//! Tries the recipes for real, before the first guest, and says why those that fail do.

use std::ops::Range;
use std::sync::Arc;

use super::reservation::Layout;
use super::settings::Settings;
use super::slot::{Effort, Mould, Slot};
use super::tracking::Tracking;
use super::{Image, MemoryError, Recipe, WASM_PAGE};

/// The first recipe that works, with all that it needs open.
pub(crate) struct Probe {
    /// `None` where none of the recipes works: the pooling allocator is left.
    pub(super) tracking: Option<Arc<Tracking>>,
    /// What was tried before, and why it is not used.
    skipped: Vec<(Recipe, String)>,
}

impl Probe {
    /// Tries those of [`Recipe::OWN`] that are in `allowed`, the fastest first, each on a small
    /// memory: pages are written in the image and above it, and after each reset the whole of the
    /// memory is compared with what it has to be.
    pub(crate) fn first_of(allowed: &[Recipe]) -> Self {
        let mut skipped = Vec::new();
        for recipe in Recipe::OWN.into_iter().filter(|recipe| allowed.contains(recipe)) {
            match tried(recipe) {
                Ok(tracking) => return Self { tracking: Some(Arc::new(tracking)), skipped },
                Err(error) => skipped.push((recipe, error.sentence())),
            }
        }
        Self { tracking: None, skipped }
    }

    /// The recipe to use.
    pub(crate) fn recipe(&self) -> Recipe {
        self.tracking.as_ref().map_or(Recipe::Pool, |tracking| tracking.recipe())
    }

    /// The recipes tried before it, and why each is not usable here.
    pub(crate) fn skipped(&self) -> &[(Recipe, String)] {
        &self.skipped
    }
}

/// Small enough to be compared in no time.
const IMAGE_PAGES: usize = 8;

/// What a memory may grow by.
const GROWN: usize = 4 * WASM_PAGE;

/// As much around the memory as wasmtime asks for: an address space too small for it shows here.
const GUARD: usize = 32 << 20;
const RESERVED: usize = 4 << 30;

fn tried(recipe: Recipe) -> Result<Tracking, MemoryError> {
    let tracking = Tracking::open(recipe)?;
    check(&tracking)?;
    Ok(tracking)
}

pub(super) fn check(tracking: &Tracking) -> Result<(), MemoryError> {
    let image = Arc::new(Image::new(&content())?);
    let settings = Settings {
        memory_max: image.len() + GROWN,
        image_kept: image.len() / 2,
        grown_kept: GROWN / 2,
        ..Settings::default()
    };
    let mould = Mould { image: &image, tracking, settings: &settings };
    let layout = Layout { guard_before: GUARD, usable: RESERVED, guard_after: GUARD };
    let mut slot = Slot::new(&mould, layout)?;
    few_pages(&mut slot, &mould)?;
    too_many_pages(&mut slot, &mould)?;
    few_pages(&mut slot, &mould)
}

/// A content in which no page is like another or all zeros.
fn content() -> Vec<u8> {
    (0..IMAGE_PAGES * WASM_PAGE)
        .map(|byte| (byte / 251 + byte / 4096 + 1).to_le_bytes()[0])
        .collect()
}

fn few_pages(slot: &mut Slot, mould: &Mould<'_>) -> Result<(), MemoryError> {
    let (length, page) = (mould.image.len(), rustix::param::page_size());
    // Reading is not writing.
    let _sum: u64 = slot.reservation().bytes(0..length)?.iter().map(|byte| u64::from(*byte)).sum();
    let effort = settle(slot, mould)?;
    if mould.tracking.reuses_pages() && (effort.copied > 0 || effort.dropped) {
        let reported = if effort.dropped { length / page } else { effort.copied / page };
        return Err(MemoryError::Overreported { reported, written: 0 });
    }
    let written =
        [0..page, 3 * page..5 * page, length / 2 + 1..length / 2 + 2, length - page..length];
    for part in &written {
        overwrite(slot, part)?;
    }
    slot.reservation().open(length + GROWN)?;
    overwrite(slot, &(length..length + 1))?;
    overwrite(slot, &(length + GROWN - 1..length + GROWN))?;
    let effort = settle(slot, mould)?;
    let (reported, written) = (effort.copied / page, 5);
    // Twice as many may have been neighbours that the kernel copied with them.
    if reported > 2 * written {
        Err(MemoryError::Overreported { reported, written })
    } else {
        Ok(())
    }
}

fn too_many_pages(slot: &mut Slot, mould: &Mould<'_>) -> Result<(), MemoryError> {
    let length = mould.image.len();
    slot.reservation().open(length + GROWN)?;
    overwrite(slot, &(0..length + GROWN))?;
    settle(slot, mould).map(drop)
}

/// Changes every byte of `part`.
fn overwrite(slot: &mut Slot, part: &Range<usize>) -> Result<(), MemoryError> {
    let changed: Vec<u8> =
        slot.reservation().bytes(part.clone())?.iter().map(|byte| !byte).collect();
    slot.reservation().copy_in(part.start, &changed)
}

fn settle(slot: &mut Slot, mould: &Mould<'_>) -> Result<Effort, MemoryError> {
    let effort = slot.reset(mould)?;
    slot.verify(mould)?;
    Ok(effort)
}
