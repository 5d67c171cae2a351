//! Sets on disk: one file each, named by its key and the guest that it was made with.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::SetReport;
use crate::limits::Limits;
use crate::protocol::Form;

const MAGIC: &[u8; 8] = b"mcpboxs1";
const EXTENSION: &str = "set";
const HASH: usize = 32;

/// Far more than any head: what is told of modules is bounded.
const HEAD_MAX: u64 = 8 << 20;

/// Snapshots are mostly text and zeros; more than this gains little.
const COMPRESSION_LEVEL: i32 = 3;

/// The content of a set, and what there is to say of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Prepared {
    pub(super) form: Form,
    pub(super) report: SetReport,
    /// A memory image, or an archive of the same multiple of bytes.
    pub(super) content: Vec<u8>,
}

/// How files begin that are still being written, and how old one is that nobody writes any more.
const PARTIAL: &str = ".unfinished-";
const UNFINISHED_AFTER: Duration = Duration::from_hours(1);

/// What stands before the content.
#[derive(Serialize, Deserialize)]
struct Head {
    form: Form,
    report: SetReport,
    length: usize,
}

/// Where sets are kept, and for which guest.
#[derive(Clone)]
pub(crate) struct Folder {
    path: PathBuf,
    /// What tells guests, and ways to run them, apart.
    guest: String,
}

impl Folder {
    pub(crate) fn new(path: &Path, guest: &str) -> Self {
        Self { path: path.to_owned(), guest: guest.to_owned() }
    }

    fn file(&self, key: &str) -> PathBuf {
        self.path.join(format!("{key}.{}.{EXTENSION}", self.guest))
    }

    /// What was kept under `key`; nothing where it is absent or damaged.
    pub(super) async fn read(&self, key: &str) -> Option<Prepared> {
        let file = self.file(key);
        let read = tokio::task::spawn_blocking(move || read(&file)).await.ok()?;
        match read {
            Ok(prepared) => Some(prepared),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!(%error, "a set of packages on disk cannot be read and is made anew");
                None
            }
        }
    }

    /// Keeps `prepared` under `key`, and removes what other guests were given under it.
    pub(super) fn write(&self, key: &str, prepared: &Prepared) -> io::Result<()> {
        let (file, others) = (self.file(key), format!("{key}."));
        write(&self.path, &file, &pack(prepared)?)?;
        remove(&self.path, |path, name| path != file && name.starts_with(&others));
        Ok(())
    }

    /// Whether there is a file for `key`.
    pub(super) fn has(&self, key: &str) -> bool {
        self.file(key).is_file()
    }

    /// Removes what is kept under other keys.
    pub(super) async fn sweep(&self, keys: Vec<String>) {
        let folder = self.path.clone();
        let swept = tokio::task::spawn_blocking(move || {
            let is_kept = |name: &str| {
                name.split_once('.').is_some_and(|(key, _)| keys.iter().any(|kept| kept == key))
            };
            remove(&folder, |_, name| !is_kept(name));
            remove_unfinished(&folder);
        });
        if let Err(error) = swept.await {
            tracing::warn!(%error, "sets of packages were not swept");
        }
    }
}

fn pack(prepared: &Prepared) -> io::Result<Vec<u8>> {
    let Prepared { form, report, content } = prepared;
    let head = Head { form: *form, report: report.clone(), length: content.len() };
    let head = postcard::to_allocvec(&head).map_err(io::Error::other)?;
    let mut encoder = zstd::Encoder::new(Vec::new(), COMPRESSION_LEVEL)?;
    encoder.write_all(&(head.len() as u64).to_le_bytes())?;
    encoder.write_all(&head)?;
    encoder.write_all(content)?;
    let packed = encoder.finish()?;
    let hash: [u8; HASH] = Sha256::digest(&packed).into();
    Ok([MAGIC.as_slice(), &hash, &packed].concat())
}

