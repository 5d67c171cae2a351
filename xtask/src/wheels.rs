//! The wheels that the tests' package index serves, fetched once.

use std::fs;

use anyhow::{Context, Result};

use crate::python::{self, Environment};
use crate::steps;
use crate::workspace::Workspace;

/// What to fetch, with hashes.
const REQUIREMENTS: &str = "dev/index/requirements.txt";

/// What the wheels are for, whatever this machine is: those with compiled parts differ by it.
const FOR: [&str; 8] = [
    "--python-version=3.14",
    "--implementation=cp",
    "--abi=cp314",
    "--abi=abi3",
    "--abi=none",
    "--platform=manylinux2014_x86_64",
    "--platform=manylinux_2_28_x86_64",
    "--platform=any",
];

/// Leaves the wheels in `target/wheels`; fetches them again when the list changes.
pub(crate) fn ensure(workspace: &Workspace, environment: &Environment) -> Result<()> {
    let folder = workspace.target("wheels");
    let stamp = folder.join("complete.txt");
    let list = workspace.path(REQUIREMENTS);
    let wanted = fs::read_to_string(&list)
        .with_context(|| format!("cannot read the requirements {}", list.display()))?;
    let _lock = workspace.lock()?;
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove the outdated {}", folder.display()))?;
    }
    let mut pip = python::isolated(workspace, &environment.program("python"));
    pip.args(["-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]);
    pip.args(["--no-deps", "--require-hashes", "--only-binary=:all:"]).args(FOR);
    pip.arg("--dest").arg(&folder).arg("--requirement").arg(&list);
    steps::run(&format!("fetching the wheels of {REQUIREMENTS}"), &mut pip)?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot finish {}", folder.display()))
}
