//! Linux's userfaultfd in asynchronous write-protect mode: the kernel notes the first write to each page.
//!
//! Constants and structures are those of the kernel's `include/uapi/linux/userfaultfd.h`.
#![expect(unsafe_code, reason = "ioctl; the argument is in the parent module")]

use std::ops::Range;
use std::os::fd::OwnedFd;

use rustix::ioctl::{Opcode, Updater, opcode};
use rustix::mm::{UserfaultfdFlags, userfaultfd};

use super::MemoryError;

/// `UFFD_API`
const API: u64 = 0xAA;
/// `UFFD_USER_MODE_ONLY`: allowed without privileges. Writes by the kernel are noted nevertheless,
/// because in the asynchronous mode no handler is asked.
const USER_MODE_ONLY: u32 = 1;

/// `UFFD_FEATURE_PAGEFAULT_FLAG_WP`, `…_WP_HUGETLBFS_SHMEM` (the image lives in shared memory),
/// `…_WP_UNPOPULATED` and `…_WP_ASYNC` (Linux 6.7).
const FEATURES: u64 = 1 << 0 | 1 << 12 | 1 << 13 | 1 << 15;

/// `UFFDIO_REGISTER_MODE_WP`
const REGISTER_WRITE_PROTECT: u64 = 1 << 1;
/// `UFFDIO_WRITEPROTECT_MODE_WP`
const PROTECT: u64 = 1 << 0;

/// `struct uffdio_api`
#[repr(C)]
struct ApiArgument {
    api: u64,
    features: u64,
    ioctls: u64,
}

/// `struct uffdio_register`, which begins with a `struct uffdio_range`
#[repr(C)]
struct RegisterArgument {
    start: u64,
    length: u64,
    mode: u64,
    ioctls: u64,
}

/// `struct uffdio_writeprotect`, which begins with a `struct uffdio_range`
#[repr(C)]
struct ProtectArgument {
    start: u64,
    length: u64,
    mode: u64,
}

/// `UFFDIO_API`: `_IOWR(0xAA, 0x3F, struct uffdio_api)`
const UFFDIO_API: Opcode = opcode::read_write::<ApiArgument>(0xAA, 0x3F);
/// `UFFDIO_REGISTER`: `_IOWR(0xAA, 0x00, struct uffdio_register)`
const UFFDIO_REGISTER: Opcode = opcode::read_write::<RegisterArgument>(0xAA, 0x00);
/// `UFFDIO_WRITEPROTECT`: `_IOWR(0xAA, 0x06, struct uffdio_writeprotect)`
const UFFDIO_WRITEPROTECT: Opcode = opcode::read_write::<ProtectArgument>(0xAA, 0x06);

/// The descriptor through which ranges of this process are watched.
pub(super) struct Userfault(OwnedFd);

impl Userfault {
    pub(super) fn open() -> Result<Self, MemoryError> {
        let flags = UserfaultfdFlags::CLOEXEC | UserfaultfdFlags::from_bits_retain(USER_MODE_ONLY);
        // SAFETY: what the descriptor can do to memory happens in the methods below only.
        let descriptor = unsafe { userfaultfd(flags) }
            .map_err(|error| MemoryError::tracking("open userfaultfd", error))?;
        let mut argument = ApiArgument { api: API, features: FEATURES, ioctls: 0 };
        // SAFETY: the opcode takes this structure, and the kernel fills in its fields only.
        unsafe { rustix::ioctl::ioctl(&descriptor, Updater::<UFFDIO_API, _>::new(&mut argument)) }
            .map_err(|error| {
                MemoryError::tracking("use userfaultfd's asynchronous write protection", error)
            })?;
        Ok(Self(descriptor))
    }

    /// Watches a range of addresses, once in the life of its mapping, and protects it.
    pub(super) fn watch(&self, addresses: &Range<usize>) -> Result<(), MemoryError> {
        let (start, length) = numbers(addresses);
        let mut argument =
            RegisterArgument { start, length, mode: REGISTER_WRITE_PROTECT, ioctls: 0 };
        // SAFETY: as in `open`. In asynchronous mode no access to the range ever waits for an
        // answer of this process; what is read and written there stays the same.
        unsafe { rustix::ioctl::ioctl(&self.0, Updater::<UFFDIO_REGISTER, _>::new(&mut argument)) }
            .map_err(|error| MemoryError::tracking("register a slot with userfaultfd", error))?;
        self.protect(addresses)
    }

    /// Forgets what was written to a watched range, so that the next write to each page is noted.
    pub(super) fn protect(&self, addresses: &Range<usize>) -> Result<(), MemoryError> {
        let (start, length) = numbers(addresses);
        let mut argument = ProtectArgument { start, length, mode: PROTECT };
        // SAFETY: as in `watch`.
        unsafe {
            rustix::ioctl::ioctl(&self.0, Updater::<UFFDIO_WRITEPROTECT, _>::new(&mut argument))
        }
        .map_err(|error| MemoryError::tracking("write-protect a slot", error))
    }

    #[cfg(test)]
    pub(super) fn number(&self) -> i32 {
        std::os::fd::AsRawFd::as_raw_fd(&self.0)
    }
}

fn numbers(addresses: &Range<usize>) -> (u64, u64) {
    (addresses.start as u64, addresses.len() as u64)
}
