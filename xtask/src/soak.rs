//! Builds everything that is needed and puts load on the program.

use std::ffi::OsString;

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{guest, steps};

/// Runs the program `soak` of `dev/soak`; it puts the load on the `mcpbox` beside it.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    guest::run(workspace)?;
    workspace.build("building the program and its load", &["mcpbox", "soak"])?;
    let mut soak = workspace.command(workspace.binary("soak"));
    soak.args(arguments);
    steps::run("the load", &mut soak)
}
