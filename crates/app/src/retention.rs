//! How long the execution log is kept: what is older goes. The audit log stays.

use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::timeout;

use crate::policy::{self, Fixed};
use crate::{App, Result, clock};

/// How often old rows are looked for while the setting stays the same.
const EVERY: Duration = Duration::from_hours(1);

/// How long to wait after a failure.
const AGAIN: Duration = Duration::from_mins(1);

/// How many rows go in one statement: others that write wait so long.
const AT_ONCE: u64 = 500;

/// Removes what is older than the policy says; how many calls that were. Any number of processes may
/// do so at once.
pub async fn remove_old(app: &App) -> Result<u64> {
    let days = policy::get(app).await?.log_retention_days;
    remove(app.store(), days).await
}

/// Removes what is old each hour, and soon after the setting was changed, until it is dropped.
pub(crate) async fn keep(store: store::Store, fixed: Fixed) {
    let mut changes = store.changes();
    loop {
        match round(&store, &fixed).await {
            Ok(days) => {
                // Whatever else changes meanwhile, the next round is in an hour.
                let other = another(&store, &fixed, days, &mut changes);
                if let Ok(Err(error)) = timeout(EVERY, other).await {
                    tracing::warn!(%error, "the settings could not be read; trying again");
                    tokio::time::sleep(AGAIN).await;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "old calls could not be removed; trying again");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// Removes what is old; the days that it was done for.
async fn round(store: &store::Store, fixed: &Fixed) -> Result<u32> {
    let days = policy::read(store, fixed).await?.log_retention_days;
    let removed = remove(store, days).await?;
    if removed > 0 {
        tracing::info!(removed, days, "old calls removed from the execution log");
    }
    Ok(days)
}

/// Waits until the setting is no longer `days`.
async fn another(
    store: &store::Store,
    fixed: &Fixed,
    days: u32,
    changes: &mut tokio::sync::watch::Receiver<i64>,
) -> Result<()> {
    loop {
        // The store is closed, and this task about to end, where there are no more changes.
        if changes.changed().await.is_err() {
            return std::future::pending().await;
        }
        if policy::read(store, fixed).await?.log_retention_days != days {
            return Ok(());
        }
    }
}

async fn remove(store: &store::Store, days: u32) -> Result<u64> {
    let end = clock::now() - TimeDelta::days(i64::from(days));
    let mut removed = 0;
    loop {
        let some = store::calls::delete_before(store, end, AT_ONCE).await?;
        removed += some;
        if some < AT_ONCE {
            break;
        }
        tokio::task::yield_now().await;
    }
    store::refusals::delete_before(store, end).await?;
    Ok(removed)
}
