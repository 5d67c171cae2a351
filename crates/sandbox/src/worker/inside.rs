//! A worker's calls on the thread of a benchmark, without a process, a pipe and walls.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Runtime;

use super::budget::Budget;
use super::call::{self, Context};
use super::guest::Guest;
use super::meter::Meter;
use super::operations::Operations;
use super::outbox::{Item, Outbox};
use crate::answer;
use crate::clock::Clock;
use crate::limits::{Bounds, Run};
use crate::memory::{MemoryReset, MemoryStatistics, Recipe};
use crate::outcome::{Failure, FailureKind};
use crate::protocol::{FromWorker, Program, Share, Task};
use crate::provision::Provision;

/// What a worker process does for a call, and nothing around it.
pub struct Inside {
    runtime: Runtime,
    guest: Arc<Guest>,
    budget: Budget,
}

impl Inside {
    /// Unpacks `bundle` into `folder` and maps it. The clock that interrupts guests runs until the
    /// process ends.
    ///
    /// # Errors
    /// Whatever keeps a worker from being ready.
    pub fn new(
        bundle: &'static [u8],
        folder: PathBuf,
        reset: MemoryReset,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().event_interval(1).build()?;
        let provision = runtime.block_on(Provision::prepare(bundle, folder, reset))?;
        let code = provision.folder().join(provision.code());
        let image = || provision.image()?.ok_or_else(|| std::io::ErrorKind::NotFound.into());
        // Nobody hands it any packages.
        let socket = UnixStream::pair()?.0.into();
        let guest = Arc::new(Guest::load(&code, &provision.recipes(), image, socket)?);
        guest.start_clock();
        let bytes = Bounds::default().memory_bytes;
        let budget = Budget::new(Share { bytes, of: bytes }, None);
        Ok(Self { runtime, guest, budget })
    }

    /// How memory is reset.
    pub fn recipe(&self) -> Recipe {
        self.guest.memory.report.recipe
    }

    /// What that has cost so far; nothing of the pool.
    pub fn statistics(&self) -> Option<MemoryStatistics> {
        self.guest.statistics()
    }

    /// One call in a fresh instance, up to its result as JSON text.
    ///
    /// # Errors
    /// Why there is no result.
    pub fn call(&self, run: Run) -> Result<String, Failure> {
        self.runtime.block_on(async {
            let (outbox, mut queue) = Outbox::new();
            let Run { source, arguments, secrets, client, modules, set: _, limits, group: _ } = run;
            let (secrets, modules) = (secrets.to_json(), modules.to_json());
            let arguments = arguments.to_json();
            let client = client.to_json();
            let program = Program { source, arguments, secrets, client, modules, set: None };
            let meter = Meter::default();
            let memory = self.budget.admit().ok_or_else(|| {
                Failure::new(FailureKind::Busy, "one call is made after the other")
            })?;
            let context = Context {
                call: 0,
                limits,
                guest: Arc::clone(&self.guest),
                operations: Operations::new(0, outbox.clone()),
                outbox,
                meter: meter.clone(),
                clock: Clock::new(limits.wall),
                budget: self.budget.clone(),
                memory,
            };
            meter.metered(call::answer(context, Task::Run(program))).await;
            while let Some(item) = queue.recv().await {
                if let Item::Message(FromWorker::Done { reply, .. }) = item {
                    return answer::result(Ok(reply), &limits).map(|returned| returned.result);
                }
            }
            Err(Failure::new(FailureKind::Trap, "the call has no end"))
        })
    }
}
