//! `cargo xtask bench`: what a call costs, in one run on one machine, beside a spawned `python3`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its numbers")]

mod door;
mod inside;
mod process;
mod sample;
mod sandboxed;
mod spawned;
mod waiting;

use anyhow::Context as _;

fn main() -> anyhow::Result<()> {
    let directory = tempfile::tempdir().context("a directory for the data")?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{processors} processors; compare numbers of one run only\n");
    let guest = std::fs::read(testkit::program::guest())
        .context("the guest; build it with `cargo xtask build`")?;
    let guest: &'static [u8] = guest.leak();
    inside::measure(guest, directory.path())?;
    sandboxed::measure(guest, directory.path())?;
    door::measure(directory.path())?;
    spawned::measure()
}
