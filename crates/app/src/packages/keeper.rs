//! The keeper: clears away wheels that nobody needs, and has sets made before calls want them.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Kept, Packages, set};
use crate::Result;

/// Clears the folder of wheels, then prepares the sets of all servers, and again after each change,
/// also after one that another process made. Ends when it is dropped.
pub(crate) async fn keep(store: store::Store, packages: Arc<Packages>, sandbox: sandbox::Sandbox) {
    let mut changes = store.changes();
    if let Err(error) = sweep(&store, &packages, &sandbox).await {
        tracing::warn!(%error, "wheels that nobody needs could not be removed");
    }
    loop {
        changes.borrow_and_update();
        match all(&store).await {
            Ok(sets) => {
                let needed: HashSet<&str> = sets.iter().map(|kept| &*kept.digest).collect();
                packages.sets.retain(|digest| needed.contains(digest));
                // Those that are on disk are read when a call needs them.
                for kept in sets.iter().filter(|kept| !set::is_on_disk(&packages, &sandbox, kept)) {
                    set::begin_with(&packages, &sandbox, kept);
                }
            }
            Err(error) => tracing::warn!(%error, "the packages of the servers could not be read"),
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

async fn all(store: &store::Store) -> Result<Vec<Arc<Kept>>> {
    let rows = store::package_locks::all(store).await?;
    Ok(rows.into_iter().filter_map(|row| Kept::from_row(row).ok().map(Arc::new)).collect())
}

async fn sweep(
    store: &store::Store,
    packages: &Packages,
    sandbox: &sandbox::Sandbox,
) -> Result<()> {
    let sets = all(store).await?;
    let digests = sets.iter().map(|kept| kept.digest.clone());
    set::sweep(packages, sandbox, digests.collect()).await;
    let hashes = sets.iter().flat_map(|kept| &kept.packages);
    let needed = hashes.map(|held| held.locked.sha256.clone()).collect();
    let removed = packages.wheels.sweep(needed).await?;
    if removed > 0 {
        tracing::info!(removed, "wheels that no server needs removed");
    }
    Ok(())
}
