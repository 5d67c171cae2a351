//! What Linux tells about the pages of this process: `/proc/self/pagemap`, read or scanned.
//!
//! Constants and structures of the scan are those of the kernel's `include/uapi/linux/fs.h`, the
//! bits of the file those of its `Documentation/admin-guide/mm/pagemap.rst`.
#![expect(unsafe_code, reason = "ioctl; the argument is in the parent module")]

use std::ffi::c_void;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, opcode};

use super::MemoryError;

/// `PAGE_IS_WRITTEN`: written since it was write-protected.
const WRITTEN: u64 = 1 << 1;
/// `PAGE_IS_FILE`: a page of the mapped file itself, not a copy of it.
const FILE: u64 = 1 << 2;
/// `PAGE_IS_PRESENT`
const PRESENT: u64 = 1 << 3;
/// `PAGE_IS_SWAPPED`
const SWAPPED: u64 = 1 << 4;
/// `PAGE_IS_PFNZERO`: the one page of zeros that all share.
const SHARED_ZERO: u64 = 1 << 5;
/// `PM_SCAN_CHECK_WPASYNC`: fail, instead of reporting, where nothing is watched.
const ONLY_WATCHED: u64 = 1 << 1;

/// `struct page_region`
#[repr(C)]
#[derive(Clone, Copy)]
struct Region {
    start: u64,
    end: u64,
    categories: u64,
}

/// `struct pm_scan_arg`
#[repr(C)]
struct ScanArgument {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    vec: u64,
    vec_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

/// What a scan looks for. All of `required` (those in `inverted` absent instead of present) and one
/// of [`RESIDENT`] must be so.
#[derive(Clone, Copy)]
struct Wanted {
    flags: u64,
    inverted: u64,
    required: u64,
}

/// The page has a place, in memory or in swap. Without this, older kernels misread swapped pages and
/// newer ones report pages that were never touched.
const RESIDENT: u64 = PRESENT | SWAPPED;

/// Written since it was protected.
const SINCE_PROTECTED: Wanted = Wanted { flags: ONLY_WATCHED, inverted: 0, required: WRITTEN };
/// A copy of a page of the image. The shared page of zeros counts too: it may have taken the place
/// of a copy that was all zeros, where the kernel merges equal pages.
const COPIED: Wanted = Wanted { flags: 0, inverted: FILE, required: FILE };
/// A page of anonymous memory that may hold something else than zeros.
const NOT_ZERO: Wanted =
    Wanted { flags: 0, inverted: FILE | SHARED_ZERO, required: FILE | SHARED_ZERO };

/// Regions that one system call can report.
const REGIONS_PER_SCAN: usize = 256;

/// Pages whose entries are read at once.
const ENTRIES_PER_READ: usize = 1024;

/// `PAGEMAP_SCAN`: `_IOWR('f', 16, struct pm_scan_arg)`
const PAGEMAP_SCAN: Opcode = opcode::read_write::<ScanArgument>(b'f', 16);

/// `/proc/self/pagemap`, opened once.
pub(super) struct PageMap(File);

impl PageMap {
    pub(super) fn open() -> Result<Self, MemoryError> {
        File::open("/proc/self/pagemap")
            .map(Self)
            .map_err(|error| MemoryError::tracking("open /proc/self/pagemap", error))
    }

    /// The pages of a watched range that were written since it was protected.
    pub(super) fn written(
        &self,
        addresses: &Range<usize>,
        found: &mut Vec<Range<usize>>,
    ) -> Result<(), MemoryError> {
        self.scan(addresses, SINCE_PROTECTED, found)
    }

    /// The pages of a private mapping of the image that are copies of its pages.
    pub(super) fn copied(
        &self,
        addresses: &Range<usize>,
        found: &mut Vec<Range<usize>>,
    ) -> Result<(), MemoryError> {
        self.scan(addresses, COPIED, found)
    }

    /// The pages of anonymous memory that may hold something else than zeros.
    pub(super) fn not_zero(
        &self,
        addresses: &Range<usize>,
        found: &mut Vec<Range<usize>>,
    ) -> Result<(), MemoryError> {
        self.scan(addresses, NOT_ZERO, found)
    }

