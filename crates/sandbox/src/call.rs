//! One call from the server's side: forwards what the guest asks for and collects what it writes.

use std::collections::{HashMap, HashSet};
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{AbortHandle, Id, JoinSet};

use crate::abilities::Abilities;
use crate::clock::Clock;
use crate::host::Host;
use crate::limits::Limits;
use crate::link::Seat;
use crate::outcome::{Failure, FailureKind, Used};
use crate::protocol::{FromWorker, PAYLOAD_MAX, Reply, Task};
use crate::set::Set;

/// How much longer than the call's own limit the server waits before it gives the worker up.
const GRACE: Duration = Duration::from_secs(10);

/// The most bytes of a prepared set that are taken: what the memory of a call can have.
const CONTENT_MAX: usize = Limits::MEMORY_MAX;

/// What a call is to do.
pub(crate) struct Order {
    pub(crate) task: Task,
    pub(crate) limits: Limits,
    /// The packages that the task names by number.
    pub(crate) set: Option<Set>,
}

/// How a call ended, before the guest's answer is read.
pub(crate) struct Ending {
    pub(crate) reply: Result<Reply, Failure>,
    pub(crate) stdout: String,
    pub(crate) stdout_truncated: bool,
    pub(crate) used: Used,
    /// Parts of a prepared set, and where each belongs.
    pub(crate) content: Vec<(u64, Vec<u8>)>,
}

impl Ending {
    /// The end of a call that did not begin.
    pub(crate) fn refused(failure: Failure) -> Self {
        Self {
            reply: Err(failure),
            stdout: String::new(),
            stdout_truncated: false,
            used: Used::default(),
            content: Vec::new(),
        }
    }
}

/// Carries one call through; its order comes back where the worker had no room for it.
pub(crate) async fn drive(
    seat: Seat,
    Order { task, limits, set }: Order,
    host: Arc<dyn Host>,
) -> Result<Ending, Order> {
    if let Some(set) = &set
        && let Err(failure) = seat.hand_over(set)
    {
        seat.turned_away();
        return Ok(Ending::refused(failure));
    }
    let clock = Clock::new(limits.wall + GRACE);
    let (operations, stdout, content) = (Operations::default(), Vec::new(), Vec::new());
    let collects = matches!(task, Task::Prepare { .. });
    let mut drive =
        Drive { seat, host, clock: clock.clone(), operations, stdout, content, collects };
    let carried_through = async {
        drive.seat.start(task, limits).await;
        drive.until_done(limits.stdout_bytes).await
    };
    let outcome = clock.in_time(carried_through).await;
    // Nothing that the call began on the server outlives it.
    drive.operations.tasks.shutdown().await;
    let stdout = crate::text::decode_prefix(std::mem::take(&mut drive.stdout));
    Ok(match outcome {
        Some(Some(Event::Full(task))) => {
            drive.seat.turned_away();
            return Err(Order { task, limits, set });
        }
        Some(Some(Event::Done { reply, used, stdout_truncated })) => {
            Ending { reply: Ok(reply), stdout, stdout_truncated, used, content: drive.content }
        }
        Some(None) => Ending { stdout, ..Ending::refused(lost(drive.seat.how_lost())) },
        None => {
            drive.seat.condemn_worker();
            Ending { stdout, ..Ending::refused(lost("stopped answering")) }
        }
    })
}

/// What ends a call's time in its worker.
enum Event {
    Full(Task),
    Done { reply: Reply, used: Used, stdout_truncated: bool },
}

fn lost(how: &str) -> Failure {
    let message = format!(
        "the worker process that ran this call {how}, and has been replaced: \
         call again, unless the call may have changed something elsewhere"
    );
    Failure::new(FailureKind::WorkerLost, message)
}

struct Drive {
    seat: Seat,
    host: Arc<dyn Host>,
    /// Stands still while the client is waited for.
    clock: Clock,
    operations: Operations,
    stdout: Vec<u8>,
    content: Vec<(u64, Vec<u8>)>,
    /// Whether there is to be any content.
    collects: bool,
}

