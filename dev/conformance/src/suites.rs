//! The runs of the suites, and what their checks say.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::node::Node;

/// What a suite tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The MCP door.
    Server,
    /// What calls external sources.
    Client,
}

impl Side {
    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

/// One run of a suite.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// What it is called.
    pub(crate) title: &'static str,
    /// What it tests.
    pub(crate) side: Side,
    /// The revision of the protocol that is spoken, where it is one.
    pub(crate) revision: Option<&'static str>,
    /// The npm package.
    package: &'static str,
    /// What chooses its scenarios.
    choice: &'static [&'static str],
    /// What is expected to fail, beside this crate.
    expected: &'static str,
}

const OLD: (&str, &str) = ("conformance-0.1", "expected-failures-0.1.yml");
const NEW: (&str, &str) = ("conformance-0.2", "expected-failures-0.2.yml");

/// Every run, in order. What a revision requires is frozen; the whole of the suite has extensions, and what
/// was added since.
pub(crate) const RUNS: [Run; 6] = [
    Run {
        title: "0.1.16, all scenarios",
        side: Side::Server,
        revision: Some("2025-11-25"),
        package: OLD.0,
        choice: &["--suite", "all"],
        expected: OLD.1,
    },
    Run {
        title: "0.2.0-alpha.12, required for 2025-11-25",
        side: Side::Server,
        revision: Some("2025-11-25"),
        package: NEW.0,
        choice: &["--requirements", "2025-11-25"],
        expected: NEW.1,
    },
    Run {
        title: "0.2.0-alpha.12, required for 2026-07-28",
        side: Side::Server,
        revision: Some("2026-07-28"),
        package: NEW.0,
        choice: &["--requirements", "2026-07-28"],
        expected: NEW.1,
    },
    Run {
        title: "0.2.0-alpha.12, all scenarios",
        side: Side::Server,
        revision: None,
        package: NEW.0,
        choice: &["--suite", "all"],
        expected: NEW.1,
    },
    Run {
        title: "0.2.0-alpha.12, the client, required for 2025-11-25",
        side: Side::Client,
        revision: Some("2025-11-25"),
        package: NEW.0,
        choice: &["--requirements", "2025-11-25"],
        expected: NEW.1,
    },
    Run {
        title: "0.2.0-alpha.12, the client, required for 2026-07-28",
        side: Side::Client,
        revision: Some("2026-07-28"),
        package: NEW.0,
        choice: &["--requirements", "2026-07-28"],
        expected: NEW.1,
    },
];

/// What came of a run.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) scenarios: usize,
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) warnings: usize,
    /// The scenarios that failed, as they are expected to.
    pub(crate) expected: BTreeSet<String>,
    /// What failed or warned in the others, with the reason.
    pub(crate) faults: Vec<String>,
    /// Whether the suite is content: nothing failed but what is expected to, and all of that did.
    pub(crate) as_expected: bool,
    /// The last that the suite said, where it is not.
    pub(crate) verdict: String,
}

impl Run {
    /// Runs it, or one `scenario` of it, against what is at `address`: the address of the server, or the program of
    /// the client; keeps what it says in `folder`.
    pub(crate) fn against(
        &self,
        node: &Node,
        address: &str,
        scenario: Option<&str>,
        folder: &Path,
    ) -> Result<Outcome> {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let log = File::create(folder.join("output.txt")).context("the output's file")?;
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = node.command();
        command.arg(node.suite(self.package)).args(match self.side {
            Side::Server => ["server", "--url", address],
            Side::Client => ["client", "--command", address],
        });
        match (scenario, self.revision) {
            (Some(name), Some(revision)) if self.package == NEW.0 => {
                command.args(["--scenario", name, "--spec-version", revision]);
            }
            (Some(name), _) => {
                command.args(["--scenario", name]);
            }
            (None, _) => {
                command.args(self.choice);
            }
        }
        command.arg("--expected-failures").arg(here.join(self.expected));
        command.arg("--output-dir").arg(folder);
        command.stdout(log.try_clone().context("the output's file")?).stderr(log);
        let status = command.status().context("cannot start the suite")?;
        let expected = fs::read_to_string(here.join(self.expected)).context(self.expected)?;
        let mut outcome = read(folder, &expected)?;
        outcome.as_expected = status.success();
        if !outcome.as_expected {
            outcome.verdict = verdict(&folder.join("output.txt"))?;
        }
        Ok(outcome)
    }
}

