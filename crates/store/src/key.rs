//! The master key that data keys are sealed with: where it comes from, and its files.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::Error;
use crate::seal::{KEY_BYTES, Key, Unsealable};

/// Keeps the check apart from every other hash that could be made of the key.
const CHECK: &[u8] = b"mcpbox: the key of this installation\n";

/// Why there is no key, or not the right one.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The setting is no key.
    #[error("{0} is not 64 hexadecimal digits; make one with `openssl rand -hex 32`")]
    Setting(&'static str),
    /// A key that everybody knows.
    #[error("{0} holds a key of zeros, which seals nothing; make one with `openssl rand -hex 32`")]
    Zero(String),
    /// The file holds no key.
    #[error("{path} holds no key of 64 hexadecimal digits; put the right file back from a backup", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
    },
    /// Others than its owner can read the file.
    #[error("{path} can be read by others; make it private with `chmod 600 {path}`", path = path.display())]
    Shared {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or made.
    #[error("the key file {path} cannot be read or made", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database was first used with another key.
    #[error(
        "the key is not the one that this database is used with; put back the `key` file \
         of its data directory, or set MCPBOX_ENCRYPTION_KEY to the key of the other replicas"
    )]
    Mismatch,
    /// A data key is sealed with a master key that is not here.
    #[error(
        "the data key of generation {generation} does not open with the master key that this \
         process has; start it again with the present one"
    )]
    Unopened {
        /// The number of the data key.
        generation: i32,
    },
    /// The master key is being replaced by another one than this.
    #[error(
        "another new key is on its way in already: go on with that one, or give it up with \
         `mcpbox keys cancel`"
    )]
    OtherRotation,
    /// The new key is the old one.
    #[error("the new key is the one that is in use; make another with `openssl rand -hex 32`")]
    Same,
    /// A value or a data key could not be sealed.
    #[error(transparent)]
    Seal(#[from] Unsealable),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] Error),
}

/// The variable that gives the key.
const SETTING: &str = "MCPBOX_ENCRYPTION_KEY";

/// The variable that gives the key which takes its place.
const NEW_SETTING: &str = "MCPBOX_NEW_ENCRYPTION_KEY";

/// 256 bits that every data key is sealed with.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey(Key);

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MasterKey(…)")
    }
}

/// Where the master key comes from: a setting, or else a file.
#[derive(Debug, Clone)]
pub struct KeySource {
    setting: Option<SecretString>,
    file: PathBuf,
}

/// The keys that a source has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The one to use.
    pub key: Option<MasterKey>,
    /// The one of the file beside it, which is there while the key is being replaced.
    pub next: Option<MasterKey>,
}

impl KeySource {
    /// The key that `setting` spells in 64 hexadecimal digits, or else the one in the file.
    pub fn new(setting: Option<&str>, file: &Path) -> Self {
        Self { setting: setting.map(SecretString::from), file: file.to_owned() }
    }

    /// Whether the key is in a file, which this program may replace.
    pub fn is_file(&self) -> bool {
        self.setting.is_none()
    }

    /// The keys that are there.
    pub fn read(&self) -> Result<Found, KeyError> {
        if let Some(setting) = &self.setting {
            let key = MasterKey::from_setting(SETTING, setting.expose_secret())?;
            return Ok(Found { key: Some(key), next: None });
        }
        // In this order: what is renamed between the two is read twice, not missed.
        let next = MasterKey::read(&self.next_file())?;
        let key = MasterKey::read(&self.file)?;
        Ok(Found { key, next })
    }

    /// Makes the key's file where there is none.
    pub(crate) fn make(&self) -> Result<MasterKey, KeyError> {
        MasterKey::make(&self.file)
    }

    /// The key in the file beside the key, which is made where there is none.
    pub fn make_next(&self) -> Result<MasterKey, KeyError> {
        let path = self.next_file();
        match MasterKey::read(&path)? {
            Some(key) => Ok(key),
            None => MasterKey::make(&path),
        }
    }

    /// Puts the file beside the key in the key's place. Another process may have done so before.
    pub fn adopt_next(&self) -> Result<(), KeyError> {
        match fs::rename(self.next_file(), &self.file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(KeyError::File { path: self.file.clone(), source: error });
            }
            _ => {}
        }
        sync_folder(&self.file)
    }

    /// Removes the file beside the key.
    pub fn drop_next(&self) -> Result<(), KeyError> {
        let path = self.next_file();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(KeyError::File { path, source: error })
            }
            _ => Ok(()),
        }
    }

    fn next_file(&self) -> PathBuf {
        self.file.with_extension("next")
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.setting {
            Some(_) => formatter.write_str(SETTING),
            None => self.file.display().fmt(formatter),
        }
    }
}

