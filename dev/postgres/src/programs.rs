//! PostgreSQL's programs, and the user they run as.

use std::{
    env,
    ffi::OsStr,
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

/// The oldest version that will do.
const OLDEST: u32 = 15;
/// Where Debian and its relatives keep them, one folder per version, outside `PATH`.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The folder of the programs of one version.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    folder: PathBuf,
    user: Option<User>,
}

/// Who runs the server when we are root, which it refuses to run as.
#[derive(Clone, Copy, Debug)]
pub(crate) struct User {
    pub(crate) id: u32,
    pub(crate) group: u32,
}

impl Programs {
    /// Finds the programs: in `PATH`, else the newest where the distribution keeps them.
    pub(crate) fn find() -> Result<Self> {
        let folder = candidates()
            .into_iter()
            .find(|folder| version(folder).is_some_and(|version| version >= OLDEST))
            .with_context(|| {
                format!("PostgreSQL {OLDEST} or newer is not installed: no initdb in PATH or {VERSIONS}/*/bin")
            })?;
        let user = if number("-u", None)? == 0 { Some(unprivileged()?) } else { None };
        Ok(Self { folder, user })
    }

    /// The user that the programs run as, where it is not ours.
    pub(crate) fn user(&self) -> Option<User> {
        self.user
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A command that runs as the server's user, with none of our environment, in that folder.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C");
        command.current_dir(folder).stdin(Stdio::null());
        if let Some(user) = self.user {
            command.uid(user.id).gid(user.group);
        }
        command
    }
}

/// Runs a command to its end; what it wrote is in the error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot run {name}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        bail!("{name} failed with {}: {said}", output.status);
    }
    Ok(())
}

fn candidates() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(VERSIONS)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    let versions = versions.into_iter().map(|(_, folder)| folder.join("bin"));
    env::split_paths(&path).chain(versions).collect()
}

/// The major version of the programs in that folder, if they are all there.
fn version(folder: &Path) -> Option<u32> {
    if !["initdb", "postgres", "pg_isready", "psql"].iter().all(|name| folder.join(name).is_file())
    {
        return None;
    }
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    // "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"
    let text = String::from_utf8(output.stdout).ok()?;
    let number = text.split_whitespace().nth(2)?;
    number.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

fn unprivileged() -> Result<User> {
    for name in ["postgres", "nobody"] {
        if let (Ok(id), Ok(group)) = (number("-u", Some(name)), number("-g", Some(name))) {
            return Ok(User { id, group });
        }
    }
    bail!("PostgreSQL refuses to run as root, and there is no user postgres or nobody")
}

/// What `id` says about a user, or about us.
fn number(what: &str, user: Option<&str>) -> Result<u32> {
    let output = Command::new("id").arg(what).args(user).output().context("cannot run id")?;
    ensure!(output.status.success(), "id knows no user {user:?}");
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}
