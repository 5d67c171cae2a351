//! Checks that need no test to run: formatting, lints, documentation, dependency rules.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::python::Environment;
use crate::steps;
use crate::workspace::Workspace;

/// The programs that test and check the project, at pinned versions.
pub(crate) fn tools(workspace: &Workspace) -> Result<Environment> {
    Environment::ensure(workspace, workspace.target("tools"), "dev/tools.txt")
}

/// Runs every check, the quick ones first; an error names all that failed.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let tools = tools(workspace)?;
    let mut checks = vec![("formatting", cargo(workspace, "fmt", &["--all", "--check"]))];
    let targets = workspace.path("fuzz/Cargo.toml");
    let mut targets_format = cargo(workspace, "fmt", &["--check", "--manifest-path"]);
    targets_format.arg(targets);
    checks.push(("formatting of the fuzz targets", targets_format));
    checks.extend(python(workspace, &tools.program("ruff")));

    let mut deny = workspace.command(tools.program("cargo-deny"));
    deny.args(["--workspace", "check", "bans", "licenses", "sources"]);
    checks.push(("dependency rules", deny));

    let lints = ["--release", "--workspace", "--all-targets", "--", "--deny", "warnings"];
    checks.push(("lints", cargo(workspace, "clippy", &lints)));

    // What the fuzz targets are built with.
    let parsers = ["--release", "--package", "sandbox", "--no-default-features", "--lib"];
    let mut parsers = cargo(workspace, "clippy", &parsers);
    parsers.args(["--", "--deny", "warnings"]);
    checks.push(("lints of the readers alone", parsers));

    let whole = ["--release", "--workspace", "--no-deps", "--document-private-items"];
    let mut documentation = cargo(workspace, "doc", &whole);
    documentation.env("RUSTDOCFLAGS", "--deny warnings");
    checks.push(("documentation", documentation));

    let mut failed = Vec::new();
    for (title, mut command) in checks {
        if let Err(error) = steps::run(title, &mut command) {
            steps::say(&format!("error: {error:#}"));
            failed.push(title);
        }
    }
    ensure!(failed.is_empty(), "not in order: {}", failed.join(", "));
    Ok(())
}

fn cargo(workspace: &Workspace, subcommand: &str, arguments: &[&str]) -> Command {
    let mut command = workspace.cargo(subcommand);
    command.args(arguments);
    command
}

/// The guest has rules of its own, as it is a program, and so have the examples, as they run in it;
/// the other Python is for development.
fn python(workspace: &Workspace, ruff: &Path) -> [(&'static str, Command); 6] {
    let rules = workspace.path("dev/ruff.toml");
    let others =
        ["dev", "crates/cli/tests", "crates/outbound/tests"].map(|folder| workspace.path(folder));
    let start = |subcommand: &[&str]| {
        let mut command = workspace.command(ruff);
        command.args(subcommand).arg("--cache-dir").arg(workspace.target("ruff"));
        command
    };
    let inside = |folder: &str, subcommand: &[&str]| {
        let mut command = start(subcommand);
        command.arg(workspace.path(folder));
        command
    };
    let development = |subcommand: &[&str]| {
        let mut command = start(subcommand);
        command.arg("--config").arg(&rules).args(&others);
        command
    };
    [
        ("Python lints of the guest", inside("guest", &["check"])),
        ("Python formatting of the guest", inside("guest", &["format", "--check"])),
        ("Python lints of the examples", inside("docs/examples", &["check"])),
        ("Python formatting of the examples", inside("docs/examples", &["format", "--check"])),
        ("Python lints of the tests", development(&["check"])),
        ("Python formatting of the tests", development(&["format", "--check"])),
    ]
}
