//! Builds everything that is needed and becomes `mcpbox serve`.

use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context, Result};

use crate::build;
use crate::workspace::Workspace;

/// Runs the program in the folder where the command was given, so that relative paths hold.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    build::run(workspace)?;
    let program = workspace.binary("mcpbox");
    let mut serve = Command::new(&program);
    serve.arg("serve").args(arguments);
    replace(&mut serve).with_context(|| format!("cannot run {}", program.display()))
}

/// Puts the program in this one's place: signals and the exit status are then its own.
#[cfg(unix)]
fn replace(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    Err(command.exec().into())
}

#[cfg(not(unix))]
fn replace(command: &mut Command) -> Result<()> {
    let status = command.status()?;
    anyhow::ensure!(status.success(), "the program ended with {status}");
    Ok(())
}
