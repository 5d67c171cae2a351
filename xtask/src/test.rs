//! Sets up everything that the tests need, and runs them all.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::process::{Command, Stdio};
use std::{env, io, thread};

use anyhow::{Context, Result, bail, ensure};
use throwaway_postgres::{Cluster, URL_VARIABLE};

use crate::counts::Counts;
use crate::python::Environment;
use crate::workspace::Workspace;
use crate::{check, guest, node, steps, system, wheels};

/// Runs the tests that `filters` choose, or all. The documentation holds no examples that
/// would have to be run.
pub(crate) fn run(workspace: &Workspace, filters: &[OsString]) -> Result<()> {
    run_with(workspace, filters, &[])
}

/// Runs what takes long: the tests of the states of a tool with twenty times as many sequences.
pub(crate) fn sequences(workspace: &Workspace) -> Result<()> {
    let long = ["-E", "package(app) and test(/^(states|race)::/)"].map(OsString::from);
    run_with(workspace, &long, &[("MCPBOX_SEQUENCES", "10000")])
}

/// Renews the reference of the management tools, and holds it against what clients are told.
pub(crate) fn renew_reference(workspace: &Workspace) -> Result<()> {
    let one = ["-E", "package(gateway) and test(/^reference::/)"].map(OsString::from);
    run_with(workspace, &one, &[("MCPBOX_RENEW_REFERENCE", "yes")])
}

fn run_with(workspace: &Workspace, filters: &[OsString], variables: &[(&str, &str)]) -> Result<()> {
    let tools = check::tools(workspace)?;
    let environment =
        Environment::ensure(workspace, workspace.target("dev"), "dev/requirements.txt")?;
    wheels::ensure(workspace, &environment)?;
    node::ensure(workspace, &tools)?;
    system::ensure_postgres(workspace)?;
    system::ensure_chromium(workspace)?;
    system::ensure_network_tools(workspace)?;
    guest::run(workspace)?;
    let cluster = steps::timed("starting a PostgreSQL server for the tests", || {
        Cluster::start(&env::temp_dir())
    })?;

    let mut nextest = workspace.command(tools.program("cargo-nextest"));
    nextest.args(["nextest", "run", "--release", "--workspace", "--no-fail-fast"]);
    nextest.arg("--color").arg(if io::stderr().is_terminal() { "always" } else { "never" });
    nextest.args(filters).env(URL_VARIABLE, cluster.url()).envs(variables.iter().copied());
    let (counts, passed) = observe("tests", nextest)?;
    drop(cluster);
    steps::print(&counts.to_string());
    ensure!(passed, "not every test passed");
    if counts.passed == 0 {
        bail!("no test ran");
    }
    Ok(())
}

/// Runs nextest, passes on what it reports and counts along; also whether it succeeded.
fn observe(title: &str, mut runner: Command) -> Result<(Counts, bool)> {
    let shown = steps::shown(&runner);
    runner.stderr(Stdio::piped());
    steps::timed(title, || {
        let mut child = runner.spawn().with_context(|| format!("cannot start `{shown}`"))?;
        let error = child.stderr.take().context("the test runner has no output")?;
        thread::scope(|scope| {
            let reader = scope.spawn(move || pass_on(error));
            let status = steps::wait(title, &mut child)?;
            let counts = reader.join().map_err(|_panic| anyhow::anyhow!("the reader failed"))?;
            Ok((counts?, status.success()))
        })
    })
}

/// Copies lines to the terminal as they come and reads the closing ones.
fn pass_on(lines: impl io::Read) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut lines = BufReader::new(lines);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).context("cannot read the test runner's output")? > 0 {
        io::stderr().write_all(&line).context("cannot pass on the test runner's output")?;
        if let Some(more) = Counts::read(&String::from_utf8_lossy(&line)) {
            counts += more;
        }
        line.clear();
    }
    Ok(counts)
}
