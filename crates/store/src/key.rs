//! The master key that secrets are sealed with: where it comes from, and whether it fits the database.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rand::Rng as _;
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, sea_query::OnConflict};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::connection::sealed::Handles as _;
use crate::{Connection, Error, Result, Transaction};

mod entity {
    //! The table of what belongs to the installation as a whole: one row.

    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "installation")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: i32,
        pub(crate) key_check: String,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

const LENGTH: usize = 32;

/// Keeps the check apart from every other hash that could be made of the key.
const CHECK: &[u8] = b"mcpbox: the key of this installation\n";

/// Why there is no key, or not the right one.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The setting is no key.
    #[error(
        "MCPBOX_ENCRYPTION_KEY is not 64 hexadecimal digits; make one with `openssl rand -hex 32`"
    )]
    Setting,
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
        "the key is not the one that this database was first used with; put back the `key` file \
         of its data directory, or set MCPBOX_ENCRYPTION_KEY to the key of the other replicas"
    )]
    Mismatch,
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] Error),
}

/// 256 bits that every secret is sealed with.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey([u8; LENGTH]);

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MasterKey(…)")
    }
}

impl MasterKey {
    /// The key that `setting` spells in 64 hexadecimal digits, or else the one in the file at
    /// `path`, which is made, readable by its owner alone, where there is none.
    pub fn obtain(setting: Option<&str>, path: &Path) -> Result<Self, KeyError> {
        match setting {
            Some(text) => Self::from_hex(text).ok_or(KeyError::Setting),
            None => match Self::read(path)? {
                Some(key) => Ok(key),
                None => Self::make(path),
            },
        }
    }

    /// The key in the file at `path`; `None` when there is no file.
    pub fn read(path: &Path) -> Result<Option<Self>, KeyError> {
        let failed = |source| KeyError::File { path: path.to_owned(), source };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        if fs::metadata(path).map_err(failed)?.mode() & 0o077 != 0 {
            return Err(KeyError::Shared { path: path.to_owned() });
        }
        let key =
            Self::from_hex(&text).ok_or_else(|| KeyError::Content { path: path.to_owned() })?;
        Ok(Some(key))
    }

    /// The key that 64 hexadecimal digits spell; white space around them does not count.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; LENGTH];
        hex::decode_to_slice(text.trim(), &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// Makes a key and its file. Of two programs that do so at once, one's key is taken by both.
    fn make(path: &Path) -> Result<Self, KeyError> {
        let mut bytes = [0; LENGTH];
        rand::rng().fill_bytes(&mut bytes);
        let failed = |source| KeyError::File { path: path.to_owned(), source };
        let partial = path.with_extension(format!("{}.partial", Uuid::now_v7()));
        let placed = (|| {
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial)?;
            writeln!(file, "{}", hex::encode(bytes))?;
            file.sync_all()?;
            // A link, unlike renaming, never replaces a key that is there already.
            fs::hard_link(&partial, path)
        })();
        let _absent = fs::remove_file(&partial);
        match placed {
            Ok(()) => Ok(Self(bytes)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Self::read(path)?.ok_or_else(|| failed(error))
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// What the database keeps to know the key again; nothing can be unsealed with it.
    fn check(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(CHECK);
        hasher.update(self.0);
        hex::encode(hasher.finalize())
    }
}

/// Whether `key` is the one this database is used with; `None` while it has none.
pub async fn fits(db: &impl Connection, key: &MasterKey) -> Result<Option<bool>> {
    fits_at(&db.reader(), key).await
}

/// The same on a bare connection.
pub(crate) async fn fits_at(db: &impl ConnectionTrait, key: &MasterKey) -> Result<Option<bool>> {
    let row = entity::Entity::find().one(db).await?;
    Ok(row.map(|row| row.key_check == key.check()))
}

/// Binds the database to `key` where it has none, and refuses another one.
pub async fn bind(transaction: Transaction, key: &MasterKey) -> Result<(), KeyError> {
    let row = entity::ActiveModel { id: Set(1), key_check: Set(key.check()) };
    let first = OnConflict::column(entity::Column::Id).do_nothing().to_owned();
    entity::Entity::insert(row)
        .on_conflict(first)
        .exec_without_returning(&transaction.writer())
        .await
        .map_err(Error::from)?;
    let fits = fits(&transaction, key).await?;
    transaction.commit().await?;
    if fits == Some(true) { Ok(()) } else { Err(KeyError::Mismatch) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let made = MasterKey::obtain(None, &path).unwrap();
        assert_eq!(MasterKey::obtain(None, &path).unwrap(), made);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        let other = folder.path().join("other");
        assert_ne!(MasterKey::obtain(None, &other).unwrap(), made);
    }

    #[test]
    fn of_many_that_make_it_at_once_all_get_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let makers: Vec<_> = (0..8)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || MasterKey::obtain(None, &path).unwrap())
            })
            .collect();
        let keys: Vec<_> = makers.into_iter().map(|maker| maker.join().unwrap()).collect();
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn a_setting_wins_over_the_file_and_must_be_a_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let digits = "0f".repeat(32);
        let key = MasterKey::obtain(Some(&digits), &path).unwrap();
        assert_eq!(Some(key), MasterKey::from_hex(&digits));
        assert!(!path.exists());
        let short = MasterKey::obtain(Some("0f"), &path).unwrap_err();
        assert!(short.to_string().contains("64 hexadecimal digits"), "{short}");
    }

    #[test]
    fn a_file_that_is_no_key_or_not_private_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        MasterKey::obtain(None, &path).unwrap();
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        fs::set_permissions(&path, open).unwrap();
        assert!(matches!(MasterKey::obtain(None, &path), Err(KeyError::Shared { .. })));
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(&path, private).unwrap();
        fs::write(&path, "nothing").unwrap();
        assert!(matches!(MasterKey::obtain(None, &path), Err(KeyError::Content { .. })));
    }

    #[test]
    fn a_key_is_never_shown() {
        let key = MasterKey::from_hex(&"ab".repeat(32)).unwrap();
        assert!(!format!("{key:?}").contains("171"), "{key:?}");
        assert!(!format!("{key:?}").contains("ab"), "{key:?}");
    }
}
