//! `cargo xtask bench [PARTS…]`: what a call costs, in one run on one machine, beside a spawned `python3`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its numbers")]

mod calling;
mod client;
mod door;
mod inside;
mod lists;
mod network;
mod packages;
mod process;
mod sample;
mod sandboxed;
mod sources;
mod spawned;
mod waiting;

use anyhow::Context as _;

/// What can be measured by itself, in the order of a whole run.
const PARTS: [&str; 9] =
    ["inside", "waiting", "sandbox", "packages", "door", "lists", "sources", "network", "spawned"];

fn main() -> anyhow::Result<()> {
    let directory = tempfile::tempdir().context("a directory for the data")?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    if !isolated_network::is_inside() {
        println!("{processors} processors; compare numbers of one run only\n");
    }
    let guest = std::fs::read(testkit::program::guest())
        .context("the guest; build it with `cargo xtask build`")?;
    let guest: &'static [u8] = guest.leak();
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = wanted.iter().find(|part| !PARTS.contains(&part.as_str())) {
        anyhow::bail!("there is no part `{unknown}`; there are {}", PARTS.join(", "));
    }
    let wants = |part: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == part);
    if wants("inside") {
        inside::measure(guest, directory.path())?;
    }
    if wants("waiting") {
        sandboxed::measure(guest, directory.path(), waiting::measure)?;
    }
    if wants("sandbox") {
        sandboxed::measure(guest, directory.path(), calling::measure)?;
    }
    if wants("packages") {
        sandboxed::measure(guest, directory.path(), packages::measure)?;
    }
    if wants("door") {
        door::measure(directory.path())?;
    }
    if wants("lists") {
        lists::measure(directory.path())?;
    }
    if wants("sources") {
        sources::measure(directory.path())?;
    }
    if wants("network") {
        network::measure(directory.path())?;
    }
    if wants("spawned") {
        spawned::measure()?;
    }
    Ok(())
}
