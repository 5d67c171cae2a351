//! Builds the guest: CPython and the runner as a component, compiled ahead of time.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::Hasher;
use std::path::{Path, PathBuf};

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

    workspace.build("building the tools for the guest", &["flatten", "guest-compile"])?;
    let [merged, stripped, image] = flatten(workspace, &component)?;
    compile(workspace, [&stripped, &image, &merged])
}

/// Merges the core modules; writes the component with its memory's contents, without, and these apart.
fn flatten(workspace: &Workspace, component: &Path) -> Result<[PathBuf; 3]> {
    let flattener = workspace.binary("flatten");
    let outputs = ["merged.wasm", "stripped.wasm", "memory.image"];
    let outputs = outputs.map(|name| workspace.guest(name));
    let [merged, stripped, image] = &outputs;
    let stamp = workspace.guest("merged.wasm.inputs");
    when_changed(&stamp, &[component, &flattener], &outputs, || {
        let mut flatten = workspace.command(&flattener);
        flatten.arg(component);
        flatten.arg("--merged").arg(merged);
        flatten.arg("--stripped").arg(stripped);
        flatten.arg("--image").arg(image);
        steps::run("merging the core modules of the guest", &mut flatten)
    })?;
    Ok(outputs)
}

fn compile(workspace: &Workspace, [stripped, image, merged]: [&Path; 3]) -> Result<()> {
    let compiler = workspace.binary("guest-compile");
    let finished = [workspace.guest("python.cwasm.zst")];
    let [bundle] = &finished;
    let stamp = workspace.guest("python.cwasm.zst.inputs");
    when_changed(&stamp, &[stripped, image, merged, &compiler], &finished, || {
        let mut compile = workspace.command(&compiler);
        steps::run(
            "compiling the guest ahead of time",
            compile.args([stripped, image, merged, bundle]),
        )
    })
}

/// Takes a step unless its outputs are there and came from the same inputs. The stamp is written last:
/// a step that is interrupted is taken again.
fn when_changed(
    stamp: &Path,
    inputs: &[&Path],
    outputs: &[PathBuf],
    step: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let inputs = fingerprint(inputs)?;
    let present = outputs.iter().all(|output| output.is_file());
    if present && fs::read_to_string(stamp).is_ok_and(|found| found == inputs) {
        return Ok(());
    }
    step()?;
    fs::write(stamp, inputs).with_context(|| format!("cannot write {}", stamp.display()))
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
