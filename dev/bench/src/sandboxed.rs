//! A call inside the sandbox: the worker process and its pipe, without a door and a database.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use sandbox::{Bounds, Config, Limits, MemoryReset, ModulePolicy, NoHost, Run, Sandbox};
use testkit::program::binary;
use uuid::Uuid;

use crate::sample::{ADD, Sample};
use crate::waiting;

const CALLS: usize = 2000;

/// Calls a tool one after the other, then from as many tasks as keep all workers busy.
pub(crate) fn measure(guest: &'static [u8], directory: &Path) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let sandbox = start(guest, directory).await?;
        waiting::measure(&sandbox).await?;
        calls(&sandbox, CALLS / 4).await?;
        let began = Instant::now();
        let times = calls(&sandbox, CALLS).await?;
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
        sandbox.stop().await;
        Ok(())
    })
}

async fn start(guest: &'static [u8], directory: &Path) -> anyhow::Result<Sandbox> {
    let config = Config {
        workers: std::thread::available_parallelism().map_or(1, usize::from),
        artifact_dir: directory.join("artifacts"),
        worker_command: vec![binary().into_os_string(), "worker".into()],
        guest,
        memory_reset: MemoryReset::Auto,
        walls: sandbox::WallsPolicy::Preferred,
        calls_per_worker: None,
        bounds: Bounds::default(),
    };
    Ok(Sandbox::start(config).await?)
}

async fn calls(sandbox: &Sandbox, count: usize) -> anyhow::Result<Vec<std::time::Duration>> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let run = Run {
            source: ADD.source(true),
            arguments: ADD.arguments.to_owned(),
            secrets: "{}".to_owned(),
            modules: ModulePolicy::default(),
            limits: Limits::default(),
            group: Uuid::nil(),
        };
        let began = Instant::now();
        let outcome = sandbox.run(run, Arc::new(NoHost)).await;
        times.push(began.elapsed());
        let result = outcome.result?;
        anyhow::ensure!(result == ADD.result, "{result}");
    }
    Ok(times)
}
