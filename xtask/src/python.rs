//! Python virtual environments with pinned packages, remade when they are incomplete or outdated.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;
use crate::{steps, system};

/// What marks a virtual environment as complete: everything it was made from.
const STAMP: &str = "complete.txt";

/// A virtual environment that holds what one requirements file lists.
pub(crate) struct Environment {
    folder: PathBuf,
}

impl Environment {
    /// Makes sure that `folder` holds the packages of `requirements`, a file of the checkout.
    ///
    /// The stamp is written last, so that an environment whose making was interrupted is made
    /// again; it also changes with the interpreter and when the checkout moves.
    pub(crate) fn ensure(
        workspace: &Workspace,
        folder: PathBuf,
        requirements: &str,
    ) -> Result<Self> {
        let file = workspace.path(requirements);
        let wanted = fs::read_to_string(&file)
            .with_context(|| format!("cannot read the requirements {}", file.display()))?;
        let version = interpreter(workspace)?;
        let wanted = format!("{version}\n{}\n{wanted}", folder.display());
        let environment = Self { folder };
        let _lock = workspace.lock()?;
        if environment.is_complete(workspace, &wanted) {
            return Ok(environment);
        }
        if environment.folder.exists() {
            fs::remove_dir_all(&environment.folder).with_context(|| {
                format!("cannot remove the outdated {}", environment.folder.display())
            })?;
        }
        environment.create(workspace)?;
        let mut pip = isolated(workspace, &environment.program("python"));
        pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
        // The lists are complete: what a package says of others could only contradict them.
        pip.args(["--no-deps", "--only-binary", ":all:", "--requirement"]).arg(&file);
        steps::run(&format!("installing the Python packages of {requirements}"), &mut pip)?;
        fs::write(environment.folder.join(STAMP), wanted)
            .with_context(|| format!("cannot finish {}", environment.folder.display()))?;
        Ok(environment)
    }

    /// A program of the environment, such as `python`.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    fn is_complete(&self, workspace: &Workspace, wanted: &str) -> bool {
        fs::read_to_string(self.folder.join(STAMP)).is_ok_and(|found| found == wanted)
            && steps::output(isolated(workspace, &self.program("python")).arg("--version"))
                .is_some()
    }

    /// Makes the environment with the module `venv`. Debian packages that apart from Python, so
    /// where it is missing `virtualenv` from PyPI takes its place, and after that apt.
    fn create(&self, workspace: &Workspace) -> Result<()> {
        let title = format!("making the virtual environment {}", self.folder.display());
        if has_modules(workspace, "venv, ensurepip") {
            return steps::run(&title, python(workspace).args(["-m", "venv"]).arg(&self.folder));
        }
        if has_modules(workspace, "pip") {
            let library = workspace.target("virtualenv");
            let mut pip = python(workspace);
            pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--upgrade", "--target"]);
            steps::run(
                "installing virtualenv, as this Python has no venv",
                pip.arg(&library).arg("virtualenv"),
            )?;
            let mut virtualenv = python(workspace);
            virtualenv.env("PYTHONPATH", &library).args(["-m", "virtualenv", "--quiet"]);
            return steps::run(&title, virtualenv.arg(&self.folder));
        }
        system::install(workspace, "Python's venv module", &["python3-venv"])?;
        steps::run(&title, python(workspace).args(["-m", "venv"]).arg(&self.folder))
    }
}

/// `program`, kept from Python packages and settings of the user's own environment.
pub(crate) fn isolated(workspace: &Workspace, program: &Path) -> Command {
    let mut command = workspace.command(program);
    for name in ["PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV"] {
        command.env_remove(name);
    }
    command.env("PYTHONUTF8", "1").env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

fn python(workspace: &Workspace) -> Command {
    isolated(workspace, Path::new("python3"))
}

fn has_modules(workspace: &Workspace, modules: &str) -> bool {
    steps::output(python(workspace).arg("-c").arg(format!("import {modules}"))).is_some()
}

/// The version and place of `python3`, after a check that it is recent enough.
fn interpreter(workspace: &Workspace) -> Result<String> {
    const SHOW: &str = "import sys; print(sys.version_info >= (3, 10), sys.version, sys.prefix)";
    let Some(shown) = steps::output(python(workspace).args(["-c", SHOW])) else {
        bail!("`python3` does not run; install Python 3.10 or newer with pip");
    };
    match shown.strip_prefix("True ") {
        Some(version) => Ok(version.to_owned()),
        None => bail!("`python3` is too old ({shown}); Python 3.10 or newer is needed"),
    }
}
