//! Calls through the worker processes and their pipes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use sandbox::{NoHost, Sandbox};

use crate::sample::{ADD, Sample};
use crate::sandboxed::run;

const CALLS: usize = 2000;

/// Calls a tool one after the other, then from as many tasks as keep all workers busy.
pub(crate) async fn measure(sandbox: &Sandbox) -> anyhow::Result<()> {
    calls(sandbox, CALLS / 4).await?;
    let began = Instant::now();
    let times = calls(sandbox, CALLS).await?;
    Sample::new(times, began.elapsed()).print("fresh instance in the sandbox, one at a time");
    let began = Instant::now();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let sandbox = sandbox.clone();
            tokio::spawn(async move { calls(&sandbox, CALLS / 4).await })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    Sample::new(times, began.elapsed()).print("fresh instance in the sandbox, 8 at a time");
    Ok(())
}

async fn calls(sandbox: &Sandbox, count: usize) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let run = run(&ADD.source(true), ADD.arguments);
        let began = Instant::now();
        let outcome = sandbox.run(run, Arc::new(NoHost)).await;
        times.push(began.elapsed());
        let result = outcome.result?;
        ensure!(result == ADD.result, "{result}");
    }
    Ok(times)
}
