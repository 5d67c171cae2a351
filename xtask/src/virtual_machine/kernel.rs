//! Chooses kernels among those that the distribution has for virtual machines.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::packages;
use crate::workspace::Workspace;
use crate::{steps, system};

const PREFIX: &str = "linux-image-";

/// Kernels of this flavour have the disk's driver built in: no modules have to be loaded.
const SUFFIX: &str = "-cloud-amd64";

/// The first version of Linux that has everything the recipes of `sandbox` ask for.
const COMPLETE: [u64; 2] = [6, 7];

/// A kernel in a package of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kernel {
    version: Vec<u64>,
    /// What `uname -r` says under it.
    pub(super) release: String,
}

impl Kernel {
    /// From the name of a package; packages that only name another one have too short a version.
    fn of_package(name: &str) -> Option<Self> {
        let release = name.strip_prefix(PREFIX)?;
        let numbers = release.strip_suffix(SUFFIX)?;
        let numbers = numbers.split(|character: char| !character.is_ascii_digit());
        let version: Vec<_> = numbers.filter_map(|number| number.parse().ok()).collect();
        (version.len() >= 3).then(|| Self { version, release: release.to_owned() })
    }

    /// Whether all recipes have to work under it.
    pub(super) fn is_complete(&self) -> bool {
        self.version.as_slice() >= COMPLETE.as_slice()
    }

    /// The file that the emulator starts.
    pub(super) fn image(&self, workspace: &Workspace) -> Result<PathBuf> {
        let release = &self.release;
        let place = format!("boot/vmlinuz-{release}");
        packages::file(workspace, &format!("{PREFIX}{release}"), "vmlinuz", &[&place])
    }
}

/// The newest kernel, and the newest of those that lack something, if there are such.
pub(super) fn choose(workspace: &Workspace) -> Result<(Kernel, Option<Kernel>)> {
    let mut names = known();
    if pick(&names).is_none() {
        system::refresh(workspace)?;
        names = known();
    }
    let (newest, old) = pick(&names).with_context(|| {
        format!("the distribution has no package {PREFIX}…{SUFFIX}; Debian 12 and newer have")
    })?;
    ensure!(
        newest.is_complete(),
        "the distribution's newest kernel is {}; the recipes need one of Linux 6.7 or newer",
        newest.release
    );
    Ok((newest, old))
}

/// The names of packages that may be kernels, one a line.
fn known() -> String {
    let pattern = format!("^{PREFIX}[0-9].*{SUFFIX}$");
    let mut search = Command::new("apt-cache");
    search.args(["search", "--names-only", &pattern]);
    steps::output(&mut search).unwrap_or_default()
}

fn pick(listed: &str) -> Option<(Kernel, Option<Kernel>)> {
    let names = listed.lines().filter_map(|line| line.split_whitespace().next());
    let kernels: Vec<_> = names.filter_map(Kernel::of_package).collect();
    let newest = kernels.iter().max()?.clone();
    let old = kernels.into_iter().filter(|kernel| !kernel.is_complete()).max();
    Some((newest, old))
}

#[cfg(test)]
mod tests {
    use super::pick;

    #[test]
    fn the_newest_kernel_and_the_newest_old_one_are_chosen() {
        let listed = "linux-image-6.1.0-9-cloud-amd64 - Linux 6.1 for x86-64 cloud (signed)\n\
                      linux-image-6.12-cloud-amd64 - Linux for x86-64 cloud (meta-package)\n\
                      linux-image-6.12.100+deb12-cloud-amd64 - Linux 6.12\n\
                      linux-image-6.12.99+deb12-cloud-amd64 - Linux 6.12\n\
                      linux-image-6.1.0-56-cloud-amd64 - Linux 6.1\n";
        let (newest, old) = pick(listed).unwrap();
        assert_eq!(newest.release, "6.12.100+deb12-cloud-amd64");
        assert!(newest.is_complete());
        assert_eq!(old.unwrap().release, "6.1.0-56-cloud-amd64");
    }

    #[test]
    fn one_new_kernel_is_enough_and_none_is_not() {
        let (newest, old) = pick("linux-image-6.12.41+deb13-cloud-amd64 - Linux 6.12").unwrap();
        assert_eq!((newest.release.as_str(), old), ("6.12.41+deb13-cloud-amd64", None));
        assert_eq!(pick("linux-image-6.12-cloud-amd64 - Linux for x86-64 cloud"), None);
        assert_eq!(pick(""), None);
    }
}
