//! A range of addresses of our own, of which a part from its base on can be read and written.
#![expect(unsafe_code, reason = "maps and writes memory; the argument is in the parent module")]

use std::ops::Range;
use std::ptr::NonNull;

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags};

use super::{Image, MemoryError};

/// `guard` inaccessible bytes, then `usable` bytes from the *base* on, then inaccessible bytes again.
///
/// Of the usable bytes the first [`Reservation::accessible`] can be read and written. Offsets are
/// counted from the base.
pub(super) struct Reservation {
    start: NonNull<u8>,
    length: usize,
    guard: usize,
    usable: usize,
    accessible: usize,
    /// A mapping over a part of it failed, so that a stranger may have moved into a hole.
    torn: bool,
    /// A change of access failed and may have changed a part: more may be accessible than is said.
    uneven: bool,
}

// SAFETY: the range of addresses belongs to this value alone, like the allocation of a `Vec`.
unsafe impl Send for Reservation {}
// SAFETY: through a shared reference it can only be read.
unsafe impl Sync for Reservation {}

/// Which inaccessible bytes a reservation has around its usable ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) guard_before: usize,
    pub(super) usable: usize,
    pub(super) guard_after: usize,
}

impl Reservation {
    /// Reserves addresses; nothing is accessible yet.
    pub(super) fn new(layout: Layout) -> Result<Self, MemoryError> {
        let Layout { guard_before, usable, guard_after } = layout;
        let failed = |error: std::io::Error| MemoryError::system("reserve addresses", error);
        let length = guard_before.checked_add(usable).and_then(|sum| sum.checked_add(guard_after));
        let length = length.ok_or_else(|| failed(std::io::ErrorKind::OutOfMemory.into()))?;
        // SAFETY: the kernel chooses the place, so that no other mapping is touched.
        let mapped = unsafe {
            let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
            rustix::mm::mmap_anonymous(std::ptr::null_mut(), length, ProtFlags::empty(), flags)
        };
        let start = mapped.map_err(|error| failed(error.into()))?.cast();
        let start =
            NonNull::new(start).ok_or_else(|| failed(std::io::ErrorKind::OutOfMemory.into()))?;
        let reservation = Self {
            start,
            length,
            guard: guard_before,
            usable,
            accessible: 0,
            torn: false,
            uneven: false,
        };
        reservation.avoid_huge_pages();
        Ok(reservation)
    }

    /// The first usable byte.
    pub(super) fn base(&self) -> NonNull<u8> {
        // SAFETY: the guard is a part of the reservation, so that the result lies in it.
        unsafe { self.start.add(self.guard) }
    }

    /// How many bytes from the base on can be read and written.
    pub(super) fn accessible(&self) -> usize {
        self.accessible
    }

    /// Fails where more may be accessible than [`Reservation::accessible`] says: what was written
    /// there would not be found.
    pub(super) fn check_even(&self) -> Result<(), MemoryError> {
        if self.uneven { Err(MemoryError::Uneven) } else { Ok(()) }
    }

    /// The addresses of a part of the usable bytes, for system calls that take numbers.
    pub(super) fn addresses(&self, part: &Range<usize>) -> Range<usize> {
        let base = self.base().as_ptr().expose_provenance();
        base.saturating_add(part.start)..base.saturating_add(part.end)
    }

    /// The addresses of the guard before the usable bytes.
    pub(super) fn guard(&self) -> Range<*mut u8> {
        self.start.as_ptr()..self.base().as_ptr()
    }

    /// Maps `image` copy-on-write from the base on, in place of what was there.
    pub(super) fn map_image(&mut self, image: &Image) -> Result<(), MemoryError> {
        let part = self.within(0..image.len(), self.usable)?;
        // SAFETY: the range lies in the reservation, which belongs to `self`, and `&mut self` shows
        // that nobody uses the bytes which this replaces.
        let mapped = unsafe {
            rustix::mm::mmap(
                self.pointer(part.start).cast(),
                part.len(),
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE | MapFlags::FIXED | MapFlags::NORESERVE,
                image.as_fd(),
                0,
            )
        };
        self.torn |= mapped.is_err();
        mapped.map_err(|error| MemoryError::torn("map the image into a slot", error))?;
        self.accessible = self.accessible.max(part.end);
        self.avoid_huge_pages();
        Ok(())
    }

