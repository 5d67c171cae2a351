//! Many calls that wait at once: how long they take together and what memory one of them holds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use sandbox::{NoHost, Sandbox};
use testkit::program::children;

use crate::process::private_kib;
use crate::sample::Sample;
use crate::sandboxed::run;

/// As many as fit the 512 calls that may run at once.
const CALLS: usize = 500;

const SOURCE: &str =
    "import asyncio\n\nasync def main() -> int:\n    await asyncio.sleep(0.5)\n    return 1\n";

/// Calls a tool that waits half a second, 500 times at once: first with slots that no call has used yet.
pub(crate) async fn measure(sandbox: &Sandbox) -> anyhow::Result<()> {
    let before = workers_kib();
    for round in ["slots never used", "slots used before"] {
        let began = Instant::now();
        let calls: Vec<_> = (0..CALLS)
            .map(|_| {
                let sandbox = sandbox.clone();
                tokio::spawn(async move { sandbox.run(run(SOURCE, "{}"), Arc::new(NoHost)).await })
            })
            .collect();
        // All wait by now, and none has ended.
        tokio::time::sleep(Duration::from_millis(400)).await;
        let waiting = began.elapsed();
        let held = workers_kib().saturating_sub(before);
        let mut times = Vec::new();
        for call in calls {
            let outcome = call.await?;
            ensure!(outcome.result? == "1", "another result");
            times.push(outcome.wall);
        }
        Sample::new(times, began.elapsed()).print(&format!("{CALLS} calls of 0.5 s, {round}"));
        println!(
            "      together {} ms; {} ms after the start one waiting call held {} KiB",
            began.elapsed().as_millis(),
            waiting.as_millis(),
            held / CALLS as u64
        );
    }
    Ok(())
}

/// Private memory of the workers, in KiB.
fn workers_kib() -> u64 {
    children(std::process::id()).into_iter().map(private_kib).sum()
}
