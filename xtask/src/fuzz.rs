//! Fuzzes the readers of what strangers write: `fuzz/`, with a nightly compiler.

mod keep;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::workspace::Workspace;
use crate::{check, steps};

/// The only toolchain that knows the flags of the instrumentation.
const TOOLCHAIN: &str = "nightly";

/// Longer inputs find nothing more and make a corpus that nobody wants to keep.
const INPUT_MAX: &str = "-max_len=4096";

/// What to do with which targets.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    minutes: u64,
    keep: bool,
    targets: Vec<String>,
}

/// Runs all targets, or those that `arguments` name, for the minutes that it says in all.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    let plan = Plan::read(known_targets(workspace)?, arguments)?;
    let fuzzers = Fuzzers::new(workspace)?;
    let count = u64::try_from(plan.targets.len()).context("fewer targets")?;
    let seconds = (plan.minutes * 60 / count.max(1)).max(1);
    let mut failed = Vec::new();
    for target in &plan.targets {
        if let Err(error) = fuzzers.run(target, seconds) {
            steps::say(&format!("error: {error:#}"));
            failed.push(target.as_str());
        } else if plan.keep {
            keep::run(&fuzzers, target)?;
        }
    }
    ensure!(
        failed.is_empty(),
        "{} failed: the inputs lie in fuzz/artifacts; mend the code and keep them in fuzz/corpus",
        failed.join(", ")
    );
    Ok(())
}

/// Every program of `fuzz/` is a target.
fn known_targets(workspace: &Workspace) -> Result<Vec<String>> {
    let paths = files(&workspace.path("fuzz/src/bin"))?;
    let names = paths.iter().filter_map(|path| path.file_stem());
    Ok(names.map(|name| name.to_string_lossy().into_owned()).collect())
}

impl Plan {
    fn read(known: Vec<String>, arguments: &[OsString]) -> Result<Self> {
        let mut plan = Self { minutes: 10, keep: false, targets: Vec::new() };
        let mut words = arguments.iter().map(|argument| argument.to_string_lossy().into_owned());
        while let Some(word) = words.next() {
            match word.as_str() {
                "--keep" => plan.keep = true,
                "--minutes" => {
                    let number = words.next().unwrap_or_default();
                    plan.minutes = number.parse().context("`--minutes` needs a whole number")?;
                }
                _ if known.contains(&word) => plan.targets.push(word),
                _ => bail!("`{word}` is no target: there are {}", known.join(", ")),
            }
        }
        ensure!((1..=10_000).contains(&plan.minutes), "`--minutes` takes 1 to 10000");
        if plan.targets.is_empty() {
            plan.targets = known;
        }
        Ok(plan)
    }
}

/// The targets, and where their inputs are.
struct Fuzzers<'a> {
    workspace: &'a Workspace,
    cargo_fuzz: PathBuf,
}

impl<'a> Fuzzers<'a> {
    fn new(workspace: &'a Workspace) -> Result<Self> {
        let mut compiler = workspace.command("rustup");
        compiler.args(["run", TOOLCHAIN, "rustc", "--version"]);
        ensure!(
            steps::output(&mut compiler).is_some(),
            "fuzzing needs a nightly compiler; run `rustup toolchain install {TOOLCHAIN} --profile minimal`"
        );
        let cargo_fuzz = check::tools(workspace)?.program("cargo-fuzz");
        // What is fuzzed is what is shipped: cargo adds to these versions what the targets need.
        let lock = workspace.path("Cargo.lock");
        fs::copy(&lock, workspace.path("fuzz/Cargo.lock"))
            .with_context(|| format!("cannot copy {}", lock.display()))?;
        Ok(Self { workspace, cargo_fuzz })
    }

    /// Inputs that this checkout has found, on top of the kept ones.
    fn found(&self, target: &str) -> PathBuf {
        self.workspace.target("fuzz/found").join(target)
    }

    /// Inputs that the repository keeps.
    fn kept(&self, target: &str) -> PathBuf {
        self.workspace.path("fuzz/corpus").join(target)
    }

    fn run(&self, target: &str, seconds: u64) -> Result<()> {
        let (found, kept) = (self.found(target), self.kept(target));
        for folder in [&found, &kept] {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        let mut fuzzer = self.command(target, &[&found, &kept]);
        fuzzer.args(["-timeout=10", "-print_final_stats=1"]);
        fuzzer.arg(format!("-max_total_time={seconds}"));
        let dictionary = self.workspace.path("fuzz/dictionaries").join(format!("{target}.dict"));
        if dictionary.is_file() {
            fuzzer.arg(format!("-dict={}", dictionary.display()));
        }
        steps::run(&format!("fuzzing {target}"), &mut fuzzer)
    }

    /// `cargo fuzz run TARGET FOLDERS -- `, under the nightly compiler; libFuzzer's options follow.
    fn command(&self, target: &str, folders: &[&Path]) -> Command {
        let mut command = self.workspace.command("rustup");
        // Cargo of the pinned toolchain has named itself to this process.
        command.args(["run", TOOLCHAIN]).arg(&self.cargo_fuzz).env_remove("CARGO");
        command.args(["fuzz", "run", "--fuzz-dir"]).arg(self.workspace.path("fuzz"));
        command.arg("--target-dir").arg(self.workspace.target("fuzz")).arg(target);
        command.args(folders).args(["--", INPUT_MAX]);
        command
    }
}

/// The files of a folder by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = fs::read_dir(folder).and_then(|files| {
        files.map(|file| file.map(|file| file.path())).collect::<std::io::Result<Vec<_>>>()
    });
    let mut paths = read.with_context(|| format!("cannot read {}", folder.display()))?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::Plan;

    fn plan(line: &str) -> Option<Plan> {
        let known = ["answers", "texts"].map(str::to_owned).to_vec();
        let words: Vec<_> = line.split_whitespace().map(Into::into).collect();
        Plan::read(known, &words).ok()
    }

    #[test]
    fn all_targets_run_unless_some_are_named() {
        let expected = |minutes, keep, targets: &[&str]| {
            let targets = targets.iter().map(|&name| name.to_owned()).collect();
            Some(Plan { minutes, keep, targets })
        };
        assert_eq!(plan(""), expected(10, false, &["answers", "texts"]));
        assert_eq!(plan("texts --minutes 3 --keep"), expected(3, true, &["texts"]));
        for wrong in ["text", "--minutes", "--minutes 0", "--minutes 99999999999999999999"] {
            assert_eq!(plan(wrong), None, "{wrong}");
        }
    }
}
