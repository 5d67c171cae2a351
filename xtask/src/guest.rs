//! Builds the guest: CPython and the runner as a component, compiled ahead of time.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::Hasher;
use std::path::Path;

use anyhow::{Context, Result};

use crate::python::{self, Environment};
use crate::steps;
use crate::workspace::Workspace;

/// Leaves the finished guest at `target/guest/python.cwasm.zst`; steps whose inputs are the same
/// as the last time are skipped.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let environment =
        Environment::ensure(workspace, workspace.guest("venv"), "guest/requirements.txt")?;
    let component = workspace.guest("guest.wasm");
    let mut build = python::isolated(workspace, &environment.program("python"));
    build.arg(workspace.path("guest/build.py"));
    steps::run("building the guest component, when it changed", &mut build)?;

    workspace.build("building the guest compiler", &["guest-compile"])?;
    let compiler = workspace.binary("guest-compile");
    let finished = workspace.guest("python.cwasm.zst");
    let stamp = workspace.guest("python.cwasm.zst.inputs");
    let inputs = fingerprint(&[&component, &compiler])?;
    if finished.is_file() && fs::read_to_string(&stamp).is_ok_and(|found| found == inputs) {
        return Ok(());
    }
    // A compilation that is interrupted leaves no stamp, and is done again.
    let unfinished = workspace.guest("python.cwasm.zst.unfinished");
    let mut compile = workspace.command(&compiler);
    steps::run("compiling the guest ahead of time", compile.arg(&component).arg(&unfinished))?;
    fs::rename(&unfinished, &finished)
        .with_context(|| format!("cannot put {} in place", finished.display()))?;
    fs::write(&stamp, inputs).with_context(|| format!("cannot write {}", stamp.display()))
}

/// A text that changes when one of the files does; it is only ever compared on one machine.
fn fingerprint(files: &[&Path]) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for file in files {
        let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        hasher.write_usize(bytes.len());
        hasher.write(&bytes);
    }
    Ok(format!("{:016x}", hasher.finish()))
}