/// The end of what a suite printed: what it did not expect, or why it could not run.
fn verdict(output: &Path) -> Result<String> {
    let text = fs::read_to_string(output).with_context(|| output.display().to_string())?;
    let lines: Vec<_> = text.lines().collect();
    let total = lines.iter().rposition(|line| line.starts_with("Total:"));
    let from = total.map_or(lines.len().saturating_sub(20), |total| total + 1);
    Ok(lines.get(from..).unwrap_or_default().join("\n").trim().to_owned())
}

/// Reads the checks that a run left, a file for each scenario.
fn read(folder: &Path, expected: &str) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for path in checks_in(folder)? {
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let checks: Vec<Value> =
            serde_json::from_str(&text).with_context(|| path.display().to_string())?;
        outcome.scenarios += 1;
        outcome.add(&scenario_of(folder, &path), &checks, expected);
    }
    Ok(outcome)
}

impl Outcome {
    /// Counts the checks of a scenario; what fails although the list does not say so is a fault.
    fn add(&mut self, scenario: &str, checks: &[Value], expected: &str) {
        let is_expected = expected.lines().any(|line| line.trim() == format!("- {scenario}"));
        for check in checks {
            let text = |key: &str| check.get(key).and_then(Value::as_str).unwrap_or_default();
            match text("status") {
                "SUCCESS" => {
                    self.passed += 1;
                    continue;
                }
                "FAILURE" => self.failed += 1,
                "WARNING" => self.warnings += 1,
                _ => continue,
            }
            if is_expected {
                self.expected.insert(scenario.to_owned());
            } else {
                let status = text("status").to_lowercase();
                let reason = text("errorMessage");
                self.faults.push(format!("{status}: {scenario}:{} {reason}", text("id")));
            }
        }
    }
}

/// The files of checks in a folder, and in those in it: a scenario may be one of a group, as `auth/NAME`.
fn checks_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry.context("the results")?.path();
        let checks = path.join("checks.json");
        if checks.is_file() {
            paths.push(checks);
        } else if path.is_dir() {
            paths.extend(checks_in(&path)?);
        }
    }
    paths.sort();
    Ok(paths)
}

/// How the name of a folder with results ends.
const TIME: &str = "-2026-11-22T00-00-00-000Z";

/// The scenario of a file of checks below `folder`: its own folder is called `server-NAME-TIME`, or `NAME-TIME` in the
/// folder of its group.
fn scenario_of(folder: &Path, path: &Path) -> String {
    let inner = path.parent().and_then(|parent| parent.strip_prefix(folder).ok());
    let inner = inner.unwrap_or(path).to_string_lossy();
    let name = inner.strip_prefix("server-").unwrap_or(&inner);
    let end = name.len().saturating_sub(TIME.len());
    name.get(..end).unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::{Outcome, scenario_of};

    #[test]
    fn checks_are_counted_and_faults_named() {
        let mut outcome = Outcome::default();
        let checks = [
            json!({"id": "one", "status": "SUCCESS"}),
            json!({"id": "two", "status": "FAILURE", "errorMessage": "no answer"}),
            json!({"id": "three", "status": "WARNING"}),
            json!({"id": "four", "status": "INFO"}),
        ];
        outcome.add("ping", &checks, "server:\n  - pong");
        assert_eq!((outcome.passed, outcome.failed, outcome.warnings), (1, 1, 1));
        assert_eq!(outcome.faults, ["failure: ping:two no answer", "warning: ping:three "]);
        outcome.add("pong", &checks, "server:\n  - pong");
        assert_eq!((outcome.passed, outcome.failed, outcome.warnings), (2, 2, 2));
        assert_eq!(outcome.faults.len(), 2, "what is expected to fail is no fault");
        assert!(outcome.expected.into_iter().eq(["pong"]));
    }

    #[test]
    fn a_folder_names_its_scenario() {
        let path = Path::new("x/server-json-schema-2020-12-2026-11-22T00-00-00-000Z/checks.json");
        assert_eq!(scenario_of(Path::new("x"), path), "json-schema-2020-12");
        let grouped = Path::new("x/auth/iss-supported-2026-11-22T00-00-00-000Z/checks.json");
        assert_eq!(scenario_of(Path::new("x"), grouped), "auth/iss-supported");
    }
}
