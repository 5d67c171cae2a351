//! The place of one linear memory: used by one instance after another, made new in between.

use std::ops::Range;
use std::sync::Arc;

use super::delta::Delta;
use super::reservation::{Layout, Reservation};
use super::rhythm::Rhythm;
use super::settings::Settings;
use super::tracking::Tracking;
use super::{Image, MemoryError};

/// Times of forgetting after which pages are given back as well.
const GIVEN_BACK_EVERY: u32 = 16;

/// What every slot of one engine is made from.
pub(super) struct Mould<'a> {
    pub(super) image: &'a Arc<Image>,
    pub(super) tracking: &'a Tracking,
    pub(super) settings: &'a Settings,
}

/// A reservation that holds the image from its base on, and zeros above it.
pub(super) struct Slot {
    reservation: Reservation,
    layout: Layout,
    /// Where the part that was ever accessible ends. Above it no page was ever touched.
    highest: usize,
    /// Where the part ends in which zeroed pages of earlier instances may have been kept.
    kept_end: usize,
    /// Bytes of changed pages of the image, and of pages above it, held after the last reset.
    image_resident: usize,
    grown_resident: usize,
    rhythm: Rhythm,
    /// How often it was forgotten which pages were written.
    forgotten: u32,
    found: Vec<Range<usize>>,
}

/// What a reset had to do.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Effort {
    /// Bytes copied back from the image.
    pub(super) copied: usize,
    /// Bytes zeroed above the image.
    pub(super) zeroed: usize,
    /// Whether pages were given back, because there were too many to copy or zero.
    pub(super) dropped: bool,
}

impl Slot {
    /// A slot that holds the image; nothing above it is accessible.
    pub(super) fn new(mould: &Mould<'_>, layout: Layout) -> Result<Self, MemoryError> {
        let mut reservation = Reservation::new(layout)?;
        reservation.map_image(mould.image)?;
        let length = mould.image.len();
        mould.tracking.watch(&reservation.addresses(&(0..length)))?;
        Ok(Self {
            reservation,
            layout,
            highest: length,
            kept_end: length,
            image_resident: 0,
            grown_resident: 0,
            rhythm: Rhythm::new(),
            forgotten: 0,
            found: Vec::new(),
        })
    }

    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    /// Bytes of its own pages that the slot holds after its last reset.
    pub(super) fn resident(&self) -> usize {
        self.image_resident + self.grown_resident
    }

    pub(super) fn reservation(&mut self) -> &mut Reservation {
        &mut self.reservation
    }

    /// Makes the slot what it was when it was made. After an error it must not be used again.
    pub(super) fn reset(&mut self, mould: &Mould<'_>) -> Result<Effort, MemoryError> {
        self.reservation.check_even()?;
        self.highest = self.highest.max(self.reservation.accessible());
        if !mould.tracking.reuses_pages() {
            self.reservation.renew(mould.image.len())?;
            self.reservation.map_image(mould.image)?;
            return Ok(Effort { dropped: true, ..Effort::default() });
        }
        let copied = self.restore_image(mould, mould.settings.image_kept)?;
        let zeroed = self.wipe_grown(mould, mould.settings.grown_kept)?;
        self.image_resident = copied.map_or(0, |copied| copied.max(self.image_resident));
        if let Some(copied) = copied
            && self.rhythm.is_due(copied)
        {
            self.forget(mould)?;
        }
        Ok(Effort {
            copied: copied.unwrap_or_default(),
            zeroed: zeroed.unwrap_or_default(),
            dropped: copied.is_none() || zeroed.is_none(),
        })
    }

    /// Sees to it that only pages written from now on are reported.
    fn forget(&mut self, mould: &Mould<'_>) -> Result<(), MemoryError> {
        let part = 0..mould.image.len();
        let addresses = self.reservation.addresses(&part);
        // Pages that stay are counted no more, so that they are given back now and then.
        self.forgotten = self.forgotten.wrapping_add(1);
        if !mould.tracking.forgets_in_place() || self.forgotten.is_multiple_of(GIVEN_BACK_EVERY) {
            self.reservation.discard(part)?;
            self.image_resident = 0;
        }
        mould.tracking.watch_again(&addresses)
    }

    /// The bytes copied; `None` where they were too many and were dropped instead.
    fn restore_image(
        &mut self,
        mould: &Mould<'_>,
        budget: usize,
    ) -> Result<Option<usize>, MemoryError> {
        let part = 0..mould.image.len();
        let addresses = self.reservation.addresses(&part);
        mould.tracking.changed(&addresses, &mut self.found)?;
        let changed = self.found.iter().map(ExactSizeIterator::len).sum();
        if changed > budget {
            self.reservation.discard(part)?;
            mould.tracking.watch_again(&addresses)?;
            return Ok(None);
        }
        for run in &self.found {
            let offsets =
                run.start.saturating_sub(addresses.start)..run.end.saturating_sub(addresses.start);
            let original = mould.image.bytes().get(offsets.clone());
            let original = original.ok_or(MemoryError::Range {
                start: offsets.start,
                end: offsets.end,
                accessible: mould.image.len(),
            })?;
            self.reservation.copy_in(offsets.start, original)?;
        }
        Ok(Some(changed))
    }

