//! The unpacked guest on disk: written once, its hash checked before a worker maps it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use crate::bundle::{self, BundleError, Part, Promise};

/// Tells apart the half-written files of one process.
static WRITES: AtomicU32 = AtomicU32::new(0);

const PREFIX: &str = "python-";

/// Files of other builds are left alone for this long: another process may be starting from them.
const STALE_AFTER: Duration = Duration::from_hours(1);

/// Why the guest is not on disk.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The embedded guest is not usable.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A file or folder could not be read or written.
    #[error("cannot write to {path}", path = path.display())]
    Disk {
        /// What was read or written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The thread that unpacked it ended early.
    #[error("unpacking was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// Where one part of the guest is, or will be, unpacked.
#[derive(Debug, Clone)]
pub(crate) struct Artifact {
    bundle: &'static [u8],
    part: Part,
    promise: Promise,
    folder: PathBuf,
}

impl Artifact {
    /// Reads the bundle's header; touches no file.
    pub(crate) fn new(
        bundle: &'static [u8],
        part: Part,
        folder: PathBuf,
    ) -> Result<Self, ArtifactError> {
        let promise = bundle::promise(bundle, part)?;
        Ok(Self { bundle, part, promise, folder })
    }

    /// The folder that a worker runs in.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file's name in that folder; plain ASCII.
    pub(crate) fn file_name(&self) -> String {
        let extension = match self.part {
            Part::Code | Part::Pooled => "cwasm",
            Part::Image => "image",
        };
        format!("{PREFIX}{}.{extension}", hex::encode(self.promise.hash))
    }

    /// The file's path.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join(self.file_name())
    }

    /// Sees to it that the file is there with the right content, and removes those of old builds.
    pub(crate) fn unpacked(self) -> Result<Self, ArtifactError> {
        self.make_folder()?;
        if !self.is_intact() {
            self.write()?;
        }
        self.remove_stale();
        Ok(self)
    }

    /// Whether the file is still there; cheap enough to ask before every start of a worker.
    pub(crate) fn is_present(&self) -> bool {
        self.path().is_file()
    }

    fn make_folder(&self) -> Result<(), ArtifactError> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let made = builder.create(&self.folder).and_then(|()| restrict(&self.folder, 0o700));
        made.map_err(|source| self.disk(source))
    }

    fn is_intact(&self) -> bool {
        let Ok(mut file) = File::open(self.path()) else { return false };
        let mut hasher = Sha256::new();
        let copied = io::copy(&mut file, &mut HashWriter(&mut hasher));
        copied.is_ok() && <[u8; 32]>::from(hasher.finalize()) == self.promise.hash
    }

    /// Writes beside and renames, so that two programs may do this at once and a crash leaves no half file.
    fn write(&self) -> Result<(), ArtifactError> {
        let content = bundle::unpack(self.bundle, self.part)?;
        let path = self.path();
        let writer = (std::process::id(), WRITES.fetch_add(1, Ordering::Relaxed));
        let partial = self.folder.join(format!("{PREFIX}{}-{}.partial", writer.0, writer.1));
        let written = File::create(&partial).and_then(|mut file| {
            restrict(&partial, 0o600)?;
            file.write_all(&content)?;
            file.sync_all()?;
            fs::rename(&partial, &path)
        });
        written.map_err(|source| {
            // A full disk must not stay full for the sake of a file that nobody can use.
            let _absent = fs::remove_file(&partial);
            self.disk(source)
        })
    }

    fn remove_stale(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let ours = name
                .to_str()
                .is_some_and(|name| name.starts_with(PREFIX) && !self.is_current(name));
            let changed = entry.metadata().and_then(|metadata| metadata.modified());
            let age = changed.ok().and_then(|time| SystemTime::now().duration_since(time).ok());
            if ours
                && age.is_some_and(|age| age > STALE_AFTER)
                && let Err(error) = fs::remove_file(entry.path())
            {
                tracing::warn!(%error, file = ?name, "an old guest could not be removed");
            }
        }
    }

    /// Whether a part of this very bundle lies in the file `name`, this one or another.
    fn is_current(&self, name: &str) -> bool {
        [Part::Code, Part::Image, Part::Pooled].into_iter().any(|part| {
            Self::new(self.bundle, part, PathBuf::new())
                .is_ok_and(|artifact| artifact.file_name() == name)
        })
    }

    fn disk(&self, source: io::Error) -> ArtifactError {
        ArtifactError::Disk { path: self.folder.clone(), source }
    }
}

struct HashWriter<'a>(&'a mut Sha256);

impl Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Compiled code is mapped and run: nobody else may write to it.
#[cfg(unix)]
fn restrict(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
fn restrict(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}