fn unpack(file: &[u8]) -> io::Result<Prepared> {
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "it is damaged");
    let rest = file.strip_prefix(MAGIC).ok_or_else(damaged)?;
    let (hash, packed) = rest.split_first_chunk::<HASH>().ok_or_else(damaged)?;
    if <[u8; HASH]>::from(Sha256::digest(packed)) != *hash {
        return Err(damaged());
    }
    // What is in it can be trusted now; the bounds are for a file of another build.
    let mut decoder = zstd::Decoder::new(packed)?;
    let mut length = [0; size_of::<u64>()];
    decoder.read_exact(&mut length)?;
    let mut head = Vec::new();
    decoder.by_ref().take(u64::from_le_bytes(length).min(HEAD_MAX)).read_to_end(&mut head)?;
    let Head { form, report, length } = postcard::from_bytes(&head).map_err(io::Error::other)?;
    if length > Limits::MEMORY_MAX {
        return Err(damaged());
    }
    let mut content = vec![0; length];
    decoder.read_exact(&mut content)?;
    Ok(Prepared { form, report, content })
}

fn read(file: &Path) -> io::Result<Prepared> {
    unpack(&fs::read(file)?)
}

/// Writes beside and renames, so that a crash leaves no half file under the name.
fn write(folder: &Path, file: &Path, packed: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut partial = tempfile::Builder::new().prefix(PARTIAL).tempfile_in(folder)?;
    partial.write_all(packed)?;
    partial.as_file().sync_all()?;
    partial.persist(file)?;
    File::open(folder)?.sync_all()
}

/// Removes what a program that was killed has left half written.
fn remove_unfinished(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let age = modified.ok().and_then(|time| SystemTime::now().duration_since(time).ok());
        let unfinished = entry.file_name().to_str().is_some_and(|name| name.starts_with(PARTIAL));
        if unfinished
            && age.is_some_and(|age| age > UNFINISHED_AFTER)
            && let Err(error) = fs::remove_file(entry.path())
        {
            tracing::warn!(%error, "a half written set of packages could not be removed");
        }
    }
}

fn remove(folder: &Path, unwanted: impl Fn(&Path, &str) -> bool) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let is_set = path.extension().is_some_and(|extension| extension == EXTENSION);
        if is_set
            && name.to_str().is_some_and(|name| unwanted(&path, name))
            && let Err(error) = fs::remove_file(&path)
        {
            tracing::warn!(%error, file = ?name, "an old set of packages could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Folder, Form, Prepared, SetReport, pack, unpack};

    fn prepared() -> Prepared {
        let failed = BTreeMap::from([("a.b".to_owned(), "ImportError: c".to_owned())]);
        let report = SetReport { loaded: 3, failed, fallen_back: Some("so".to_owned()), bytes: 5 };
        Prepared { form: Form::Snapshot, report, content: b"bytes".repeat(1000) }
    }

    #[tokio::test]
    async fn what_is_kept_is_found_by_the_same_guest_under_the_same_key_until_it_is_swept() {
        let folder = tempfile::tempdir().expect("a folder");
        let (ours, other) =
            (Folder::new(folder.path(), "ours"), Folder::new(folder.path(), "other"));
        ours.write("key", &prepared()).expect("it is written");
        assert_eq!(ours.read("key").await, Some(prepared()));
        assert_eq!(ours.read("other").await, None);
        assert_eq!(other.read("key").await, None);
        other.write("key", &prepared()).expect("it is written");
        assert_eq!(ours.read("key").await, None, "it gave way to that of another guest");
        other.sweep(vec!["key".to_owned()]).await;
        assert_eq!(other.read("key").await, Some(prepared()));
        other.sweep(Vec::new()).await;
        assert_eq!(other.read("key").await, None);
    }

    #[test]
    fn damage_is_noticed_wherever_it_is() {
        let sound = pack(&prepared()).expect("it is packed");
        assert_eq!(unpack(&sound).expect("it is sound"), prepared());
        for at in 0..sound.len() {
            let mut damaged = sound.clone();
            damaged[at] ^= 1;
            assert!(unpack(&damaged).is_err(), "byte {at}");
            assert!(unpack(&sound[..at]).is_err(), "{at} bytes");
        }
    }
}
