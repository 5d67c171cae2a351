//! A sandbox with its worker processes, without a door and a database.

use std::path::Path;

use sandbox::{
    Abilities, Bounds, Config, Limits, MemoryReset, ModulePolicy, Run, Sandbox, Secrets,
};
use testkit::program::binary;
use uuid::Uuid;

/// Starts a sandbox, measures it and stops it.
pub(crate) fn measure(
    guest: &'static [u8],
    directory: &Path,
    measure: impl AsyncFnOnce(&Sandbox) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let sandbox = start(guest, directory).await?;
        measure(&sandbox).await?;
        sandbox.stop().await;
        Ok(())
    })
}

/// A call of a tool by nobody in particular.
pub(crate) fn run(source: &str, arguments: &str) -> Run {
    Run {
        source: source.to_owned(),
        arguments: arguments.to_owned().into(),
        secrets: Secrets::default(),
        client: Abilities::default(),
        modules: ModulePolicy::default(),
        set: None,
        limits: Limits::default(),
        group: Uuid::nil(),
    }
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
        bounds: Bounds { memory_bytes: 4 << 30, ..Bounds::default() },
    };
    Ok(Sandbox::start(config).await?)
}
