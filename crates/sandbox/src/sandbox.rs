//! The sandbox as its caller sees it: start, inspect, run, stop.

use std::ffi::OsString;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use crate::host::{Host, NoHost};
use crate::inspection::Inspection;
use crate::limits::{Limits, Run};
use crate::memory::{MemoryReport, MemoryReset};
use crate::modules::ModulePolicy;
use crate::outcome::{Failure, Outcome};
use crate::pool::Pool;
use crate::protocol::{Program, Task};
use crate::provision::{Provision, ProvisionError};
use crate::supervisor::{Supervisor, Terms};
use crate::walls::{Walls, WallsPolicy};
use crate::{answer, process};

/// What a sandbox is started with.
#[derive(Debug, Clone)]
pub struct Config {
    /// How many worker processes; each keeps one processor busy at most.
    pub workers: usize,
    /// Where the guest is unpacked; made when absent, readable by its owner alone.
    pub artifact_dir: PathBuf,
    /// Program and arguments that run [`crate::worker::main`]. The program's path is absolute.
    pub worker_command: Vec<OsString>,
    /// The guest as `guest-compile` writes it.
    pub guest: &'static [u8],
    /// How the memory of one call is made new for the next.
    pub memory_reset: MemoryReset,
    /// Whether to start without walls that the kernel does not offer.
    pub walls: WallsPolicy,
    /// Calls after which a worker process is replaced by a new one; never when absent.
    pub calls_per_worker: Option<NonZeroU64>,
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is nothing to give to workers.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    /// [`Config::workers`] is 0 or [`Config::worker_command`] is empty.
    #[error("{0}")]
    Config(&'static str),
    /// A worker did not get as far as to take calls.
    #[error("a sandbox worker did not start")]
    Worker(#[from] process::ProcessError),
}

/// How the workers are, for a health page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// How many workers there should be.
    pub workers: usize,
    /// How many take calls now.
    pub ready: usize,
    /// How many calls are under way.
    pub running_calls: usize,
    /// How memory is reset; nothing before the first worker is ready.
    pub memory: Option<MemoryReport>,
    /// What keeps the workers in, of each wall the worst; `None` while no worker takes calls.
    pub walls: Option<Walls>,
}

/// The worker processes, and the way into them. Clones share them; dropping the last one ends them.
#[derive(Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

struct Inner {
    pool: Arc<Pool>,
    supervisor: Supervisor,
}

impl Sandbox {
    /// Unpacks the guest where that has not been done, starts the workers and waits until all take calls.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        if config.workers == 0 {
            return Err(StartError::Config("the sandbox needs at least one worker"));
        }
        if config.worker_command.is_empty() {
            return Err(StartError::Config("the command that runs a sandbox worker is empty"));
        }
        let provision =
            Provision::prepare(config.guest, config.artifact_dir, config.memory_reset).await?;
        let pool = Arc::new(Pool::new(config.workers));
        let launcher = process::Launcher::new(config.worker_command, provision);
        let calls_most = config.calls_per_worker.map_or(u64::MAX, NonZeroU64::get);
        let terms = Terms { walls: config.walls, calls_most };
        let supervisor = Supervisor::start(Arc::clone(&pool), launcher, terms).await?;
        Ok(Self { inner: Arc::new(Inner { pool, supervisor }) })
    }

    /// Reads `source` without running its `main`: whether it can be run, its parameters, its schemas.
    ///
    /// Everything is read from the source as it is written, in an instance that runs nothing of it.
    /// The schemas alone come from a second one that executes the module level, where that fits the
    /// signature as written; a note says where it did not.
    ///
    /// Imports that `modules` would refuse are among the notes.
    ///
    /// Source that cannot be run is an [`Inspection`] that is not valid; the error is for what ended
    /// the inspection itself, such as a sandbox that has no place left.
    pub async fn inspect(
        &self,
        source: &str,
        modules: &ModulePolicy,
    ) -> Result<Inspection, Failure> {
        let written = self.inspected(source, false, modules).await?;
        if !written.valid || !written.has_main {
            return Ok(written);
        }
        let executed = self.inspected(source, true, modules).await;
        match executed {
            Err(failure) if failure.kind.is_the_servers() => Err(failure),
            executed => Ok(written.with_schemas_of(executed)),
        }
    }

    async fn inspected(
        &self,
        source: &str,
        execute: bool,
        modules: &ModulePolicy,
    ) -> Result<Inspection, Failure> {
        let task = Task::Inspect { source: source.to_owned(), execute, modules: modules.to_json() };
        let ending = self.inner.pool.call(task, Limits::default(), Arc::new(NoHost)).await;
        answer::inspection(ending.reply)
    }

    /// Runs `main` in a fresh instance. Dropping the future cancels the call in its worker.
    pub async fn run(&self, run: Run, host: Arc<dyn Host>) -> Outcome {
        let began = Instant::now();
        let Run { source, arguments, secrets, modules, limits } = run;
        let limits = limits.bounded();
        let modules = modules.to_json();
        let task = Task::Run(Program { source, arguments, secrets, modules });
        let ending = self.inner.pool.call(task, limits, host).await;
        let (result, blocks) = match answer::result(ending.reply, &limits) {
            Ok((result, blocks)) => (Ok(result), blocks),
            Err(failure) => (Err(failure), Vec::new()),
        };
        Outcome {
            result,
            blocks,
            stdout: ending.stdout,
            stdout_truncated: ending.stdout_truncated,
            wall: began.elapsed(),
            cpu: ending.cpu,
        }
    }

    /// How the workers are.
    pub fn status(&self) -> Status {
        let (ready, running_calls) = self.inner.pool.load();
        let pool = &self.inner.pool;
        Status {
            workers: pool.workers(),
            ready,
            running_calls,
            memory: pool.memory(),
            walls: pool.walls(),
        }
    }

    /// Ends all workers and waits for that; calls under way fail.
    pub async fn stop(&self) {
        // First, so that workers whose calls end here are not taken for lost ones.
        self.inner.supervisor.begin_to_stop();
        self.inner.pool.close();
        self.inner.supervisor.stop().await;
    }
}
