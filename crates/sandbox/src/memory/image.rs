//! The memory image: what every memory holds before its first instruction, and nobody can change.
#![expect(unsafe_code, reason = "maps the image; the argument is in the parent module")]

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::ptr::NonNull;

use rustix::mm::{MapFlags, ProtFlags};

use super::{MemoryError, WASM_PAGE};

/// A file without a name that nobody can write to, and its content mapped for reading.
///
/// One image can serve several processes: what [`Image::as_fd`] gives is inherited by a child, which
/// makes its own `Image` of it with [`Image::from_descriptor`]; the pages are shared.
#[derive(Debug)]
pub(crate) struct Image {
    file: File,
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the mapping is only ever read, and belongs to this value alone until it is unmapped in
// `drop`, which has the value for itself.
unsafe impl Send for Image {}
// SAFETY: as above: shared use is reading of bytes that never change.
unsafe impl Sync for Image {}

impl Image {
    /// Copies `bytes`, whose length must be a multiple of 64 KiB and not zero.
    pub(crate) fn new(bytes: &[u8]) -> Result<Self, MemoryError> {
        Self::copied(bytes, sealed_or_unlinked)
    }

    /// Copies the file at `path`, under the same condition.
    pub(crate) fn from_path(path: &Path) -> Result<Self, MemoryError> {
        let failed = |error| MemoryError::system("open the memory image", error);
        let file = File::open(path).map_err(failed)?;
        Self::copied(file, sealed_or_unlinked)
    }

    /// Takes over what [`Image::as_fd`] of another process gave. Where the system has seals, they
    /// must be set.
    pub(crate) fn from_descriptor(descriptor: OwnedFd) -> Result<Self, MemoryError> {
        let file = File::from(descriptor);
        if !is_sealed(file.as_fd()) {
            return Err(MemoryError::NotSealed);
        }
        Self::mapped(file)
    }

    /// The file's content, all of it.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: `mapped` has mapped `length` bytes for reading at `start`, they stay mapped as
        // long as this value lives, and nobody can change them: see the parent module.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }

    /// The length in bytes, a multiple of 64 KiB.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// The file, to be mapped or to be inherited by a child process.
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    fn copied(
        mut content: impl Read,
        keep: impl FnOnce(&mut dyn Read) -> io::Result<File>,
    ) -> Result<Self, MemoryError> {
        let failed = |error| MemoryError::system("copy the memory image", error);
        Self::mapped(keep(&mut content).map_err(failed)?)
    }

    fn mapped(file: File) -> Result<Self, MemoryError> {
        let failed = |error: io::Error| MemoryError::system("map the memory image", error);
        // Not by what the standard library asks, which a worker inside its walls may not.
        let size = rustix::fs::fstat(&file).map_err(|error| failed(error.into()))?.st_size;
        let bytes = u64::try_from(size).unwrap_or_default();
        let length = usize::try_from(bytes).map_err(|_too_long| MemoryError::ImageLength(bytes))?;
        let page = rustix::param::page_size();
        if length == 0 || length % WASM_PAGE != 0 || length % page != 0 {
            return Err(MemoryError::ImageLength(bytes));
        }
        // SAFETY: the kernel chooses the place, so that no other mapping is touched.
        let mapped = unsafe {
            let (access, flags) = (ProtFlags::READ, MapFlags::SHARED);
            rustix::mm::mmap(std::ptr::null_mut(), length, access, flags, &file, 0)
        };
        let start = mapped.map_err(|error| failed(error.into()))?.cast();
        let start = NonNull::new(start).ok_or_else(|| failed(io::ErrorKind::OutOfMemory.into()))?;
        Ok(Self { file, start, length })
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // SAFETY: the range is the one that `mapped` was given, and no reference to it outlives
        // `self`. It can only fail for a range that is not one, and then nothing was unmapped.
        let _never_fails = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

/// A sealed file in memory, or, where there is no such thing, one that has lost its name.
fn sealed_or_unlinked(content: &mut dyn Read) -> io::Result<File> {
    #[cfg(target_os = "linux")]
    if let Ok(memory) = sealing::create() {
        return sealing::fill_and_seal(memory, content);
    }
    unlinked(content)
}

/// A file that was created for this process alone and has no name any more: nobody else can open it.
fn unlinked(content: &mut dyn Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(content, &mut file)?;
    Ok(file)
}

#[cfg(not(target_os = "linux"))]
fn is_sealed(_: BorrowedFd<'_>) -> bool {
    true
}

#[cfg(target_os = "linux")]
use sealing::is_sealed;

#[cfg(target_os = "linux")]
mod sealing {
    use std::fs::File;
    use std::io::{self, Read};
    use std::os::fd::{BorrowedFd, OwnedFd};

    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, memfd_create};
    use rustix::io::Errno;

    const NAME: &str = "mcpbox-memory-image";

    const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);

