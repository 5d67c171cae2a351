//! `cargo xtask bench`: what a call costs, in one run on one machine, beside a spawned `python3`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its numbers")]

mod door;
mod process;
mod sample;
mod sandboxed;
mod spawned;

use anyhow::Context as _;

fn main() -> anyhow::Result<()> {
    let directory = tempfile::tempdir().context("a directory for the data")?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{processors} processors; compare numbers of one run only\n");
    sandboxed::measure(directory.path())?;
    door::measure(directory.path())?;
    spawned::measure()
}
