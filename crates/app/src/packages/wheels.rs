//! The wheels in the data directory: a file each, named by its hash, which is checked at every read.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use crate::{Error, Result};

const ENDING: &str = ".whl";

/// Files that are younger are left alone: another process may just have fetched them.
const SETTLED: Duration = Duration::from_hours(1);

/// The folder of wheels.
#[derive(Debug, Clone)]
pub(crate) struct Wheels {
    folder: PathBuf,
}

impl Wheels {
    /// The folder need not be there yet.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The wheel of this SHA-256 (64 lower-case hexadecimal digits), if it is here. One that was
    /// changed behind our back is not.
    pub(crate) async fn read(&self, sha256: &str) -> Result<Option<Vec<u8>>> {
        let (path, expected) = (self.path(sha256)?, sha256.to_owned());
        self.aside(move || match fs::read(path) {
            Ok(bytes) if hash(&bytes) == expected => Ok(Some(bytes)),
            Ok(_) => {
                tracing::warn!(sha256 = %expected, "a kept wheel is damaged; it is fetched again");
                Ok(None)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    /// How many bytes the wheel of this SHA-256 has, if it is here.
    pub(crate) async fn size(&self, sha256: &str) -> Result<Option<u64>> {
        let path = self.path(sha256)?;
        self.aside(move || match fs::metadata(path) {
            Ok(found) => Ok(Some(found.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    /// Keeps a wheel whose hash was checked. It is whole as soon as it can be found by its name.
    pub(crate) async fn keep(&self, sha256: &str, bytes: Vec<u8>) -> Result<()> {
        let (path, folder) = (self.path(sha256)?, self.folder.clone());
        self.aside(move || {
            fs::create_dir_all(&folder)?;
            let mut file = tempfile::NamedTempFile::new_in(&folder)?;
            file.write_all(&bytes)?;
            file.as_file().sync_all()?;
            file.persist(path).map(drop).map_err(|error| error.error)
        })
        .await
    }

    /// Removes what no server needs and what was left half written; how many files.
    pub(crate) async fn sweep(&self, needed: HashSet<String>) -> Result<usize> {
        let folder = self.folder.clone();
        self.aside(move || sweep(&folder, &needed, SystemTime::now() - SETTLED)).await
    }

    fn path(&self, sha256: &str) -> Result<PathBuf> {
        let is_hash = sha256.len() == 64
            && sha256.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        if !is_hash {
            let error = io::Error::other(format!("{sha256:?} is no SHA-256"));
            return Err(Error::Internal(Box::new(error)));
        }
        Ok(self.folder.join(format!("{sha256}{ENDING}")))
    }

    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let done = tokio::task::spawn_blocking(work).await;
        let done = done.map_err(|error| Error::Internal(Box::new(error)))?;
        done.map_err(|error| {
            let text = format!("{}: {error}", self.folder.display());
            Error::unavailable("the folder of packages", io::Error::new(error.kind(), text))
        })
    }
}

/// The SHA-256 of bytes, in lower-case hexadecimal digits.
pub(crate) fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn sweep(folder: &Path, needed: &HashSet<String>, before: SystemTime) -> io::Result<usize> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.strip_suffix(ENDING).is_some_and(|hash| needed.contains(hash)) {
            continue;
        }
        if entry.metadata().and_then(|found| found.modified()).is_ok_and(|at| at < before) {
            fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wheel_is_read_as_it_was_kept_and_not_once_it_was_changed() {
        let place = tempfile::tempdir().unwrap();
        let wheels = Wheels::new(place.path().join("packages/wheels"));
        let sha256 = hash(b"a wheel");
        assert_eq!(wheels.read(&sha256).await.unwrap(), None);
        assert_eq!(wheels.size(&sha256).await.unwrap(), None);
        wheels.keep(&sha256, b"a wheel".to_vec()).await.unwrap();
        assert_eq!(wheels.read(&sha256).await.unwrap().as_deref(), Some(&b"a wheel"[..]));
        assert_eq!(wheels.size(&sha256).await.unwrap(), Some(7));
        let kept: Vec<_> = fs::read_dir(&wheels.folder).unwrap().collect();
        assert_eq!(kept.len(), 1, "nothing else is left: {kept:?}");

        fs::write(wheels.path(&sha256).unwrap(), b"another").unwrap();
        assert_eq!(wheels.read(&sha256).await.unwrap(), None, "it is another one now");
        wheels.keep(&sha256, b"a wheel".to_vec()).await.unwrap();
        assert!(wheels.read(&sha256).await.unwrap().is_some(), "it was fetched again");
    }

    #[tokio::test]
    async fn only_hashes_name_wheels() {
        let place = tempfile::tempdir().unwrap();
        let wheels = Wheels::new(place.path().to_path_buf());
        for name in ["", "../../etc/passwd", &"A".repeat(64), &"0".repeat(63)] {
            assert!(wheels.read(name).await.is_err(), "{name}");
        }
        assert!(wheels.read(&"0".repeat(64)).await.is_ok());
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_is_named() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        let wheels = Wheels::new(file.join("wheels"));
        let refused = wheels.keep(&hash(b"x"), b"x".to_vec()).await.unwrap_err().to_string();
        assert!(refused.contains("file/wheels"), "{refused}");
    }

    #[test]
    fn what_nobody_needs_goes_when_it_has_settled() {
        let place = tempfile::tempdir().unwrap();
        let [needed, other] = ["needed", "other"].map(|text| hash(text.as_bytes()));
        for name in [format!("{needed}.whl"), format!("{other}.whl"), ".tmpX".to_owned()] {
            fs::write(place.path().join(name), "").unwrap();
        }
        let keep = HashSet::from([needed.clone()]);
        let long_ago = SystemTime::now() - SETTLED;
        assert_eq!(sweep(place.path(), &keep, long_ago).unwrap(), 0, "all are new");
        let soon = SystemTime::now() + SETTLED;
        assert_eq!(sweep(place.path(), &keep, soon).unwrap(), 2);
        assert!(place.path().join(format!("{needed}.whl")).exists());
        assert_eq!(sweep(&place.path().join("missing"), &keep, soon).unwrap(), 0);
    }
}
