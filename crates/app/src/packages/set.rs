//! Sets of packages for calls: the wheels of a lock are put together, and the sandbox loads them once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sandbox::{Sandbox, Set, SetReport, SetSource};
use tokio::sync::watch;

use super::preparation::Progress;
use super::{Kept, Packages, Preparation, wheel};
use crate::grants::Grants;
use crate::{App, Result, calls};

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
pub(crate) fn begin_with(packages: &Arc<Packages>, sandbox: &Sandbox, kept: &Arc<Kept>) {
    let sets = Arc::clone(packages);
    let (packages, sandbox, kept) = (Arc::clone(packages), sandbox.clone(), Arc::clone(kept));
    sets.sets.begin(&kept.digest.clone(), |progress| async move {
        let made = prepare(&packages, &sandbox, &kept, progress).await;
        made.map_err(|error| {
            tracing::error!(%error, digest = %kept.digest, "packages could not be prepared");
            error.to_string()
        })
    });
}

/// Prepares a set that nobody has approved yet, and tells which modules of it cannot be loaded. It is
/// on disk afterwards.
pub(crate) async fn failed_modules(app: &App, kept: &Kept) -> Result<BTreeMap<String, String>> {
    let (progress, _unheard) = watch::channel(Preparation::NotBegun);
    let set = prepare(app.packages()?, app.sandbox()?, kept, progress).await?;
    Ok(set.report().failed.clone())
}

/// Removes the sets that no server needs from the folder.
pub(crate) async fn sweep(packages: &Packages, sandbox: &Sandbox, needed: Vec<String>) {
    sandbox.sweep_sets(&folder(packages), needed).await;
}

/// What a set that is ready tells about itself.
pub(crate) fn told(set: &Set) -> Preparation {
    let SetReport { failed, fallen_back, .. } = set.report().clone();
    Preparation::Ready { failed, fallen_back }
}

async fn prepare(
    packages: &Packages,
    sandbox: &Sandbox,
    kept: &Kept,
    progress: Progress,
) -> Result<Set> {
    let folder = folder(packages);
    if let Some(set) = sandbox.kept_set(&kept.digest, &folder).await {
        return Ok(set);
    }
    let locks = kept.lock().packages;
    let all = locks.len();
    let fetching = |done| {
        progress.send_replace(Preparation::Fetching { done, all });
    };
    let gathered = wheel::gather(packages, &locks, fetching).await?;
    let source = SetSource { modules: gathered.modules(), files: gathered.into_files() };
    let preparing = move |text| {
        progress.send_replace(Preparation::Preparing { text });
    };
    preparing("waiting for a worker".to_owned());
    let made = sandbox.prepare_set(&kept.digest, source, &folder, preparing).await;
    made.map_err(calls::sandbox_failure)
}

/// Where the sandbox keeps sets.
fn folder(packages: &Packages) -> PathBuf {
    packages.folder.join("sets")
}
