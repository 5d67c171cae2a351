//! Builds everything that is needed and runs the benchmarks of `dev/bench`.

use std::ffi::OsString;

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{guest, steps};

/// Runs the program `bench` with `arguments`; `MCPBOX_PROGRAM` tells it which binary to measure.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    guest::run(workspace)?;
    workspace.build("building the program and its benchmarks", &["mcpbox", "bench"])?;
    let mut bench = workspace.command(workspace.binary("bench"));
    bench.args(arguments).env("MCPBOX_PROGRAM", workspace.binary("mcpbox"));
    steps::run("measuring", &mut bench)
}