    /// Replaces everything accessible from `from` on by fresh, inaccessible bytes.
    pub(super) fn renew(&mut self, from: usize) -> Result<(), MemoryError> {
        let part = self.within(from..self.accessible, self.accessible)?;
        if part.is_empty() {
            return Ok(());
        }
        // SAFETY: as in `map_image`.
        let mapped = unsafe {
            let flags = MapFlags::PRIVATE | MapFlags::FIXED | MapFlags::NORESERVE;
            let start = self.pointer(part.start).cast();
            rustix::mm::mmap_anonymous(start, part.len(), ProtFlags::empty(), flags)
        };
        self.torn |= mapped.is_err();
        mapped.map_err(|error| MemoryError::torn("map fresh pages into a slot", error))?;
        self.accessible = from;
        self.avoid_huge_pages();
        Ok(())
    }

    /// Makes the bytes up to `end` accessible, if they are not.
    pub(super) fn open(&mut self, end: usize) -> Result<(), MemoryError> {
        if end > self.accessible {
            let part = self.within(self.accessible..end, self.usable)?;
            self.protect(&part, MprotectFlags::READ | MprotectFlags::WRITE)?;
            self.accessible = end;
        }
        Ok(())
    }

    /// Makes the bytes from `end` on inaccessible. What they hold stays.
    pub(super) fn close(&mut self, end: usize) -> Result<(), MemoryError> {
        if end < self.accessible {
            let part = end..self.accessible;
            self.protect(&part, MprotectFlags::empty())?;
            self.accessible = end;
        }
        Ok(())
    }

    /// Gives the pages of `part` back to the system: what is read there next is the mapped file's
    /// content, or zero where no file is mapped.
    #[cfg(target_os = "linux")]
    pub(super) fn discard(&mut self, part: Range<usize>) -> Result<(), MemoryError> {
        let part = self.within(part, self.usable)?;
        // SAFETY: the range lies in the reservation, and `&mut self` shows that nobody relies on
        // what the bytes hold.
        let discarded = unsafe {
            let advice = rustix::mm::Advice::LinuxDontNeed;
            rustix::mm::madvise(self.pointer(part.start).cast(), part.len(), advice)
        };
        discarded.map_err(|error| MemoryError::system("give pages back to the system", error))
    }