    /// Each keeps the content as it is, because nothing has mapped the file for writing before.
    const NO_WRITING: SealFlags = SealFlags::WRITE.union(SealFlags::FUTURE_WRITE);

    pub(super) fn create() -> io::Result<OwnedFd> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        // Where `vm.memfd_noexec` is 2 the flag is demanded; before Linux 6.3 it is unknown.
        match memfd_create(NAME, flags | MemfdFlags::NOEXEC_SEAL) {
            Err(Errno::INVAL) => Ok(memfd_create(NAME, flags)?),
            created => Ok(created?),
        }
    }

    pub(super) fn fill_and_seal(memory: OwnedFd, content: &mut dyn Read) -> io::Result<File> {
        let mut file = File::from(memory);
        io::copy(content, &mut file)?;
        match fcntl_add_seals(&file, SEALS | SealFlags::WRITE) {
            // The kernel is at work on one of the pages, to move or to reclaim it, and would wait no longer.
            Err(Errno::BUSY) => fcntl_add_seals(&file, SEALS | SealFlags::FUTURE_WRITE)?,
            sealed => sealed?,
        }
        Ok(file)
    }

    pub(super) fn is_sealed(file: BorrowedFd<'_>) -> bool {
        fcntl_get_seals(file)
            .is_ok_and(|seals| seals.contains(SEALS) && seals.intersects(NO_WRITING))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;

    use super::super::tests::pattern;
    use super::{Image, MemoryError, WASM_PAGE, unlinked};

    #[test]
    fn an_image_holds_the_bytes_and_nobody_can_change_them() {
        let bytes = pattern(3 * WASM_PAGE);
        let image = Image::new(&bytes).unwrap();
        assert_eq!(image.len(), bytes.len());
        assert!(image.bytes() == bytes);
        let mut file = File::from(image.as_fd().try_clone_to_owned().unwrap());
        assert!(file.write_all(b"changed").is_err());
        assert!(file.set_len(0).is_err() && file.set_len(1 << 20).is_err());
        assert!(image.bytes() == bytes);
    }

    #[test]
    fn an_image_is_shared_by_descriptor_if_it_is_sealed() {
        let bytes = pattern(WASM_PAGE);
        let image = Image::new(&bytes).unwrap();
        let again = Image::from_descriptor(image.as_fd().try_clone_to_owned().unwrap()).unwrap();
        drop(image);
        assert!(again.bytes() == bytes);
        let open = tempfile::tempfile().unwrap();
        (&open).write_all(&bytes).unwrap();
        let refused = Image::from_descriptor(open.into());
        assert!(matches!(refused, Err(MemoryError::NotSealed)));
    }

    #[test]
    fn an_image_comes_from_a_file_and_can_live_in_one_without_a_name() {
        let bytes = pattern(2 * WASM_PAGE);
        let mut named = tempfile::NamedTempFile::new().unwrap();
        named.write_all(&bytes).unwrap();
        assert!(Image::from_path(named.path()).unwrap().bytes() == bytes);
        let without_seals = Image::copied(bytes.as_slice(), unlinked).unwrap();
        assert!(without_seals.bytes() == bytes);
        assert!(Image::from_path(&named.path().join("absent")).is_err());
    }

    #[test]
    fn only_whole_wasm_pages_make_an_image() {
        for length in [0, 1, WASM_PAGE - 1, WASM_PAGE + 4096] {
            let refused = Image::new(&vec![1; length]);
            assert!(matches!(refused, Err(MemoryError::ImageLength(_))), "{length}");
        }
        assert!(Image::new(&vec![1; WASM_PAGE]).is_ok());
    }
}
