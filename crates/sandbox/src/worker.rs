//! The worker process: runs guests for the server at the other end of its pipes, and ends with it.

mod ahead;
mod archive;
mod budget;
mod cache;
mod call;
mod guest;
mod inside;
mod load;
mod meter;
mod operations;
mod outbox;
mod output;
mod prepare;
mod runner;
mod sets;
mod state;
mod ticker;
mod turns;

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::BufReader;
use tokio::net::unix::pipe;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::clock::Clock;
use crate::limits::Limits;
use crate::protocol::{self, FromWorker, READ_AT_ONCE, Readiness, Task, ToWorker, VERSION};
use crate::{system, walls};
use budget::Budget;
use guest::Guest;
pub use inside::Inside;
use meter::Meter;
use operations::Operations;
use outbox::Outbox;
use runner::{Runner, Terms};

/// Serves calls from standard input to standard output until the pipe ends.
///
/// The program of [`crate::Config::worker_command`] calls this first thing, before it starts a thread.
pub fn main() -> ExitCode {
    abort_on_panic();
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error is the server's own; when it is gone too, nobody is left to tell.
            let _unheard = writeln!(io::stderr(), "sandbox worker: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A panic is a defect of this process: the server replaces it and tells the callers.
fn abort_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::abort();
    }));
}

fn start() -> io::Result<()> {
    system::die_with_parent()?;
    // Without /proc the worker is as good as before, only the server less safe.
    let _unsupported = system::volunteer_when_memory_is_short();
    let (input, output) = system::take_pipes()?;
    // One thread; and the pipes are looked at after every slice of a guest, not after every 61st.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().event_interval(1).build()?;
    runtime.block_on(async {
        let input = pipe::Receiver::from_owned_fd(input)?;
        let output = pipe::Sender::from_owned_fd(output)?;
        serve(input, output).await
    })
}

async fn serve(mut input: pipe::Receiver, mut output: pipe::Sender) -> io::Result<()> {
    let Some(hello) = protocol::read::<_, ToWorker>(&mut input).await? else { return Ok(()) };
    let ToWorker::Hello { version, server, code, memory, share } = hello else {
        return Err(io::Error::other("the first message is not a greeting"));
    };
    // The server may have ended before the kernel was asked to end this process with it.
    if std::os::unix::process::parent_id() != server {
        return Err(io::Error::other("the server that started this worker is gone"));
    }
    if version != VERSION {
        let outcome = Err("the server is of another build".to_owned());
        return protocol::write(&mut output, &FromWorker::Ready { version: VERSION, outcome })
            .await;
    }
    let socket = system::take_socket()?;
    let guest = match Guest::load(Path::new(&code), &memory, system::take_image, socket) {
        Ok(guest) => Arc::new(guest),
        Err(error) => {
            let outcome = Err(format!("the guest cannot be loaded: {error:#}"));
            return protocol::write(&mut output, &FromWorker::Ready { version, outcome }).await;
        }
    };
    // Without it, memory is bounded by what calls are charged alone.
    let resident = system::Resident::open().ok();
    let walls = walls::raise(|| guest.start_clock());
    let ready = Readiness { memory: guest.memory.report.clone(), walls };
    protocol::write(&mut output, &FromWorker::Ready { version, outcome: Ok(ready) }).await?;
    let budget = Budget::new(share, budget::Real::new(resident, &guest));
    let (outbox, queue) = Outbox::new();
    let runner = Runner::default();
    let mut reporter = load::Reporter::new(budget.clone(), outbox.clone());
    let desk = Desk { guest, outbox, runner: runner.clone(), budget, calls: Calls::default() };
    // Whichever way of the pipe ends first, the server is gone or this process is of no more use to it.
    let mut parts = JoinSet::new();
    let mut input = BufReader::with_capacity(READ_AT_ONCE, input);
    parts.spawn(async move {
        while let Some(message) = protocol::read(&mut input).await? {
            desk.take(message);
        }
        Ok(())
    });
    parts.spawn(outbox::write_all(queue, output));
    parts.spawn(async move {
        runner.run(move |standing| reporter.after_slice(standing)).await;
        Ok(())
    });
    match parts.join_next().await {
        Some(Ok(Err(error))) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Some(ended) => ended.map_err(io::Error::other)?,
        None => Ok(()),
    }
}

/// The calls under way, shared with each so that it can leave at its end.
type Calls = Arc<Mutex<HashMap<u64, Operations>>>;

/// Where messages of the server are taken.
struct Desk {
    guest: Arc<Guest>,
    outbox: Outbox,
    runner: Runner,
    budget: Budget,
    calls: Calls,
}

impl Desk {
    fn take(&self, message: ToWorker) {
        match message {
            ToWorker::Hello { .. } => {}
            ToWorker::Ping => self.outbox.send(FromWorker::Pong),
            ToWorker::Keep { set, form } => {
                if let Err(error) = self.guest.keep_set(set, form) {
                    // The calls that need it say so; the sets that come after it would be taken for others.
                    let reason = format!("a set of packages could not be taken: {error}");
                    self.outbox.send(FromWorker::Retire { reason });
                }
            }
            ToWorker::Forget { set } => self.guest.sets.forget(set),
            ToWorker::Start { call, group, task, limits } => self.begin(call, group, task, limits),
            ToWorker::Cancel { call } => {
                remove(&self.calls, call);
                self.runner.remove(call);
            }
            ToWorker::Answer { call, operation, outcome } => {
                let operations = lock(&self.calls).get(&call).cloned();
                if let Some(operations) = operations {
                    operations.end(operation, outcome);
                }
            }
        }
    }

    fn begin(&self, call: u64, group: Uuid, task: Task, limits: Limits) {
        let Some(memory) = self.budget.admit() else {
            self.outbox.send(FromWorker::Full { call, task });
            return;
        };
        let operations = Operations::new(call, self.outbox.clone());
        lock(&self.calls).insert(call, operations.clone());
        let (meter, clock) = (Meter::default(), Clock::new(limits.wall));
        let context = call::Context {
            call,
            limits,
            guest: Arc::clone(&self.guest),
            outbox: self.outbox.clone(),
            operations,
            meter: meter.clone(),
            clock: clock.clone(),
            budget: self.budget.clone(),
            memory,
        };
        let (calls, guest) = (Arc::clone(&self.calls), Arc::clone(&self.guest));
        let outbox = self.outbox.clone();
        self.runner.add(Terms { call, group, meter, clock }, async move {
            call::answer(context, task).await;
            // What is in doubt is the reset of memory: no call may come after this one.
            if let Some(reason) = guest.doubt() {
                outbox.send(FromWorker::Retire { reason });
            }
            remove(&calls, call);
        });
    }
}

fn lock(calls: &Calls) -> MutexGuard<'_, HashMap<u64, Operations>> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remove(calls: &Calls, call: u64) {
    let removed = lock(calls).remove(&call);
    drop(removed);
}
