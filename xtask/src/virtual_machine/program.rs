//! Builds the unit tests of `sandbox` and finds what they need to run elsewhere.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::steps;
use crate::workspace::Workspace;

/// A program and the shared libraries that it is started with.
pub(super) struct Program {
    pub(super) path: PathBuf,
    /// Absolute paths; the loader is among them.
    pub(super) libraries: Vec<PathBuf>,
}

/// Builds the tests, with the features that they have everywhere.
pub(super) fn build(workspace: &Workspace) -> Result<Program> {
    let title = "building the tests";
    let mut cargo = workspace.cargo("test");
    cargo.args(["--release", "--workspace", "--lib", "--no-run"]);
    cargo.arg("--message-format=json-render-diagnostics").stdout(Stdio::piped());
    let messages = steps::timed(title, || {
        let mut child = cargo.spawn().context("cannot start cargo")?;
        let mut messages = String::new();
        let mut output = child.stdout.take().context("cargo has no output")?;
        output.read_to_string(&mut messages).context("cannot read what cargo built")?;
        let status = steps::wait(title, &mut child)?;
        ensure!(status.success(), "{title} failed");
        Ok(messages)
    })?;
    let path = messages.lines().find_map(executable).context("cargo built no tests of sandbox")?;
    let path = PathBuf::from(path);
    let libraries = libraries(&path)?;
    Ok(Program { path, libraries })
}

/// The path in cargo's message that the unit tests of `sandbox` are built.
fn executable(message: &str) -> Option<&str> {
    let of_sandbox = message.contains(r#""reason":"compiler-artifact""#)
        && message.contains(r#"/crates/sandbox/Cargo.toml""#);
    let (_, rest) = message.split_once(r#""executable":""#)?;
    let (path, _) = rest.split_once('"')?;
    of_sandbox.then_some(path)
}

fn libraries(program: &Path) -> Result<Vec<PathBuf>> {
    let listed = steps::output(Command::new("ldd").arg(program))
        .context("cannot list the libraries of the tests with `ldd`")?;
    ensure!(!listed.contains("not found"), "a library of the tests is missing:\n{listed}");
    Ok(paths(&listed))
}

/// The absolute paths in lines such as `libm.so.6 => /lib/libm.so.6 (0x7f…)`.
fn paths(listed: &str) -> Vec<PathBuf> {
    let words = listed.split_whitespace();
    words.filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::{executable, paths};

    #[test]
    fn the_tests_of_sandbox_are_found_among_cargos_messages() {
        let message = |folder, executable| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/a/crates/{folder}/Cargo.toml","executable":{executable}}}"#
            )
        };
        let tests = message("sandbox", r#""/a/target/sandbox-1""#);
        assert_eq!(executable(&tests), Some("/a/target/sandbox-1"));
        assert_eq!(executable(&message("sandbox", "null")), None);
        assert_eq!(executable(&message("store", r#""/a/target/store-1""#)), None);
        assert_eq!(executable(r#"{"reason":"build-finished","success":true}"#), None);
    }

    #[test]
    fn libraries_and_the_loader_are_found() {
        let listed = "\tlinux-vdso.so.1 (0x00007ffc)\n\tlibm.so.6 => /lib/libm.so.6 (0x7f)\n\
                      \t/lib64/ld-linux-x86-64.so.2 (0x7f)\n";
        let found: Vec<_> = paths(listed).iter().map(|path| path.display().to_string()).collect();
        assert_eq!(found, ["/lib/libm.so.6", "/lib64/ld-linux-x86-64.so.2"]);
    }
}
