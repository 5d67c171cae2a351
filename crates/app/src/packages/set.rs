//! Sets of packages for calls: the wheels of a lock are put together and given to the sandbox.

use std::sync::Arc;
use std::time::Duration;

use super::preparation::Progress;
use super::{Kept, Packages, Preparation, wheel};
use crate::grants::Grants;
use crate::{App, Result};

/// What a call runs with: the set that the sandbox has prepared.
pub(crate) type Set = ();

/// The set that a call under these grants runs with, if any. The first call of a set waits for it, as
/// long as it may run itself.
///
/// # Errors
/// As [`Preparations::wait`](super::preparation::Preparations::wait).
pub(crate) async fn of_call(app: &App, grants: &Grants, limit: Duration) -> Result<Option<Set>> {
    let Some(kept) = &grants.lock else { return Ok(None) };
    let packages = app.packages()?;
    if let Some(set) = packages.sets.ready(&kept.digest) {
        return Ok(Some(set));
    }
    begin(app, kept);
    packages.sets.wait(&kept.digest, limit).await.map(Some)
}

/// Begins to prepare a set, unless that is done or under way. A program without a sandbox does not.
pub(crate) fn begin(app: &App, kept: &Arc<Kept>) {
    if let (Ok(packages), Ok(sandbox)) = (app.packages(), app.sandbox()) {
        begin_with(packages, sandbox, kept);
    }
}

/// The same for who has no [`App`].
pub(crate) fn begin_with(packages: &Arc<Packages>, sandbox: &sandbox::Sandbox, kept: &Arc<Kept>) {
    let (packages, sandbox, kept) = (Arc::clone(packages), sandbox.clone(), Arc::clone(kept));
    let sets = Arc::clone(&packages);
    sets.sets.begin(&kept.digest.clone(), |progress| async move {
        let made = prepare(&packages, &sandbox, &kept, progress).await;
        made.map_err(|error| {
            tracing::error!(%error, digest = %kept.digest, "packages could not be prepared");
            error.to_string()
        })
    });
}

async fn prepare(
    packages: &Packages,
    _sandbox: &sandbox::Sandbox,
    kept: &Kept,
    progress: Progress,
) -> Result<Set> {
    let locks = kept.lock().packages;
    let all = locks.len();
    let fetching = |done| {
        progress.send_replace(Preparation::Fetching { done, all });
    };
    let gathered = wheel::gather(packages, &locks, fetching).await?;
    let text = format!("importing {}", gathered.modules().join(", "));
    progress.send_replace(Preparation::Preparing { text });
    let _files: Vec<wheel::File> = gathered.into_files();
    // The sandbox's `prepare_set(&kept.digest, SetSource { files, modules }, &packages.folder, …)`.
    Ok(())
}
