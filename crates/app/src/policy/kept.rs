//! Reading the policy: from the database, or from what was read while nothing has changed since.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Fixed, Key, Policy};
use crate::{App, Result};

/// The policy that was read last, and where the counter of changes stood before.
#[derive(Default)]
pub(crate) struct Kept {
    found: Mutex<Option<(i64, Policy)>>,
    pub(crate) fixed: Fixed,
}

/// A setting as the API lists it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Which.
    pub key: Key,
    /// What holds.
    pub value: Value,
    /// The variable that fixes it.
    pub fixed_by: Option<&'static str>,
    /// When a person set it last, and who.
    pub updated: Option<(DateTime<Utc>, String)>,
}

impl Kept {
    pub(crate) fn new(fixed: Fixed) -> Self {
        Self { found: Mutex::default(), fixed }
    }

    /// What was read when the counter stood at `counter`, or later.
    fn since(&self, counter: i64) -> Option<Policy> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.filter(|(read_at, _)| *read_at >= counter).map(|(_, policy)| policy)
    }

    fn put(&self, counter: i64, policy: Policy) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.is_none_or(|(read_at, _)| read_at <= counter) {
            *found = Some((counter, policy));
        }
    }
}

/// The policy as it is now; one small query while nothing has changed.
pub async fn get(app: &App) -> Result<Policy> {
    // Read before all else: a change that comes meanwhile is found the next time.
    let counter = store::changes::counter(app.store()).await?;
    since(app, counter).await
}

/// The policy as this process knows it: what other processes change is known a moment later. Without
/// a query while nothing has changed.
pub(crate) async fn recent(app: &App) -> Result<Policy> {
    let seen = *app.changes().borrow();
    if let Some(policy) = app.policy().since(seen) {
        return Ok(policy);
    }
    get(app).await
}

async fn since(app: &App, counter: i64) -> Result<Policy> {
    if let Some(policy) = app.policy().since(counter) {
        return Ok(policy);
    }
    let policy = read(app.store(), &app.policy().fixed).await?;
    app.policy().put(counter, policy);
    Ok(policy)
}

/// The policy that the database holds, with what the program was started with.
pub(crate) async fn read(store: &store::Store, fixed: &Fixed) -> Result<Policy> {
    Ok(of_rows(&store::settings::all(store).await?).with(fixed))
}

pub(super) fn of_rows(rows: &[store::settings::Setting]) -> Policy {
    let known = |row: &store::settings::Setting| Key::all().find(|key| key.name() == row.key);
    let values = rows.iter().filter_map(|row| Some((known(row)?, row.value.as_str())));
    Policy::from_values(&values.collect::<Vec<_>>())
}

/// Every setting, what holds and who set it.
pub async fn stored(app: &App) -> Result<Vec<Stored>> {
    let fixed = &app.policy().fixed;
    let rows = store::settings::all(app.store()).await?;
    let policy = of_rows(&rows).with(fixed);
    let of_key = |key: Key| {
        let row = rows.iter().find(|row| row.key == key.name());
        Stored {
            key,
            value: policy.value(key),
            fixed_by: key.fixed_by(fixed),
            updated: row.map(|row| (row.updated_at, row.updated_by.clone())),
        }
    };
    Ok(Key::all().map(of_key).collect())
}
