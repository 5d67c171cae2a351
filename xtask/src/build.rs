//! Builds the one file to ship: the release binary with the guest in it.

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{guest, steps};

/// Leaves the program at `target/release/mcpbox`.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    guest::run(workspace)?;
    workspace.build("building the program", &["mcpbox"])?;
    steps::say(&format!("==> {} is ready", workspace.binary("mcpbox").display()));
    Ok(())
}
