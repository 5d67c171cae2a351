//! The server's side of two calls, with a worker that says anything in any order.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use futures::future::join_all;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use uuid::Uuid;

use super::{judge, stream_of};
use crate::call::{Ending, Order, drive};
use crate::host::{Host, Operation};
use crate::limits::{Bounds, Limits};
use crate::memory::{MemoryReport, Recipe};
use crate::outcome::FailureKind;
use crate::pool::Pool;
use crate::protocol::{FromWorker, Readiness, Task, ToWorker};
use crate::walls::{Wall, Walls};

/// The calls, which a link numbers from 1.
const CALLS: [u64; 2] = [1, 2];

/// A limit that short inputs reach.
const STDOUT_BYTES: usize = 8;

/// Carries two calls through, whose worker sends the messages that `bytes` are and ends; returns how
/// many there were.
pub fn conversations(bytes: &[u8]) -> usize {
    let messages = decoded(bytes);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return 0 };
    let (said, count) = (Said::of(&messages), messages.len());
    let Ok((endings, written)) = runtime.block_on(converse(messages)) else { return 0 };
    assert_eq!(endings.len(), CALLS.len());
    for (call, ending) in CALLS.into_iter().zip(endings) {
        said.check_ending(call, ending);
    }
    said.check_written(&written);
    count
}

/// Messages without their lengths, one after the other, so that joined inputs are inputs.
fn decoded(mut bytes: &[u8]) -> Vec<FromWorker> {
    let mut messages = Vec::new();
    while let Ok((message, rest)) = postcard::take_from_bytes(bytes) {
        messages.push(message);
        bytes = rest;
    }
    messages
}

/// How the calls ended, or what came back as the task of one, and what was written to the worker.
async fn converse(messages: Vec<FromWorker>) -> io::Result<(Vec<Result<Ending, Order>>, Vec<u8>)> {
    let pool = Arc::new(Pool::new(1, Bounds::default()));
    let (link, letters) = pool.add(0, readiness(), u64::MAX, None);
    let limits = Limits { stdout_bytes: STDOUT_BYTES, ..Limits::default() };
    let seats: Vec<_> = CALLS.iter().filter_map(|_| link.seat(&pool, Uuid::nil())).collect();
    let calls = join_all(seats.into_iter().map(|seat| drive(seat, order(limits), Arc::new(Echo))));
    let worker = async {
        for message in messages {
            link.hear();
            match message {
                FromWorker::Load(load) => pool.loaded(&link, load),
                message => link.deliver(message).await,
            }
            assert!(link.burden().is_none_or(|(_, calls)| calls <= CALLS.len()));
        }
        pool.remove(&link);
        // Writing ends once nothing can be sent any more.
        drop(link);
    };
    let (sender, mut receiver) = pipe::pipe()?;
    let mut written = Vec::new();
    let read = receiver.read_to_end(&mut written);
    let (endings, (), (), read) = futures::join!(calls, worker, letters.write_to(sender), read);
    read?;
    Ok((endings, written))
}

fn readiness() -> Readiness {
    let wall = || Wall::InForce(String::new());
    let walls = Walls {
        landlock: wall(),
        seccomp: wall(),
        no_new_privileges: wall(),
        no_capabilities: wall(),
        not_dumpable: wall(),
        resource_limits: wall(),
    };
    Readiness { memory: MemoryReport { recipe: Recipe::Pool, skipped: Vec::new() }, walls }
}

fn order(limits: Limits) -> Order {
    let (source, modules) = (String::new(), String::new());
    Order { task: Task::Inspect { source, execute: false, modules, set: None }, limits, set: None }
}

/// Answers at once, never, or with a refusal, by the length of the operation's name.
struct Echo;

impl Host for Echo {
    fn start(&self, operation: &str, payload: Vec<u8>) -> Operation {
        match operation.len() {
            0 => Box::pin(std::future::ready(Ok(payload))),
            1 => Box::pin(std::future::pending()),
            _ => Box::pin(std::future::ready(Err(operation.to_owned()))),
        }
    }
}

/// What the worker said.
struct Said {
    /// How often each call asked for an operation of a number.
    operations: HashMap<(u64, u32), usize>,
    /// The calls whose end it told, or whose task it handed back, whichever came first.
    done: Vec<u64>,
    full: Vec<u64>,
}

impl Said {
    fn of(messages: &[FromWorker]) -> Self {
        let (mut operations, mut done, mut full) = (HashMap::new(), Vec::new(), Vec::new());
        for message in messages {
            match message {
                FromWorker::Operation { call, operation, .. } => {
                    *operations.entry((*call, *operation)).or_default() += 1;
                }
                FromWorker::Done { call, .. } if !full.contains(call) => done.push(*call),
                FromWorker::Full { call, .. } if !done.contains(call) => full.push(*call),
                _ => {}
            }
        }
        Self { operations, done, full }
    }

    /// A call ends as the worker says, or as lost; never for another's message.
    fn check_ending(&self, call: u64, ending: Result<Ending, Order>) {
        let Ok(ending) = ending else {
            assert!(self.full.contains(&call), "call {call} was not handed back");
            return;
        };
        let printed = ending.stdout.chars().count();
        assert!(printed <= STDOUT_BYTES, "{printed} characters");
        match ending.reply {
            Ok(reply) => {
                assert!(self.done.contains(&call), "call {call} ended before its end");
                judge(&reply);
            }
            Err(failure) => {
                assert_eq!(failure.kind, FailureKind::WorkerLost);
                let ended = self.done.contains(&call) || self.full.contains(&call);
                assert!(!ended, "the end of call {call} is not seen");
            }
        }
    }

    /// The worker is sent both calls, and at most one answer to each operation that it asked for.
    fn check_written(&self, written: &[u8]) {
        let (mut started, mut unanswered) = (Vec::new(), self.operations.clone());
        for message in stream_of::<ToWorker>(written) {
            match message {
                ToWorker::Start { call, .. } => started.push(call),
                ToWorker::Answer { call, operation, .. } => {
                    let left = unanswered.get_mut(&(call, operation));
                    assert!(
                        left.is_some_and(|left| left
                            .checked_sub(1)
                            .map(|less| *left = less)
                            .is_some()),
                        "operation {operation} of call {call} is answered too often"
                    );
                }
                _ => {}
            }
        }
        started.sort_unstable();
        assert_eq!(started, CALLS);
    }
}
