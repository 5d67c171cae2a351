//! Builds everything that is needed and runs the official conformance suites against the program.

use std::ffi::OsString;

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{check, guest, node, steps};

/// Runs the program `conformance` of `dev/conformance`; it tests the `mcpbox` beside it.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    let tools = check::tools(workspace)?;
    node::ensure(workspace, &tools)?;
    guest::run(workspace)?;
    workspace.build(
        "building the program and what tests its conformance",
        &["mcpbox", "conformance", "conformance-client"],
    )?;
    let mut conformance = workspace.command(workspace.binary("conformance"));
    conformance.arg(workspace.target("node")).arg(workspace.target("conformance"));
    conformance.args(arguments);
    steps::run("the conformance suites", &mut conformance)
}
