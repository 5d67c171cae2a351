//! Rotation: a new master key and a new data key take the place of the old ones while everything runs.
//!
//! Each step can be repeated, and whatever was read before a step can be read after it. First the
//! data keys are sealed with both master keys and a new one is made, then every value is sealed
//! anew, then the old keys go.

use chrono::{DateTime, Utc};
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use crate::data_keys::{self, DataKey};
use crate::installation::{self, Binding, Role};
use crate::key::{KeyError, MasterKey};
use crate::keyring::Keyring;
use crate::secrets::{self, Secret};
use crate::{Connection, Store, Transaction, changes};

/// Values that are read at once.
const BATCH: u64 = 100;

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It was taken.
    Taken,
    /// It was taken before, by an earlier run or by another process.
    TakenBefore,
}

/// How far a rotation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The master keys.
    pub binding: Binding,
    /// The generation that seals what is new.
    pub generation: i32,
    /// How many values there are.
    pub values: u64,
    /// How many of them are sealed with a data key of an older generation.
    pub older: u64,
}

/// A part of the values, sealed anew.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Where to go on; none after the last part.
    pub last: Option<Uuid>,
    /// How many were sealed anew.
    pub resealed: u64,
    /// Those that do not open with their data key. They stay as they are.
    pub damaged: Vec<Secret>,
}

/// How far it is; none while the database was used with no key.
pub async fn progress(db: &impl Connection) -> Result<Option<Progress>, KeyError> {
    let Some(binding) = installation::binding(db).await? else { return Ok(None) };
    let newest = data_keys::newest(db).await?.map_or(0, |row| row.generation);
    let (values, older) = secrets::count(db, newest).await?;
    Ok(Some(Progress { binding, generation: newest, values, older }))
}

/// Seals all data keys with the next master key as well, and makes a new one that seals what is new
/// from here on.
pub async fn begin(
    transaction: &Transaction,
    keyring: &Keyring,
    next: &MasterKey,
    now: DateTime<Utc>,
) -> Result<Step, KeyError> {
    changes::hold(transaction).await?;
    let binding = installation::binding(transaction).await?.ok_or(KeyError::Mismatch)?;
    match binding.role(next) {
        Some(Role::Current) => return Err(KeyError::Same),
        Some(Role::Next) => return Ok(Step::TakenBefore),
        None if binding.is_rotating() => return Err(KeyError::OtherRotation),
        None => {}
    }
    let master = keyring.master(&binding, Role::Current).ok_or(KeyError::Mismatch)?;
    let mut generation = 0;
    for row in data_keys::all(transaction).await? {
        generation = generation.max(row.generation);
        let place = data_keys::place(row.generation);
        let DataKey { key, .. } = &*keyring.opened(&row)?;
        let sealed_next = next.key().seal(key.bytes(), &place)?;
        data_keys::set_next(transaction, row.generation, Some(sealed_next)).await?;
    }
    let new = data_keys::make(generation + 1, master.key(), Some(next.key()), now)?;
    data_keys::insert(transaction, new).await?;
    installation::set_next(transaction, Some(next)).await?;
    Ok(Step::Taken)
}

/// Seals the next values behind `after` with the newest data key. A value that somebody changes
/// meanwhile is left alone: whoever does so takes the newest data key already.
pub async fn reseal(
    store: &Store,
    keyring: &Keyring,
    after: Option<Uuid>,
) -> Result<Batch, KeyError> {
    let newest = data_keys::newest(store).await?.ok_or(KeyError::Mismatch)?;
    let newest = keyring.opened(&newest)?;
    let rows = secrets::sealed_before(store, newest.generation, after, BATCH).await?;
    let mut batch = Batch { last: rows.last().map(|row| row.id), ..Batch::default() };
    for row in rows {
        let Some(generation) = row.generation else { continue };
        // Removed only when nothing is sealed with it: the value was changed since it was read.
        let Some(key) = keyring.of(store, generation).await? else { continue };
        let Ok(value) = row.unseal(&key) else {
            batch.damaged.push(row);
            continue;
        };
        let again = row.seal(&newest, value.expose_secret(), row.is_short)?;
        batch.resealed += u64::from(secrets::reseal(store, &row, again).await?);
    }
    Ok(batch)
}

/// Puts the next master key in the place of the old one, which opens nothing from here on, and
/// removes the data keys that nothing is sealed with any more.
pub async fn finish(transaction: &Transaction, keyring: &Keyring) -> Result<Step, KeyError> {
    changes::hold(transaction).await?;
    let binding = installation::binding(transaction).await?.ok_or(KeyError::Mismatch)?;
    if !binding.is_rotating() {
        return Ok(Step::TakenBefore);
    }
    let next = keyring.master(&binding, Role::Next).ok_or(KeyError::OtherRotation)?;
    let rows = data_keys::all(transaction).await?;
    for row in &rows {
        let (place, generation) = (data_keys::place(row.generation), row.generation);
        let opens = |sealed: &Vec<u8>| next.key().unseal_key(sealed, &place).is_ok();
        if !row.sealed_next.as_ref().is_some_and(opens) {
            return Err(KeyError::Unopened { generation });
        }
    }
    data_keys::adopt_next(transaction).await?;
    let newest = rows.last().map_or(0, |row| row.generation);
    data_keys::delete_unused(transaction, newest).await?;
    installation::adopt_next(transaction).await?;
    Ok(Step::Taken)
}

/// Gives the next master key up. The new data key stays, under the old master key, without which
/// nothing would open any more: so it has to be there.
pub async fn cancel(transaction: &Transaction, keyring: &Keyring) -> Result<Step, KeyError> {
    changes::hold(transaction).await?;
    let binding = installation::binding(transaction).await?.ok_or(KeyError::Mismatch)?;
    if !binding.is_rotating() {
        return Ok(Step::TakenBefore);
    }
    if keyring.master(&binding, Role::Current).is_none() {
        return Err(KeyError::Mismatch);
    }
    for row in data_keys::all(transaction).await? {
        data_keys::set_next(transaction, row.generation, None).await?;
    }
    installation::set_next(transaction, None).await?;
    Ok(Step::Taken)
}
