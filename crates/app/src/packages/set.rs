//! Sets of packages for calls: the wheels of a lock are put together, and the sandbox loads them once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sandbox::{Sandbox, Set, SetReport, SetSource};
use tokio::sync::watch;

use super::preparation::{Failed, Progress};
use super::{Kept, Packages, Preparation, wheel};
use crate::grants::Grants;
use crate::{App, Error, Result, calls};

/// The set that a call of `source` under these grants runs with, if any. A call that comes before it is
/// ready waits for it as long as it may run itself, unless its source names none of the modules: then
/// it runs without.
///
/// # Errors
/// As [`Preparations::wait`](super::preparation::Preparations::wait).
pub(crate) async fn of_call(
    app: &App,
    grants: &Grants,
    source: &str,
    limit: Duration,
) -> Result<Option<Set>> {
    let Some(kept) = &grants.lock else { return Ok(None) };
    let packages = app.packages()?;
    if let Some(set) = packages.sets.ready(&kept.digest) {
        return Ok(Some(set));
    }
    begin(app, kept);
    if !kept.modules().any(|module| is_named(source, module)) {
        return Ok(None);
    }
    packages.sets.wait(&kept.digest, limit).await.map(Some)
}

/// Whether a module's name stands in a source, as a word.
fn is_named(source: &str, module: &str) -> bool {
    let is_part = |letter: Option<char>| {
        letter.is_some_and(|letter| letter == '_' || letter.is_alphanumeric())
    };
    source.match_indices(module).any(|(at, _)| {
        let (before, rest) = source.split_at(at);
        let after = rest.get(module.len()..).unwrap_or_default();
        !is_part(before.chars().next_back()) && !is_part(after.chars().next())
    })
}

/// Whether a set need only be read.
pub(crate) fn is_on_disk(packages: &Packages, sandbox: &Sandbox, kept: &Kept) -> bool {
    sandbox.has_set(&kept.digest, &folder(packages))
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
            let passing = matches!(error, Error::Busy { .. } | Error::Unavailable { .. });
            Failed { reason: error.to_string(), passing }
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
    // Not many at once: each takes a worker's time from calls.
    let _place = packages.making.acquire().await;
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

#[cfg(test)]
mod tests {
    use super::is_named;

    #[test]
    fn a_module_is_named_by_a_word_wherever_it_stands() {
        for source in
            ["import yaml", "from yaml import x", "a(yaml)", "yaml", "x = 'yaml.y'", "é.yaml"]
        {
            assert!(is_named(source, "yaml"), "{source}");
        }
        for source in ["import yamlx", "pyyaml", "_yaml", "yaml_", "yamlé", "YAML", ""] {
            assert!(!is_named(source, "yaml"), "{source}");
        }
    }
}
