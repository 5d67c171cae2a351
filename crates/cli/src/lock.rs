//! Lock files: one program per door in a data directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// A door's lock; the system frees it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of `door` in `data_dir` and notes there who holds it.
    ///
    /// # Errors
    /// When another program holds it; the text names that program.
    pub(crate) fn take(data_dir: &Path, door: &str, holder: &str) -> anyhow::Result<Self> {
        let path = path(data_dir, door);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| format!("the lock file {} cannot be opened", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // What the holder wrote is a help, not a need.
                let _read = file.read_to_string(&mut holder);
                bail!(
                    "the data directory {} is in use: its {door} door is held by {}; stop that program or choose another --data-dir",
                    data_dir.display(),
                    if holder.is_empty() { "another mcpbox" } else { holder.trim() }
                );
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("{} cannot be locked", path.display()));
            }
        }
        let mut lock = Self { file };
        lock.note(holder)?;
        Ok(lock)
    }

    /// Who holds the lock of `door`; `None` when nobody does.
    pub(crate) fn holder(data_dir: &Path, door: &str) -> Option<String> {
        let mut file = File::open(path(data_dir, door)).ok()?;
        let Err(TryLockError::WouldBlock) = file.try_lock_shared() else { return None };
        let mut holder = String::new();
        file.read_to_string(&mut holder).ok()?;
        Some(holder.trim().to_owned())
    }

    /// Writes into the file who holds it.
    pub(crate) fn note(&mut self, holder: &str) -> anyhow::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        writeln!(self.file, "{holder}, process {}", std::process::id())?;
        Ok(())
    }
}

fn path(data_dir: &Path, door: &str) -> PathBuf {
    data_dir.join(format!("{door}.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_told_who_the_first_is_and_another_door_is_free() {
        let dir = tempfile::tempdir().unwrap();
        let first = Lock::take(dir.path(), "admin", "mcpbox serve at 127.0.0.1:3000").unwrap();
        let refused = Lock::take(dir.path(), "admin", "mcpbox admin").unwrap_err().to_string();
        assert!(refused.contains("mcpbox serve at 127.0.0.1:3000"), "{refused}");
        assert!(refused.contains(&std::process::id().to_string()), "{refused}");
        assert!(Lock::take(dir.path(), "gateway", "mcpbox gateway").is_ok());
        drop(first);
        assert!(Lock::take(dir.path(), "admin", "mcpbox admin").is_ok());
    }
}
