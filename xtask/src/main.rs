//! The commands that build, run, test and check the project: `cargo xtask help` lists them.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::workspace::Workspace;

mod bench;
mod build;
mod check;
mod conformance;
mod counts;
mod fuzz;
mod guest;
mod node;
mod python;
mod serve;
mod soak;
mod steps;
mod system;
mod test;
mod virtual_machine;
mod wheels;
mod workspace;

const HELP: &str = "\
cargo xtask COMMAND

  serve [ARGUMENTS…]   build everything and run `mcpbox serve` with these arguments
  test [FILTERS…]      set up and run all tests; filters go to `cargo nextest run`
  soak                 build everything and put load on the program, with a kill in the middle: answers, what
                       is kept, memory; `--seconds N` of it (60), `--waves N --only KINDS` to hunt leaks
  sequences            the random sequences of actions on tools, many more than in `test`
  reference            renew docs/management-tools.md from the definitions
  check                formatting, lints, documentation, dependency rules, Python lints
  build                the guest and the release binary, target/release/mcpbox
  guest                only the guest: CPython and the runner, compiled ahead of time
  bench [PARTS…]       build everything and run the benchmarks, or some of them: inside, waiting,
                       sandbox, packages, door, lists, sources, network, spawned
  conformance          build everything and run the official suites of the protocol against it;
                       `--revision 2026-07-28` only of that revision, `--scenario NAME` only that one
  fuzz [TARGETS…]      fuzz the readers of what strangers write, with a nightly compiler;
                       `--minutes N` in all (10), `--keep` to renew fuzz/corpus from what was found
  virtual-machine      the tests of the guests' memories in machines that have swap
";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let command = arguments.next().unwrap_or_else(|| "help".into());
    match run(&command.to_string_lossy(), &arguments.collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            steps::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: &str, arguments: &[OsString]) -> Result<()> {
    // What follows these two is for a program with a help of its own.
    let is_own = !matches!(command, "serve" | "test");
    let asks = arguments.iter().any(|argument| argument == "--help" || argument == "-h");
    if matches!(command, "help" | "--help" | "-h") || is_own && asks {
        steps::print(HELP.trim_end());
        return Ok(());
    }
    if matches!(
        command,
        "guest" | "build" | "check" | "reference" | "sequences" | "virtual-machine"
    ) && !arguments.is_empty()
    {
        bail!("`cargo xtask {command}` takes no arguments");
    }
    let workspace = Workspace::find()?;
    match command {
        "serve" => serve::run(&workspace, arguments),
        "test" => test::run(&workspace, arguments),
        "soak" => soak::run(&workspace, arguments),
        "sequences" => test::sequences(&workspace),
        "reference" => test::renew_reference(&workspace),
        "check" => check::run(&workspace),
        "build" => build::run(&workspace),
        "guest" => guest::run(&workspace),
        "bench" => bench::run(&workspace, arguments),
        "conformance" => conformance::run(&workspace, arguments),
        "fuzz" => fuzz::run(&workspace, arguments),
        "virtual-machine" => virtual_machine::run(&workspace),
        other => bail!("there is no command `{other}`; `cargo xtask help` lists them"),
    }
}
