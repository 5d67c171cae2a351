//! The worker process: runs guests for the server at the other end of its pipes, and ends with it.

mod ahead;
mod cache;
mod call;
mod guest;
mod inside;
mod meter;
mod operations;
mod outbox;
mod output;
mod state;
mod ticker;

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::unix::pipe;
use tokio::task::AbortHandle;

use crate::protocol::{self, FromWorker, Readiness, ToWorker, VERSION};
use crate::{system, walls};
use guest::Guest;
pub use inside::Inside;
use operations::Operations;
use outbox::Outbox;

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
    let ToWorker::Hello { version, server, code, memory } = hello else {
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
    let guest = match Guest::load(Path::new(&code), &memory, system::take_image) {
        Ok(guest) => Arc::new(guest),
        Err(error) => {
            let outcome = Err(format!("the guest cannot be loaded: {error:#}"));
            return protocol::write(&mut output, &FromWorker::Ready { version, outcome }).await;
        }
    };
    let walls = walls::raise(|| guest.start_clock());
    let ready = Readiness { memory: guest.memory.report.clone(), walls };
    protocol::write(&mut output, &FromWorker::Ready { version, outcome: Ok(ready) }).await?;
    let (outbox, queue) = Outbox::new();
    let calls = Calls::default();
    let reading = async {
        while let Some(message) = protocol::read(&mut input).await? {
            take(message, &guest, &outbox, &calls);
        }
        Ok(())
    };
    // Whichever way of the pipe ends first, the server is gone or this process is of no more use to it.
    tokio::select! {
        ended = reading => ended,
        ended = outbox::write_all(queue, output) => ended,
    }
}

/// The calls under way, shared with each so that it can leave at its end.
type Calls = Arc<Mutex<HashMap<u64, Running>>>;

struct Running {
    task: AbortHandle,
    operations: Operations,
}

fn take(message: ToWorker, guest: &Arc<Guest>, outbox: &Outbox, calls: &Calls) {
    let mut running = calls.lock().unwrap_or_else(PoisonError::into_inner);
    match message {
        ToWorker::Hello { .. } => {}
        ToWorker::Ping => outbox.send(FromWorker::Pong),
        ToWorker::Start { call, task, limits } => {
            let operations = Operations::new(call, outbox.clone());
            let context = call::Context {
                call,
                limits,
                guest: Arc::clone(guest),
                outbox: outbox.clone(),
                operations: operations.clone(),
            };
            let (calls, guest, outbox) = (Arc::clone(calls), Arc::clone(guest), outbox.clone());
            let spawned = tokio::spawn(async move {
                call::answer(context, task).await;
                // What is in doubt is the reset of memory: no call may come after this one.
                if let Some(reason) = guest.doubt() {
                    outbox.send(FromWorker::Retire { reason });
                }
                calls.lock().unwrap_or_else(PoisonError::into_inner).remove(&call);
            });
            running.insert(call, Running { task: spawned.abort_handle(), operations });
        }
        ToWorker::Cancel { call } => {
            if let Some(cancelled) = running.remove(&call) {
                cancelled.task.abort();
            }
        }
        ToWorker::Answer { call, operation, outcome } => {
            if let Some(waiting) = running.get(&call) {
                waiting.operations.end(operation, outcome);
            }
        }
    }
}
