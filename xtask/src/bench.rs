//! Builds everything that is needed and runs the benchmarks of `dev/bench`.

use std::ffi::OsString;

use anyhow::Result;

use crate::python::Environment;
use crate::workspace::Workspace;
use crate::{guest, steps, system, wheels};

/// Runs the program `bench` with `arguments`, the parts to measure; it measures the `mcpbox` beside it.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    let environment =
        Environment::ensure(workspace, workspace.target("dev"), "dev/requirements.txt")?;
    wheels::ensure(workspace, &environment)?;
    system::ensure_network_tools(workspace)?;
    guest::run(workspace)?;
    workspace.build("building the program and its benchmarks", &["mcpbox", "bench"])?;
    let mut bench = workspace.command(workspace.binary("bench"));
    bench.args(arguments);
    steps::run("measuring", &mut bench)
}
