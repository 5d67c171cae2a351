//! The linear memories and stacks of guests: made new between two calls by touching only what was written.
//!
//! Wasmtime asks for memories and stacks through [`wasmtime::MemoryCreator`] and
//! [`wasmtime::StackCreator`]. A *slot* is a reservation of addresses in which the memory image is
//! mapped copy-on-write; above the image lie zeros. When an instance ends, its slot is brought back to
//! exactly that and waits for the next instance. Which pages have to be brought back is found out by
//! one of the [`Recipe`]s, tried for real by [`Probe`] when a worker starts.
//!
//! # Soundness
//!
//! All unsafe code of memories and stacks is in this module and the files below it. It rests on these
//! points.
//!
//! 1. **Addresses have one owner.** A `Reservation` owns its range like a `Vec` its allocation: made by
//!    one `mmap` at a place of the kernel's choice, given back by one `munmap`. Mappings over a part of
//!    it (`MAP_FIXED`) stay within its bounds, which are checked for every operation. If one fails, the
//!    kernel may have removed what was there and another thread may have got the hole; such a
//!    reservation is never unmapped, and the process is replaced.
//! 2. **Bytes have one user at a time.** Whoever reads or writes them needs `&mut Reservation`. While an
//!    instance runs, its reservation lies in the `Memory` that wasmtime owns, and is used by nothing but
//!    `grow_to`, which makes further bytes accessible and touches none. It is read and written before
//!    wasmtime gets the memory (the last reset, a prepared [`delta::Delta`]) and after wasmtime has dropped it
//!    (a recording, the reset): wasmtime drops a memory, or a stack, when no code of its store can run
//!    any more.
//! 3. **What compiled code relies on.** Bounds checks are left out of compiled code because an access
//!    beyond the end traps. From the base of a memory on, the bytes up to its size are accessible, and
//!    all others up to the reservation and guard that wasmtime asked for are not: they are reserved
//!    without access, access is given by `grow_to` for exactly the new size, and taken away in the
//!    reset. The base never moves. Sizes are multiples of 64 KiB, which every page size divides (an
//!    image for which this does not hold is refused).
//! 4. **What the guest relies on.** The module has no data segments of its own; its memory has the
//!    image's length, or is refused. The image of a set of packages is longer: the memory is then as
//!    one that has grown already. Below that the bytes are the image, above it zero, because a
//!    fresh slot is so and a reset makes it so: a page that was not written is still the image's
//!    (private mappings of a file that nobody can change) or still zero, and a page that was written is
//!    among those the recipe reports. For userfaultfd: a page stays write-protected until its first
//!    write, wherever that comes from, and is reported from then on whether it is in memory or in
//!    swap. For the page map: a written page of a private mapping is a page of this process, not of the
//!    file, in memory or in swap. None of this is taken on trust alone: the probe tries it, every so many
//!    resets compare the whole memory, and tests do so under every recipe.
//! 5. **Nobody can change the image.** It is a sealed file in memory. Where there are no seals it is a
//!    file without a name, to which this process has the only descriptor and never writes.
//! 6. **Stacks** are accessible from their lowest byte to their top, have an inaccessible guard below, and
//!    are zero when they are handed out. No reference into them outlives the store.
//!
//! An error in a reset throws the slot away. If it leaves doubt about the recipe itself
//! ([`Doubt`] tells), the worker finishes its calls and is replaced.
//!
//! # System calls
//!
//! Everything that has to be opened is opened by [`Probe::first_of`] and [`Image`]. Afterwards memories
//! and stacks use these system calls only: `mmap` (of the image, and anonymous; never executable),
//! `munmap`, `mprotect` (never executable), `madvise` (`MADV_DONTNEED`, `MADV_NOHUGEPAGE`), `ioctl`
//! (`UFFDIO_REGISTER`, `UFFDIO_WRITEPROTECT`, `PAGEMAP_SCAN`) and `pread64`.

mod choice;
pub(crate) mod delta;
mod error;
mod idle;
mod image;
#[cfg(feature = "engine")]
mod memories;
#[cfg(target_os = "linux")]
mod page_map;
mod probe;
mod recipe;
mod reservation;
mod rhythm;
mod settings;
mod slot;
#[cfg(feature = "engine")]
mod stacks;
mod statistics;
#[cfg(test)]
mod tests;
mod tracking;
#[cfg(target_os = "linux")]
mod userfault;

#[cfg(feature = "engine")]
use std::sync::Arc;

pub use choice::{MemoryReport, MemoryReset};
pub use error::MemoryError;
pub(crate) use image::Image;
#[cfg(feature = "engine")]
pub(crate) use memories::Memories;
pub(crate) use probe::Probe;
pub use recipe::Recipe;
#[cfg(feature = "engine")]
pub(crate) use settings::Settings;
#[cfg(feature = "engine")]
pub(crate) use stacks::Stacks;
pub use statistics::MemoryStatistics;

#[cfg(feature = "engine")]
pub(crate) use memories::Doubt;
#[cfg(feature = "engine")]
use tracking::Tracking;

/// The unit in which linear memories grow, in bytes.
const WASM_PAGE: usize = 64 << 10;

/// Everything that one engine needs: its memories and its stacks.
#[cfg(feature = "engine")]
pub(crate) struct Kit {
    /// For [`wasmtime::Config::with_host_memory`].
    pub(crate) memories: Memories,
    /// For [`wasmtime::Config::with_host_stack`].
    pub(crate) stacks: Stacks,
    /// Whether resets can still be trusted.
    pub(crate) doubt: Doubt,
}

#[cfg(feature = "engine")]
impl Kit {
    /// Memories that begin as `image`, and stacks; `None` where the probe found no recipe of ours.
    ///
    /// An image longer than [`Settings::memory_max`] is of no use: no memory could have its size.
    pub(crate) fn new(image: Arc<Image>, probe: &Probe, settings: Settings) -> Option<Self> {
        Some(Self::with(image, Arc::clone(probe.tracking.as_ref()?), settings))
    }

    fn with(image: Arc<Image>, tracking: Arc<Tracking>, settings: Settings) -> Self {
        let doubt = Doubt::default();
        let stacks = Stacks::new(Arc::clone(&tracking), &settings, doubt.clone());
        let memories = Memories::new(image, tracking, settings, doubt.clone());
        Self { memories, stacks, doubt }
    }
}