impl MasterKey {
    /// The key in the file at `path`; `None` when there is no file.
    fn read(path: &Path) -> Result<Option<Self>, KeyError> {
        let failed = |source| KeyError::File { path: path.to_owned(), source };
        let text = match fs::read_to_string(path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        match fs::metadata(path) {
            Ok(found) if found.mode() & 0o077 != 0 => {
                return Err(KeyError::Shared { path: path.to_owned() });
            }
            // Renamed since.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let key =
            Self::from_hex(&text).ok_or_else(|| KeyError::Content { path: path.to_owned() })?;
        key.known_to_nobody(&path.display()).map(Some)
    }

    /// The key that 64 hexadecimal digits spell; white space around them does not count.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        hex::decode_to_slice(text.trim(), bytes.as_mut_slice()).ok()?;
        Some(Self(Key::new(bytes)))
    }

    /// The key that is to take the place of the present one, as `MCPBOX_NEW_ENCRYPTION_KEY` spells it.
    pub fn from_new_setting(text: &str) -> Result<Self, KeyError> {
        Self::from_setting(NEW_SETTING, text)
    }

    fn from_setting(name: &'static str, text: &str) -> Result<Self, KeyError> {
        Self::from_hex(text).ok_or(KeyError::Setting(name))?.known_to_nobody(&name)
    }

    fn known_to_nobody(self, source: &dyn fmt::Display) -> Result<Self, KeyError> {
        if self.0.bytes() == &[0; KEY_BYTES] {
            return Err(KeyError::Zero(source.to_string()));
        }
        Ok(self)
    }

    /// Makes a key and its file. Of two programs that do so at once, one's key is taken by both.
    fn make(path: &Path) -> Result<Self, KeyError> {
        let key = Key::random();
        let failed = |source| KeyError::File { path: path.to_owned(), source };
        let partial = path.with_extension(format!("{}.partial", Uuid::now_v7()));
        let placed = (|| {
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial)?;
            let digits = Zeroizing::new(hex::encode(key.bytes()));
            writeln!(file, "{}", &*digits)?;
            file.sync_all()?;
            // A link, unlike renaming, never replaces a key that is there already.
            fs::hard_link(&partial, path)
        })();
        let _absent = fs::remove_file(&partial);
        match placed {
            // Nothing may be sealed with a key that a power failure could still take away.
            Ok(()) => sync_folder(path).map(|()| Self(key)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Self::read(path)?.ok_or_else(|| failed(error))
            }
            Err(error) => Err(failed(error)),
        }
    }

    pub(crate) fn key(&self) -> &Key {
        &self.0
    }

    /// What the database keeps to know the key again; nothing can be unsealed with it.
    pub(crate) fn check(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(CHECK);
        hasher.update(self.0.bytes());
        hex::encode(hasher.finalize())
    }
}

/// What was made, renamed or removed beside `path` is so after a power failure, too.
fn sync_folder(path: &Path) -> Result<(), KeyError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))
        .and_then(|folder| folder.sync_all())
        .map_err(|source| KeyError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_file(path: &Path) -> KeySource {
        KeySource::new(None, path)
    }

    #[test]
    fn a_key_is_made_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert_eq!(of_file(&path).read().unwrap(), Found { key: None, next: None });
        let made = of_file(&path).make().unwrap();
        assert_eq!(of_file(&path).make().unwrap(), made);
        assert_eq!(of_file(&path).read().unwrap().key, Some(made.clone()));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        let other = folder.path().join("other");
        assert_ne!(of_file(&other).make().unwrap(), made);
    }

    #[test]
    fn of_many_that_make_it_at_once_all_get_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let makers: Vec<_> = (0..8)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || of_file(&path).make().unwrap())
            })
            .collect();
        let keys: Vec<_> = makers.into_iter().map(|maker| maker.join().unwrap()).collect();
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn a_setting_wins_over_the_file_and_must_be_a_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        of_file(&path).make().unwrap();
        let digits = "0f".repeat(32);
        let found = KeySource::new(Some(&digits), &path).read().unwrap();
        assert_eq!(found, Found { key: MasterKey::from_hex(&digits), next: None });
        let short = KeySource::new(Some("0f"), &path).read().unwrap_err();
        assert!(short.to_string().contains("64 hexadecimal digits"), "{short}");
        let new = MasterKey::from_new_setting("0f").unwrap_err().to_string();
        assert!(new.contains("MCPBOX_NEW_ENCRYPTION_KEY"), "{new}");
    }

    #[test]
    fn a_key_of_zeros_is_refused_wherever_it_comes_from() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let zeros = "00".repeat(32);
        let refused = KeySource::new(Some(&zeros), &path).read().unwrap_err();
        assert!(refused.to_string().contains("MCPBOX_ENCRYPTION_KEY holds a key of zeros"));
        assert!(matches!(MasterKey::from_new_setting(&zeros), Err(KeyError::Zero(_))));
        of_file(&path).make().unwrap();
        fs::write(&path, &zeros).unwrap();
        let refused = of_file(&path).read().unwrap_err().to_string();
        assert!(refused.contains(&path.display().to_string()), "{refused}");
        let nearly = format!("{}01", "00".repeat(31));
        assert!(KeySource::new(Some(&nearly), &path).read().is_ok());
    }

    #[test]
    fn a_file_that_is_no_key_or_not_private_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        of_file(&path).make().unwrap();
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        fs::set_permissions(&path, open).unwrap();
        assert!(matches!(of_file(&path).read(), Err(KeyError::Shared { .. })));
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(&path, private).unwrap();
        fs::write(&path, "nothing").unwrap();
        assert!(matches!(of_file(&path).read(), Err(KeyError::Content { .. })));
    }

    #[test]
    fn a_next_key_waits_beside_the_key_until_it_takes_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let source = of_file(&folder.path().join("key"));
        let key = source.make().unwrap();
        let next = source.make_next().unwrap();
        assert_eq!(source.make_next().unwrap(), next, "one that is there is gone on with");
        let both = Found { key: Some(key.clone()), next: Some(next.clone()) };
        assert_eq!(source.read().unwrap(), both);
        source.drop_next().unwrap();
        source.drop_next().unwrap();
        assert_eq!(source.read().unwrap(), Found { key: Some(key), next: None });
        let next = source.make_next().unwrap();
        for _ in 0..2 {
            source.adopt_next().unwrap();
            assert_eq!(source.read().unwrap(), Found { key: Some(next.clone()), next: None });
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_key_is_never_shown() {
        let key = MasterKey::from_hex(&"ab".repeat(32)).unwrap();
        assert!(!format!("{key:?}").contains("171"), "{key:?}");
        assert!(!format!("{key:?}").contains("ab"), "{key:?}");
    }
}