#[derive(Default)]
struct Operations {
    tasks: JoinSet<(u32, Result<Vec<u8>, String>)>,
    handles: HashMap<u32, AbortHandle>,
    /// Those of them that ask the client.
    asks: HashSet<u32>,
    numbers: HashMap<Id, u32>,
}

impl Drive {
    async fn until_done(&mut self, stdout_bytes: usize) -> Option<Event> {
        loop {
            tokio::select! {
                event = self.seat.event() => match event? {
                    FromWorker::Ready { .. }
                    | FromWorker::Pong
                    | FromWorker::Retire { .. }
                    | FromWorker::Load(_) => {}
                    FromWorker::Full { task, .. } => return Some(Event::Full(task)),
                    FromWorker::Output { bytes, .. } => {
                        let room = stdout_bytes.saturating_sub(self.stdout.len());
                        self.stdout.extend(bytes.into_iter().take(room));
                    }
                    FromWorker::Content { offset, bytes, .. } => self.keep(offset, bytes),
                    FromWorker::Operation { operation, name, payload, .. } => {
                        self.begin(operation, &name, payload);
                    }
                    FromWorker::Abandon { operation, .. } => {
                        self.operations.abandon(operation);
                        self.note_asks();
                    }
                    FromWorker::Done { reply, used, stdout_truncated, .. } => {
                        return Some(Event::Done { reply, used, stdout_truncated });
                    }
                },
                Some((operation, outcome)) = self.operations.next() => {
                    self.note_asks();
                    self.seat.answer(operation, outcome).await;
                }
            }
        }
    }
}

impl Drive {
    fn begin(&mut self, operation: u32, name: &str, payload: Vec<u8>) {
        let asks = name == Abilities::ASK;
        if asks && let Err(refusal) = self.seat.begin_asking() {
            self.operations.start(operation, Box::pin(ready(Err(refusal))));
            return;
        }
        let answer = self.host.start(name, payload);
        self.operations.start(operation, answer);
        if asks {
            self.operations.asks.insert(operation);
            self.clock.stop();
        }
    }

    /// Lets the time go on once nothing of the client is waited for.
    fn note_asks(&mut self) {
        if self.operations.asks.is_empty() {
            self.clock.go_on();
            self.seat.end_asking();
        }
    }

    /// Keeps a part of a set; what would be too much is dropped, and found missing at the end.
    fn keep(&mut self, offset: u64, bytes: Vec<u8>) {
        let held: usize = self.content.iter().map(|(_, bytes)| bytes.len()).sum();
        if self.collects && held.saturating_add(bytes.len()) <= CONTENT_MAX {
            self.content.push((offset, bytes));
        }
    }
}

impl Operations {
    fn start(&mut self, operation: u32, answer: crate::host::Operation) {
        let handle = self.tasks.spawn(async move { (operation, answer.await) });
        self.numbers.insert(handle.id(), operation);
        self.handles.insert(operation, handle);
    }

    fn abandon(&mut self, operation: u32) {
        self.asks.remove(&operation);
        if let Some(handle) = self.handles.remove(&operation) {
            handle.abort();
        }
    }

    /// The next operation to end that was not abandoned; `None` when none is under way.
    async fn next(&mut self) -> Option<(u32, Result<Vec<u8>, String>)> {
        loop {
            let (id, operation, outcome) = match self.tasks.join_next_with_id().await? {
                Ok((id, (operation, outcome))) => (id, Some(operation), outcome),
                Err(error) => {
                    (error.id(), None, Err("the server failed at this operation".to_owned()))
                }
            };
            let number = self.numbers.remove(&id);
            let Some(operation) = operation.or(number) else { continue };
            self.asks.remove(&operation);
            if self.handles.remove(&operation).is_some() {
                return Some((operation, bounded(outcome)));
            }
        }
    }
}

fn bounded(outcome: Result<Vec<u8>, String>) -> Result<Vec<u8>, String> {
    match outcome {
        Ok(bytes) if bytes.len() > PAYLOAD_MAX => Err(format!(
            "the answer is {} bytes long, the most is {PAYLOAD_MAX}: ask for less at a time",
            bytes.len()
        )),
        outcome => outcome,
    }
}
