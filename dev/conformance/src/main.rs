//! `cargo xtask conformance`: the official suites of the protocol against the program, with fixtures that are real
//! tools, prompts and resources.
#![expect(clippy::print_stdout, reason = "the results of the suites are what it is for")]

mod door;
mod fixtures;
mod node;
mod suites;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use testkit::http::Api;
use testkit::program::Program;

use crate::door::Door;
use crate::node::{Node, Proxy};
use crate::suites::{Outcome, RUNS, Run, Side};

/// What is asked for.
struct Wanted {
    node: Node,
    /// Where the results are left.
    results: PathBuf,
    revision: Option<String>,
    scenario: Option<String>,
    /// `server` or `client`.
    side: Option<String>,
}

fn main() -> Result<()> {
    let wanted = wanted(std::env::args().skip(1))?;
    let runs: Vec<_> = RUNS.iter().filter(|run| wanted.includes(run)).collect();
    ensure!(
        !runs.is_empty(),
        "there is no such run; there are server and client, and the revisions {}",
        revisions()
    );
    if wanted.results.exists() {
        fs::remove_dir_all(&wanted.results).context("cannot remove the results of before")?;
    }

    let directory = tempfile::tempdir().context("a directory for the data")?;
    let program = Program::serve(&directory.path().join("data"), None);
    let (proxy, refused) = prepare(&wanted.node, &program)?;
    let client = client()?;
    let mut unexpected = 0;
    for run in runs {
        let folder = wanted.results.join(run.title.replace([' ', ','], "-"));
        let began = Instant::now();
        let address = match run.side {
            Side::Server => &proxy.address,
            Side::Client => &client,
        };
        let outcome = run.against(&wanted.node, address, wanted.scenario.as_deref(), &folder)?;
        report(run, &outcome, began, &folder);
        unexpected += usize::from(!outcome.as_expected);
    }
    ensure!(refused == 0, "{refused} of the fixtures could not be made");
    ensure!(unexpected == 0, "{unexpected} of the runs have results that are not expected");
    Ok(())
}

/// Makes an account, the tokens and the fixtures, and starts the proxy; also how many fixtures are missing.
fn prepare(node: &Node, program: &Program) -> Result<(Proxy, usize)> {
    let began = Instant::now();
    let person = Api::sign_in(&program.admin);
    // The author is a caller with a token, who may write tools only where a person allows it.
    person.ok("PATCH", "/api/settings/security-policy", &json!({"remote_tool_editing": "enabled"}));
    let author = token(&person, "author", &["call", "author"])?;
    let caller = token(&person, "caller", &["call"])?;
    let made = fixtures::make(&Door::new(&program.mcp, &author), &person)?;
    println!("{} fixtures made in {:.1} s", made.count, began.elapsed().as_secs_f64());
    for refused in &made.refused {
        println!("  not made: {refused}");
    }
    let settings = json!({
        "caller": caller,
        "author": author,
        "tools": made.servers.get("passing_tools"),
        "prompts": made.servers.get("passing_prompts"),
    });
    Ok((Proxy::start(node, &program.mcp, &settings)?, made.refused.len()))
}

/// The program that the suites test as a client, which is built beside this one.
fn client() -> Result<String> {
    let own = std::env::current_exe().context("this program has a path")?;
    let client = own.with_file_name("conformance-client");
    ensure!(client.is_file(), "{} is missing: `cargo xtask conformance`", client.display());
    client.into_os_string().into_string().ok().context("a path that is no text")
}

/// A new token, which is shown only once.
fn token(person: &Api, name: &str, scopes: &[&str]) -> Result<String> {
    let made = person.ok("POST", "/api/tokens", &json!({"name": name, "scopes": scopes}));
    let token = made.get("token").and_then(serde_json::Value::as_str);
    token.map(ToOwned::to_owned).context("a token is shown when it is made")
}

fn report(run: &Run, outcome: &Outcome, began: Instant, folder: &Path) {
    let Outcome { scenarios, passed, failed, warnings, .. } = outcome;
    println!(
        "{}: {scenarios} scenarios, {passed} checks passed, {failed} failed, {warnings} warnings, {:.1} s: {}",
        run.title,
        began.elapsed().as_secs_f64(),
        if outcome.as_expected { "as expected" } else { "NOT as expected" },
    );
    if !outcome.expected.is_empty() {
        let names: Vec<_> = outcome.expected.iter().map(String::as_str).collect();
        println!("  expected to fail: {}", names.join(", "));
    }
    if outcome.as_expected {
        return;
    }
    for fault in &outcome.faults {
        println!("  {fault}");
    }
    println!("{}\nwhat the suite said: {}/output.txt", outcome.verdict, folder.display());
}

/// Reads the arguments: where Node.js is, where results go, and what to run.
fn wanted(mut arguments: impl Iterator<Item = String>) -> Result<Wanted> {
    let mut folder = |what| arguments.next().map(PathBuf::from).context(what);
    let node = Node::new(folder("the folder of Node.js is missing: `cargo xtask conformance`")?);
    let results = folder("the folder for the results is missing: `cargo xtask conformance`")?;
    let mut wanted = Wanted { node, results, revision: None, scenario: None, side: None };
    while let Some(argument) = arguments.next() {
        let value = match argument.as_str() {
            "--revision" => &mut wanted.revision,
            "--scenario" => &mut wanted.scenario,
            "--side" => &mut wanted.side,
            other => {
                bail!("there is no option `{other}`; there are --revision, --scenario and --side")
            }
        };
        *value = Some(arguments.next().with_context(|| format!("{argument} needs a value"))?);
    }
    Ok(wanted)
}

impl Wanted {
    /// Whether a run is of the revision that is asked for. A single scenario is run where its revision is known.
    fn includes(&self, run: &Run) -> bool {
        if self.side.as_ref().is_some_and(|side| side != run.side.name()) {
            return false;
        }
        match (&self.revision, &self.scenario) {
            (Some(revision), _) => run.revision == Some(revision.as_str()),
            (None, Some(_)) => run.revision.is_some(),
            (None, None) => true,
        }
    }
}

fn revisions() -> String {
    let mut names: Vec<_> = RUNS.iter().filter_map(|run| run.revision).collect();
    names.sort_unstable();
    names.dedup();
    names.join(" and ")
}
