//! Takes single files out of packages of the distribution, without installing these.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;
use crate::{steps, system};

/// The first of `places` that is in `package`, kept as `name` in a folder of the checkout.
///
/// It is fetched once; a newer version of the same package does not replace it.
pub(super) fn file(
    workspace: &Workspace,
    package: &str,
    name: &str,
    places: &[&str],
) -> Result<PathBuf> {
    let kept = folder(workspace, "packages")?.join(package).join(name);
    if kept.is_file() {
        return Ok(kept);
    }
    system::refresh(workspace)?;
    let scratch = workspace.target("virtual-machine/scratch");
    clear(&scratch)?;
    let mut download = workspace.command("apt-get");
    download.args(["--quiet", "download", package]).current_dir(&scratch);
    steps::run(&format!("fetching the package {package}"), &mut download)?;
    let mut unpack = workspace.command("dpkg-deb");
    unpack.arg("--extract").arg(archive(&scratch)?).arg(scratch.join("unpacked"));
    steps::run(&format!("unpacking the package {package}"), &mut unpack)?;

    let mut places = places.iter().map(|place| scratch.join("unpacked").join(place));
    let Some(found) = places.find(|path| path.is_file()) else {
        bail!("the package {package} does not hold the file {name} where it is expected");
    };
    // A rename last: what is interrupted is done again.
    let parent = kept.parent().context("the file has a folder")?;
    fs::create_dir_all(parent)
        .and_then(|()| fs::rename(&found, &kept))
        .with_context(|| format!("cannot keep {}", kept.display()))?;
    clear(&scratch)?;
    Ok(kept)
}

/// A folder for what the virtual machines need; made when it is missing.
pub(super) fn folder(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    let folder = workspace.target("virtual-machine").join(name);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// Leaves an empty folder.
pub(super) fn clear(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

fn archive(folder: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).context("cannot look for the package")?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    paths
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt-get left no package")
}