    /// Elsewhere that advice leaves the content as it is, if it likes.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn discard(&mut self, _: Range<usize>) -> Result<(), MemoryError> {
        Err(MemoryError::Absent("way to discard pages"))
    }

    /// Copies `bytes` to the accessible bytes at `offset`.
    pub(super) fn copy_in(&mut self, offset: usize, bytes: &[u8]) -> Result<(), MemoryError> {
        let end = offset.saturating_add(bytes.len());
        let part = self.within(offset..end, self.accessible)?;
        // SAFETY: the range is accessible, `&mut self` keeps everybody else away from it, and
        // `bytes` cannot overlap it: a slice of it exists only while `self` is borrowed.
        unsafe { self.pointer(part.start).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Ok(())
    }

    /// Writes zeros to accessible bytes.
    pub(super) fn zero(&mut self, part: Range<usize>) -> Result<(), MemoryError> {
        let part = self.within(part, self.accessible)?;
        // SAFETY: the range is accessible, and `&mut self` keeps everybody else away from it.
        unsafe { self.pointer(part.start).write_bytes(0, part.len()) };
        Ok(())
    }

    /// What accessible bytes hold.
    ///
    /// `&mut self` shows that nobody writes to them: a memory whose guest runs is not ours to read.
    pub(super) fn bytes(&mut self, part: Range<usize>) -> Result<&[u8], MemoryError> {
        let part = self.within(part, self.accessible)?;
        // SAFETY: the range is accessible and initialised (pages come from a file or zeroed), and
        // stays as it is as long as `self` is borrowed.
        Ok(unsafe { std::slice::from_raw_parts(self.pointer(part.start), part.len()) })
    }

    fn protect(&mut self, part: &Range<usize>, access: MprotectFlags) -> Result<(), MemoryError> {
        let start = self.pointer(part.start).cast();
        // SAFETY: callers pass a part of the usable bytes; `&mut self` shows that no reference to
        // them exists.
        let changed = unsafe { rustix::mm::mprotect(start, part.len(), access) };
        self.uneven |= changed.is_err();
        changed.map_err(|error| MemoryError::system("change the access to a slot", error))
    }

    /// A single written byte shall cost one page, in memory and in the reset, not two megabytes.
    fn avoid_huge_pages(&self) {
        #[cfg(target_os = "linux")]
        // SAFETY: the advice changes neither content nor access; the range is the reservation. A
        // kernel without huge pages refuses it, and then there is nothing to avoid.
        unsafe {
            let advice = rustix::mm::Advice::LinuxNoHugepage;
            let _refused = rustix::mm::madvise(self.start.as_ptr().cast(), self.length, advice);
        }
    }

    fn within(&self, part: Range<usize>, end: usize) -> Result<Range<usize>, MemoryError> {
        if part.start <= part.end && part.end <= end {
            return Ok(part);
        }
        let Range { start, end } = part;
        Err(MemoryError::Range { start, end, accessible: self.accessible })
    }

    fn pointer(&self, offset: usize) -> *mut u8 {
        debug_assert!(offset <= self.usable);
        // SAFETY: callers have checked that the offset is within the usable bytes.
        unsafe { self.base().as_ptr().add(offset) }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.torn {
            // Something else may live in the hole by now. The addresses stay taken instead; this
            // process is replaced soon, see `MemoryError::leaves_doubt`.
            return;
        }
        // SAFETY: the range is what `new` was given, all of it is still ours, and nobody refers to
        // it any more. It can only fail where the range is split, and then it stays taken.
        let _stays_taken = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::pattern;
    use super::{Image, Layout, Reservation};

    const PAGE: usize = 64 << 10;

    fn reserved() -> Reservation {
        let layout = Layout { guard_before: PAGE, usable: 8 * PAGE, guard_after: PAGE };
        Reservation::new(layout).unwrap()
    }

    #[test]
    fn nothing_outside_of_what_is_accessible_can_be_touched() {
        let mut reservation = reserved();
        assert!(reservation.zero(0..1).is_err());
        assert!(reservation.bytes(0..1).is_err());
        reservation.open(2 * PAGE).unwrap();
        reservation.copy_in(2 * PAGE - 4, b"last").unwrap();
        assert!(reservation.copy_in(2 * PAGE - 3, b"last").is_err());
        assert!(reservation.copy_in(usize::MAX, b"far").is_err());
        assert_eq!(reservation.bytes(2 * PAGE - 4..2 * PAGE).unwrap(), b"last");
        reservation.close(PAGE).unwrap();
        assert!(reservation.bytes(2 * PAGE - 4..2 * PAGE).is_err());
        assert!(reservation.open(9 * PAGE).is_err());
        assert_eq!(reservation.accessible(), PAGE);
    }

    #[test]
    fn writing_changes_a_reservation_and_never_its_image() {
        let content = pattern(2 * PAGE);
        let image = Image::new(&content).unwrap();
        let mut reservation = reserved();
        reservation.map_image(&image).unwrap();
        assert!(reservation.bytes(0..2 * PAGE).unwrap() == content);
        reservation.zero(100..200).unwrap();
        assert!(reservation.bytes(0..2 * PAGE).unwrap() != content);
        assert!(image.bytes() == content);
        reservation.map_image(&image).unwrap();
        assert!(reservation.bytes(0..2 * PAGE).unwrap() == content);
    }

    #[test]
    fn renewed_bytes_are_inaccessible_and_then_zero() {
        let mut reservation = reserved();
        reservation.open(4 * PAGE).unwrap();
        reservation.copy_in(PAGE, b"first").unwrap();
        reservation.copy_in(3 * PAGE, b"second").unwrap();
        reservation.renew(2 * PAGE).unwrap();
        assert_eq!(reservation.accessible(), 2 * PAGE);
        reservation.open(4 * PAGE).unwrap();
        assert_eq!(reservation.bytes(PAGE..PAGE + 5).unwrap(), b"first");
        assert_eq!(reservation.bytes(3 * PAGE..3 * PAGE + 6).unwrap(), [0; 6]);
    }
}
