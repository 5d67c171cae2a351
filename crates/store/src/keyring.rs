//! The keyring of a process: the master key, and the data keys that it has opened.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::data_keys::{self, DataKey, Row};
use crate::installation::{self, Binding, Role};
use crate::key::{Found, KeyError, KeySource, MasterKey};
use crate::{Connection, Store, Transaction, changes};

/// Opens data keys when they are first needed; those that another process made meanwhile, too.
pub struct Keyring {
    source: KeySource,
    has_adopted: bool,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    masters: Vec<MasterKey>,
    data_keys: HashMap<i32, Arc<DataKey>>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Keyring").finish_non_exhaustive()
    }
}

impl Keyring {
    /// Finds or makes the master key and holds it against the one that the database is used with; a
    /// database that was used with none is bound to it. Where the key was being replaced and the
    /// program ended before the last step, that step is taken.
    pub async fn open(
        store: &Store,
        source: &KeySource,
        now: DateTime<Utc>,
    ) -> Result<Self, KeyError> {
        let mut found = source.read()?;
        if found.key.is_none() && found.next.is_none() {
            found.key = Some(source.make()?);
        }
        let Found { key, next } = found;
        let mut masters: Vec<MasterKey> = key.into_iter().chain(next.clone()).collect();
        let mut fitting = None;
        for key in &masters {
            let transaction = store.begin().await?;
            match bind(transaction, key, now).await {
                Ok(role) => {
                    fitting = Some((key.clone(), role));
                    break;
                }
                Err(KeyError::Mismatch) => {}
                Err(error) => return Err(error),
            }
        }
        let (key, role) = fitting.ok_or(KeyError::Mismatch)?;
        let has_adopted = role == Role::Current && next.as_ref() == Some(&key);
        if has_adopted {
            source.adopt_next()?;
            masters.retain(|master| *master == key);
        }
        let held = Mutex::new(Held { masters, ..Held::default() });
        Ok(Self { source: source.clone(), has_adopted, held })
    }

    /// Whether opening it took the last step of replacing the master key.
    pub fn has_adopted(&self) -> bool {
        self.has_adopted
    }

    /// The data key that seals what is new. Whoever wants to make a newer one waits for the end of
    /// this transaction, and the other way round: it comes first in it.
    pub async fn newest(&self, transaction: &Transaction) -> Result<Arc<DataKey>, KeyError> {
        changes::hold(transaction).await?;
        let row = data_keys::newest(transaction).await?;
        self.opened(&row.ok_or(KeyError::Mismatch)?)
    }

    /// The data key of a generation; none where it was removed, since nothing is sealed with it any
    /// more.
    pub async fn of(
        &self,
        db: &impl Connection,
        generation: i32,
    ) -> Result<Option<Arc<DataKey>>, KeyError> {
        let known = self.held().data_keys.get(&generation).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let row = data_keys::find(db, generation).await?;
        row.as_ref().map(|row| self.opened(row)).transpose()
    }

    /// Takes a master key in beside the others.
    pub fn add(&self, master: MasterKey) {
        let mut held = self.held();
        if !held.masters.contains(&master) {
            held.masters.push(master);
        }
    }

    /// The master key that has this role.
    pub(crate) fn master(&self, binding: &Binding, role: Role) -> Option<MasterKey> {
        self.held().masters.iter().find(|key| binding.role(key) == Some(role)).cloned()
    }

    pub(crate) fn opened(&self, row: &Row) -> Result<Arc<DataKey>, KeyError> {
        let mut held = self.held();
        if let Some(known) = held.data_keys.get(&row.generation) {
            return Ok(Arc::clone(known));
        }
        let mut opened = opened(&held.masters, row);
        if opened.is_none() && self.source.is_file() {
            // Replaced since this process began.
            let Found { key, next } = self.source.read()?;
            held.masters = key.into_iter().chain(next).collect();
            opened = self::opened(&held.masters, row);
        }
        let generation = row.generation;
        let key = Arc::new(opened.ok_or(KeyError::Unopened { generation })?);
        held.data_keys.insert(generation, Arc::clone(&key));
        Ok(key)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whichever of the master keys it is that a data key is sealed with.
fn opened(masters: &[MasterKey], row: &Row) -> Option<DataKey> {
    let place = data_keys::place(row.generation);
    let sealed = || [Some(&row.sealed), row.sealed_next.as_ref()].into_iter().flatten();
    masters.iter().find_map(|master| {
        let key = sealed().find_map(|sealed| master.key().unseal_key(sealed, &place).ok())?;
        Some(DataKey { generation: row.generation, key })
    })
}

/// Binds the database to `key` where it has none, with a first data key, and refuses one that it is
/// not used with.
async fn bind(
    transaction: Transaction,
    key: &MasterKey,
    now: DateTime<Utc>,
) -> Result<Role, KeyError> {
    installation::bind_first(&transaction, key).await?;
    let binding = installation::binding(&transaction).await?.ok_or(KeyError::Mismatch)?;
    let Some(role) = binding.role(key) else {
        // Nothing was bound: the binding was there before.
        drop(transaction);
        return Err(KeyError::Mismatch);
    };
    if data_keys::newest(&transaction).await?.is_none() {
        let first = data_keys::make(1, key.key(), None, now)?;
        data_keys::insert(&transaction, first).await?;
    }
    transaction.commit().await?;
    Ok(role)
}