    /// The bytes zeroed; `None` where they were too many and were dropped instead.
    fn wipe_grown(
        &mut self,
        mould: &Mould<'_>,
        budget: usize,
    ) -> Result<Option<usize>, MemoryError> {
        let start = mould.image.len();
        if self.reservation.accessible() == start {
            // Not grown by this instance: what earlier ones left was zeroed then.
            return Ok(Some(0));
        }
        let part = start..self.reservation.accessible().max(self.kept_end);
        let kept = wipe(&mut self.reservation, mould.tracking, part, budget, &mut self.found)?;
        self.kept_end = match kept {
            Some(bytes) if bytes > 0 => self.kept_end.max(self.reservation.accessible()),
            _ => start,
        };
        self.grown_resident = kept.unwrap_or_default();
        self.reservation.close(start)?;
        Ok(kept)
    }

    /// Writes what `delta` holds into a slot that was just made or reset. After an error it must not
    /// be used.
    pub(super) fn apply(&mut self, delta: &Delta) -> Result<(), MemoryError> {
        self.reservation.open(delta.memory_bytes())?;
        delta.runs().try_for_each(|(offset, bytes)| self.reservation.copy_in(offset, bytes))
    }

    /// What the slot holds beside the image.
    pub(super) fn difference(&mut self, mould: &Mould<'_>) -> Result<Delta, MemoryError> {
        let (length, size) = (mould.image.len(), self.reservation.accessible());
        let mut delta = Delta::new(Arc::clone(mould.image), size);
        for part in [0..length, length..size] {
            let addresses = self.reservation.addresses(&part);
            let base = addresses.start - part.start;
            if !mould.tracking.reuses_pages() {
                self.found.clear();
                self.found.push(addresses);
            } else if part.start == 0 {
                mould.tracking.changed(&addresses, &mut self.found)?;
            } else {
                mould.tracking.not_zero(&addresses, &mut self.found)?;
            }
            for run in &self.found {
                let run = run.start.saturating_sub(base)..run.end.saturating_sub(base);
                let originals = mould.image.bytes().get(run.clone()).unwrap_or_default();
                let mut originals = originals.chunks(ZEROS.len());
                let pages = self.reservation.bytes(run.clone())?.chunks(ZEROS.len());
                for (page, offset) in pages.zip(run.step_by(ZEROS.len())) {
                    if page != originals.next().unwrap_or(&ZEROS) {
                        delta.push(offset, page);
                    }
                }
            }
        }
        Ok(delta)
    }

    /// Compares everything that was ever accessible with what it has to be, byte for byte.
    pub(super) fn verify(&mut self, mould: &Mould<'_>) -> Result<(), MemoryError> {
        let length = mould.image.len();
        if self.reservation.accessible() != length {
            return Err(MemoryError::Differs(length));
        }
        compare(self.reservation.bytes(0..length)?, mould.image.bytes(), 0)?;
        self.reservation.open(self.highest)?;
        let grown = self.reservation.bytes(length..self.highest)?;
        for (number, page) in grown.chunks(ZEROS.len()).enumerate() {
            let zeros = ZEROS.get(..page.len()).unwrap_or_default();
            compare(page, zeros, length + number * ZEROS.len())?;
        }
        self.reservation.close(length)
    }
}

/// The unit in which differences are reported.
static ZEROS: [u8; 4096] = [0; 4096];

fn compare(actual: &[u8], expected: &[u8], offset: usize) -> Result<(), MemoryError> {
    if actual == expected {
        return Ok(());
    }
    let mut chunks = actual.chunks(ZEROS.len()).zip(expected.chunks(ZEROS.len()));
    let first = chunks.position(|(actual, expected)| actual != expected).unwrap_or_default();
    Err(MemoryError::Differs(offset + first * ZEROS.len()))
}

/// Makes anonymous memory zero again: by writing zeros to the pages that were touched, or, where
/// they are more than `budget` bytes, by giving them back.
///
/// Returns the bytes of the pages that stay, `None` where they were given back. Those in `part` that
/// are not accessible are counted only: they were zeroed when they stopped being accessible.
pub(super) fn wipe(
    reservation: &mut Reservation,
    tracking: &Tracking,
    part: Range<usize>,
    budget: usize,
    found: &mut Vec<Range<usize>>,
) -> Result<Option<usize>, MemoryError> {
    let addresses = reservation.addresses(&part);
    tracking.not_zero(&addresses, found)?;
    let touched = found.iter().map(ExactSizeIterator::len).sum();
    if touched > budget {
        reservation.discard(part)?;
        return Ok(None);
    }
    let base = addresses.start - part.start;
    for run in &*found {
        let end = run.end.saturating_sub(base).min(reservation.accessible());
        let start = run.start.saturating_sub(base).min(end);
        reservation.zero(start..end)?;
    }
    Ok(Some(touched))
}
