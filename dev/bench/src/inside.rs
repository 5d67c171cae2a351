//! Calls inside a worker, without its process and pipe: what a fresh instance costs by each way of resetting memory.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use sandbox::worker::Inside;
use sandbox::{MemoryReset, MemoryStatistics, Recipe, Run};

use crate::process::{page_faults, private_kib};
use crate::sample::{ADD, FORTY_LINES, Sample};
use crate::sandboxed::run;

const CALLS: usize = 3000;

/// The recipes to compare; all that this machine has.
const RECIPES: [Recipe; 5] =
    [Recipe::Tracked, Recipe::Scanned, Recipe::Pagemap, Recipe::Dropped, Recipe::Pool];

/// Calls both tools by every recipe; then the fastest on all processors at once.
pub(crate) fn measure(guest: &'static [u8], directory: &Path) -> anyhow::Result<()> {
    println!("inside one worker, fresh instance for each call:");
    for recipe in RECIPES {
        let folder = directory.join("artifacts");
        let inside = match Inside::new(guest, folder, MemoryReset::Only(recipe)) {
            Ok(inside) => inside,
            Err(error) => {
                println!("  {recipe}: not on this machine ({error})");
                continue;
            }
        };
        let few = if recipe == Recipe::Pool || recipe == Recipe::Dropped { 10 } else { 1 };
        for tool in [ADD, FORTY_LINES] {
            for ahead in [true, false] {
                let run = run(&tool.source(ahead), tool.arguments);
                calls(&inside, &run, tool.result, CALLS / few / 4)?;
                let before = inside.statistics().unwrap_or_default();
                let (began, faults) = (Instant::now(), page_faults());
                let times = calls(&inside, &run, tool.result, CALLS / few)?;
                let faults = (page_faults() - faults) / times.len() as u64;
                let loaded = if ahead { "loaded ahead" } else { "loaded in the call" };
                let what = format!("  {recipe}, {}, {loaded}", tool.name);
                Sample::new(times, began.elapsed()).print(&what);
                println!(
                    "      per call: {faults} page faults, {} pages copied",
                    copied(&inside, &before)
                );
            }
        }
    }
    println!("  private memory of this process: {} KiB", private_kib(std::process::id()));
    everywhere(guest, directory)
}

/// Pages copied back or in per reset since `before`.
fn copied(inside: &Inside, before: &MemoryStatistics) -> u64 {
    let now = inside.statistics().unwrap_or_default();
    let resets = (now.resets - before.resets).max(1);
    (now.copied_bytes - before.copied_bytes) / resets / 4096
}

/// One worker's inside on each processor.
fn everywhere(guest: &'static [u8], directory: &Path) -> anyhow::Result<()> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let began = Instant::now();
    let threads: Vec<_> = (0..processors)
        .map(|_| {
            let folder = directory.join("artifacts");
            std::thread::spawn(move || -> anyhow::Result<(Vec<Duration>, Duration)> {
                let inside = Inside::new(guest, folder, MemoryReset::Auto)
                    .map_err(|error| anyhow::anyhow!("{error}"))?;
                let run = run(&ADD.source(true), ADD.arguments);
                calls(&inside, &run, ADD.result, CALLS / 4)?;
                let began = Instant::now();
                Ok((calls(&inside, &run, ADD.result, 4 * CALLS)?, began.elapsed()))
            })
        })
        .collect();
    let mut times = Vec::new();
    let mut longest = Duration::ZERO;
    for thread in threads {
        let (mut own, elapsed) =
            thread.join().map_err(|_panic| anyhow::anyhow!("a thread panicked"))??;
        times.append(&mut own);
        longest = longest.max(elapsed);
    }
    ensure!(began.elapsed() >= longest, "time goes backwards");
    Sample::new(times, longest).print("  the fastest, on every processor at once");
    Ok(())
}

fn calls(
    inside: &Inside,
    run: &Run,
    expected: &str,
    count: usize,
) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let run = run.clone();
        let began = Instant::now();
        let result = inside.call(run);
        times.push(began.elapsed());
        let result = result.context("a call failed")?;
        ensure!(result == expected, "{result}");
    }
    Ok(times)
}
