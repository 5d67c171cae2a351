//! Where things are in the checkout, and cargo commands that share one set of compiled crates.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::steps;

/// The checkout and the folders that results go to.
pub(crate) struct Workspace {
    root: PathBuf,
    built: PathBuf,
    guest: PathBuf,
}

impl Workspace {
    /// The checkout that this program was compiled from.
    pub(crate) fn find() -> Result<Self> {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = package.parent().context("xtask lies in a checkout")?.to_owned();
        let built = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        let built = root.join(built);
        // Set in .cargo/config.toml, where the build script of `cli` finds it as well.
        let guest = env::var_os("MCPBOX_GUEST_DIR").unwrap_or_else(|| "target/guest".into());
        let guest = root.join(guest);
        for folder in [&root.join("target"), &guest] {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        Ok(Self { root, built, guest })
    }

    /// A path inside the checkout.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A path inside the folder `target`, where tests look for what was set up for them.
    pub(crate) fn target(&self, relative: &str) -> PathBuf {
        self.root.join("target").join(relative)
    }

    /// A path inside the folder of the built guest.
    pub(crate) fn guest(&self, relative: &str) -> PathBuf {
        self.guest.join(relative)
    }

    /// A program of the workspace that [`Self::build`] has built.
    pub(crate) fn binary(&self, name: &str) -> PathBuf {
        self.built.join("release").join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    /// `program`, started in the root of the checkout without what cargo told this process.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.current_dir(&self.root).env("MCPBOX_GUEST_DIR", &self.guest);
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&name);
            }
        }
        command
    }

    /// `cargo SUBCOMMAND`.
    pub(crate) fn cargo(&self, subcommand: &str) -> Command {
        let mut command = self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.arg(subcommand);
        command
    }

    /// Builds programs of the workspace.
    ///
    /// Always with `--workspace`: the dependencies then have the same features, and are compiled
    /// only once, whichever program is asked for.
    pub(crate) fn build(&self, title: &str, binaries: &[&str]) -> Result<()> {
        let mut cargo = self.cargo("build");
        cargo.args(["--release", "--workspace"]);
        for binary in binaries {
            cargo.args(["--bin", binary]);
        }
        steps::run(title, &mut cargo)
    }

    /// Keeps a second job out of what this one sets up, until the file is dropped.
    pub(crate) fn lock(&self) -> Result<File> {
        let path = self.target("xtask.lock");
        let file = File::create(&path)
            .with_context(|| format!("cannot make the lock file {}", path.display()))?;
        if file.try_lock().is_err() {
            steps::say("==> waiting for another `cargo xtask` to finish its setup");
            file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        }
        Ok(file)
    }
}
