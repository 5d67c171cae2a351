//! What comes from the distribution: PostgreSQL, Chromium and others, for the tests.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail, ensure};

use crate::steps;
use crate::workspace::Workspace;

/// The oldest PostgreSQL that the program supports.
const OLDEST_POSTGRES: u32 = 15;

/// Where the distribution puts the browser.
const CHROMIUM: &str = "/usr/bin/chromium";

/// Makes sure that the programs of a PostgreSQL server are installed.
pub(crate) fn ensure_postgres(workspace: &Workspace) -> Result<()> {
    if newest_postgres() >= Some(OLDEST_POSTGRES) {
        return Ok(());
    }
    install(workspace, "a PostgreSQL server", &["postgresql"])?;
    if newest_postgres() >= Some(OLDEST_POSTGRES) {
        return Ok(());
    }
    bail!(
        "the PostgreSQL of this system is too old; install version {OLDEST_POSTGRES} or newer and \
         put its `postgres` and `initdb` on the PATH"
    )
}

/// Makes sure that the browser which the tests drive is installed.
pub(crate) fn ensure_chromium(workspace: &Workspace) -> Result<()> {
    if Path::new(CHROMIUM).is_file() {
        return Ok(());
    }
    install(workspace, "the browser Chromium", &["chromium", "fonts-liberation"])?;
    ensure!(Path::new(CHROMIUM).is_file(), "no Chromium at {CHROMIUM} after its installation");
    Ok(())
}

/// Makes sure that the programs are installed with which tests make networks of their own.
pub(crate) fn ensure_network_tools(workspace: &Workspace) -> Result<()> {
    if ["/sbin/ip", "/usr/sbin/ip", "/bin/ip"].iter().any(|path| Path::new(path).is_file())
        && on_path("unshare").is_some()
    {
        return Ok(());
    }
    install(workspace, "what makes networks for tests", &["iproute2", "util-linux"])
}

/// Installs packages with apt when this is root on Debian or a relative of it; else names the
/// command that a person has to run.
pub(crate) fn install(workspace: &Workspace, what: &str, packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    if on_path("apt-get").is_none() {
        bail!("{what} is missing; install what Debian calls: {names}");
    }
    if !is_root() {
        bail!("{what} is missing; run `sudo apt-get install {names}` and try again");
    }
    refresh(workspace)?;
    let mut install = apt(workspace);
    install.args(["--quiet", "--yes", "--no-install-recommends", "install"]).args(packages);
    steps::run(&format!("installing {what}"), &mut install)
}

/// Reads the lists of the distribution's packages anew, when this is root; else they stay as they
/// are.
pub(crate) fn refresh(workspace: &Workspace) -> Result<()> {
    if on_path("apt-get").is_none() || !is_root() {
        return Ok(());
    }
    let mut update = apt(workspace);
    steps::run("reading the distribution's package lists", update.args(["--quiet", "update"]))
}

fn apt(workspace: &Workspace) -> Command {
    let mut command = workspace.command("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn is_root() -> bool {
    steps::output(Command::new("id").arg("-u")).is_some_and(|user| user == "0")
}

/// Where the shell would find `program`.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// The newest major version among the servers on the PATH and where Debian keeps them.
fn newest_postgres() -> Option<u32> {
    let packaged = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let packaged = packaged.map(|version| version.path().join("bin/postgres"));
    packaged.chain(on_path("postgres")).filter_map(|server| postgres_version(&server)).max()
}

/// The major version, from a line such as `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn postgres_version(server: &Path) -> Option<u32> {
    let shown = steps::output(Command::new(server).arg("--version"))?;
    let version = shown.split_whitespace().nth(2)?;
    version.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}