    fn scan(
        &self,
        addresses: &Range<usize>,
        wanted: Wanted,
        found: &mut Vec<Range<usize>>,
    ) -> Result<(), MemoryError> {
        let failed = |error| MemoryError::tracking("scan the page map", error);
        let mut regions = [Region { start: 0, end: 0, categories: 0 }; REGIONS_PER_SCAN];
        let mut start = addresses.start as u64;
        let end = addresses.end as u64;
        while start < end {
            let scan = Scan::new(start..end, wanted, &mut regions);
            // SAFETY: `Scan` describes the call exactly; it reads page tables and changes nothing
            // but the structure and the regions, both of which it borrows.
            let (filled, walked) = unsafe { rustix::ioctl::ioctl(&self.0, scan) }
                .map_err(|error| failed(error.into()))?;
            for region in regions.iter().take(filled) {
                push(found, region.start, region.end)?;
            }
            if walked <= start {
                return Err(failed(std::io::Error::other("the scan makes no progress")));
            }
            start = walked;
        }
        Ok(())
    }

    /// The same as [`PageMap::copied`] and, with more found than needed, [`PageMap::not_zero`], from
    /// the entries of the file: bit 63 says present, bit 62 swapped, bit 61 the file's own page.
    pub(super) fn listed(
        &self,
        addresses: &Range<usize>,
        found: &mut Vec<Range<usize>>,
    ) -> Result<(), MemoryError> {
        let page = rustix::param::page_size();
        let mut entries = [0_u8; ENTRIES_PER_READ * 8];
        let mut address = addresses.start;
        while address < addresses.end {
            let pages = ((addresses.end - address) / page).clamp(1, ENTRIES_PER_READ);
            let chunk = entries.get_mut(..pages * 8).unwrap_or_default();
            let place = (address / page * 8) as u64;
            self.0
                .read_exact_at(chunk, place)
                .map_err(|error| MemoryError::tracking("read the page map", error))?;
            for (entry, start) in chunk.chunks_exact(8).zip((address..).step_by(page)) {
                let bits = entry.try_into().map_or(0, u64::from_ne_bytes);
                if bits >> 62 != 0 && bits & (1 << 61) == 0 {
                    push(found, start as u64, (start + page) as u64)?;
                }
            }
            address += pages * page;
        }
        Ok(())
    }

    /// A file that is no page map: every use fails.
    #[cfg(test)]
    pub(super) fn broken() -> Self {
        Self(File::open("/dev/null").unwrap())
    }

    /// The page map of another process, for instance.
    #[cfg(test)]
    pub(super) fn from_file(file: File) -> Self {
        Self(file)
    }
}

/// Adds a run of pages, joined with the one before where they touch.
fn push(found: &mut Vec<Range<usize>>, start: u64, end: u64) -> Result<(), MemoryError> {
    let number = |address| {
        usize::try_from(address)
            .map_err(|error| MemoryError::tracking("read an address", std::io::Error::other(error)))
    };
    let (start, end) = (number(start)?, number(end)?);
    match found.last_mut() {
        Some(last) if last.end == start => last.end = end,
        _ => found.push(start..end),
    }
    Ok(())
}

/// One call of `PAGEMAP_SCAN`: how many regions it filled in, and the address at which it stopped.
struct Scan<'a> {
    argument: ScanArgument,
    /// What `argument.vec` points to.
    _regions: &'a mut [Region],
}

impl<'a> Scan<'a> {
    fn new(addresses: Range<u64>, wanted: Wanted, regions: &'a mut [Region]) -> Self {
        let argument = ScanArgument {
            size: size_of::<ScanArgument>() as u64,
            flags: wanted.flags,
            start: addresses.start,
            end: addresses.end,
            walk_end: 0,
            vec: regions.as_mut_ptr().expose_provenance() as u64,
            vec_len: regions.len() as u64,
            max_pages: 0,
            category_inverted: wanted.inverted,
            category_mask: wanted.required,
            category_anyof_mask: RESIDENT,
            // Nothing that would split a run in two.
            return_mask: wanted.required,
        };
        Self { argument, _regions: regions }
    }
}

// SAFETY: the opcode's argument is a `struct pm_scan_arg`, which `as_ptr` points to; the kernel
// writes to it and to the regions that it names, which are borrowed exclusively. What it returns is
// the number of regions written.
unsafe impl Ioctl for Scan<'_> {
    type Output = (usize, u64);

    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        PAGEMAP_SCAN
    }

    fn as_ptr(&mut self) -> *mut c_void {
        (&raw mut self.argument).cast()
    }

    unsafe fn output_from_ptr(
        filled: IoctlOutput,
        argument: *mut c_void,
    ) -> rustix::io::Result<Self::Output> {
        // SAFETY: `argument` is what `as_ptr` returned, and `self` still exists: `ioctl` holds it.
        let walked = unsafe { (*argument.cast::<ScanArgument>()).walk_end };
        Ok((usize::try_from(filled).unwrap_or_default(), walked))
    }
}
