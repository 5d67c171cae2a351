//! The sandbox as its caller sees it: start, inspect, run, stop.

use std::ffi::OsString;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use uuid::Uuid;

use crate::answer::Returned;
use crate::call::{Ending, Order};
use crate::host::{Host, NoHost};
use crate::inspection::Inspection;
use crate::limits::{Bounds, Limits, Run, check_source};
use crate::memory::{Image, MemoryReport, MemoryReset};
use crate::modules::ModulePolicy;
use crate::outcome::{Failure, Outcome};
use crate::pool::{Counts, Pool};
use crate::protocol::{Program, Task};
use crate::provision::{Provision, ProvisionError};
use crate::set::{Folder, Set};
use crate::supervisor::{Supervisor, Terms};
use crate::walls::{Walls, WallsPolicy};
use crate::{answer, process, text};

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
    /// How many calls there may be at once, and how much memory they may hold together.
    pub bounds: Bounds,
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is nothing to give to workers.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    /// Something in [`Config`] cannot be.
    #[error("{0}")]
    Config(String),
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
    /// How many of them wait for their client.
    pub asking_calls: usize,
    /// How many calls wait for a place.
    pub waiting_calls: usize,
    /// The bytes that calls hold together, as far as the workers have told.
    pub memory_bytes: usize,
    /// How many workers ended that were to go on, and were replaced.
    pub workers_lost: u64,
    /// How many workers had taken their calls, and were replaced.
    pub workers_renewed: u64,
    /// The most that there may be of each.
    pub bounds: Bounds,
}

/// The worker processes, and the way into them. Clones share them; dropping the last one ends them.
#[derive(Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

struct Inner {
    provision: Provision,
    pool: Arc<Pool>,
    supervisor: Supervisor,
}

impl Sandbox {
    /// Unpacks the guest where that has not been done, starts the workers and waits until all take calls.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        check(&config).map_err(StartError::Config)?;
        let provision =
            Provision::prepare(config.guest, config.artifact_dir, config.memory_reset).await?;
        let pool = Arc::new(Pool::new(config.workers, config.bounds));
        let launcher = process::Launcher::new(config.worker_command, provision.clone());
        let calls_most = config.calls_per_worker.map_or(u64::MAX, NonZeroU64::get);
        let terms = Terms { walls: config.walls, calls_most };
        let supervisor = Supervisor::start(Arc::clone(&pool), launcher, terms).await?;
        Ok(Self { inner: Arc::new(Inner { provision, pool, supervisor }) })
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
    /// the inspection itself, such as a sandbox that has no place left. `group` is who shares places
    /// and processor time with it, as for [`Run::group`].
    pub async fn inspect(
        &self,
        source: &str,
        modules: &ModulePolicy,
        set: Option<&Set>,
        group: Uuid,
    ) -> Result<Inspection, Failure> {
        check_source(source)?;
        let look = |execute| {
            let (source, modules) = (source.to_owned(), modules.to_json());
            let task = Task::Inspect { source, execute, modules, set: set.map(Set::number) };
            Order { task, limits: Limits::default(), set: set.cloned() }
        };
        let written = self.inspected(look(false), group).await?;
        if !written.valid || !written.has_main {
            return Ok(written);
        }
        let executed = self.inspected(look(true), group).await;
        match executed {
            Err(failure) if failure.kind.is_the_servers() => Err(failure),
            executed => Ok(written.with_schemas_of(executed)),
        }
    }

    async fn inspected(&self, order: Order, group: Uuid) -> Result<Inspection, Failure> {
        let ending = self.inner.pool.call(group, order, Arc::new(NoHost)).await;
        answer::inspection(ending.reply)
    }

    /// Runs `main` in a fresh instance. Dropping the future cancels the call in its worker.
    pub async fn run(&self, run: Run, host: Arc<dyn Host>) -> Outcome {
        let began = Instant::now();
        let Run { source, arguments, secrets, client, modules, set, limits, group } = run;
        let limits = limits.bounded();
        let (secrets, client, modules) = (secrets.to_json(), client.to_json(), modules.to_json());
        let ending = match check_source(&source) {
            Ok(()) => {
                let number = set.as_ref().map(Set::number);
                let arguments = arguments.to_json();
                let program = Program { source, arguments, secrets, client, modules, set: number };
                let task = Task::Run(program);
                self.inner.pool.call(group, Order { task, limits, set }, host).await
            }
            Err(failure) => Ending::refused(failure),
        };
        let (result, blocks, is_error) = match answer::result(ending.reply, &limits) {
            Ok(Returned { result, blocks, is_error }) => (Ok(result), blocks, is_error),
            Err(failure) => (Err(failure), Vec::new(), false),
        };
        Outcome {
            result,
            blocks,
            is_error,
            stdout: ending.stdout,
            stdout_truncated: ending.stdout_truncated,
            wall: began.elapsed(),
            used: ending.used,
        }
    }

    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.inner.pool
    }

    /// What the memory of every call begins with; nothing where that is in the compiled guest.
    pub(crate) fn image(&self) -> Option<Arc<Image>> {
        self.inner.provision.memory_image()
    }

    /// Where sets of packages are that suit this guest.
    pub(crate) fn sets_in(&self, folder: &Path) -> Folder {
        Folder::new(folder, &self.inner.provision.identity())
    }

    /// How the workers are.
    pub fn status(&self) -> Status {
        let pool = &self.inner.pool;
        let Counts { ready, running, asking, waiting, memory, lost, renewed } = pool.counts();
        Status {
            workers: pool.workers(),
            ready,
            running_calls: running,
            asking_calls: asking,
            waiting_calls: waiting,
            memory_bytes: memory,
            workers_lost: lost,
            workers_renewed: renewed,
            bounds: pool.bounds(),
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

/// Says what is wrong with a configuration.
fn check(config: &Config) -> Result<(), String> {
    let Bounds { calls, calls_per_group, memory_bytes, .. } = config.bounds;
    let most = config.workers.saturating_mul(Bounds::CALLS_PER_WORKER);
    let least = config.workers.saturating_mul(Bounds::WORKER_BYTES_MIN);
    if config.workers == 0 {
        return Err("the sandbox needs at least one worker".to_owned());
    }
    if config.worker_command.is_empty() {
        return Err("the command that runs a sandbox worker is empty".to_owned());
    }
    if calls == 0 || calls_per_group == 0 {
        return Err("at least one call must be allowed at a time".to_owned());
    }
    if calls > most {
        return Err(format!(
            "{calls} calls at once are too many for {} workers, which carry {} each: allow at most \
             {most}, or start more workers",
            config.workers,
            Bounds::CALLS_PER_WORKER
        ));
    }
    if memory_bytes < least {
        return Err(format!(
            "{} of memory for calls are too little for {} workers, which need {} each: give at \
             least {}, or start fewer workers",
            text::size(memory_bytes),
            config.workers,
            text::size(Bounds::WORKER_BYTES_MIN),
            text::size(least)
        ));
    }
    Ok(())
}
