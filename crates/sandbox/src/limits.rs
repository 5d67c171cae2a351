//! What one call is made of and how much it may use.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::outcome::{Failure, FailureKind};

use crate::abilities::Abilities;
use crate::arguments::Arguments;
use crate::modules::ModulePolicy;
use crate::secrets::Secrets;
use crate::set::Set;

/// One call of a tool's `main`.
#[derive(Clone)]
pub struct Run {
    /// The Python source of the tool.
    pub source: String,
    /// The inputs of `main`, and what its result is for.
    pub arguments: Arguments,
    /// What the tool reads as `secrets`.
    pub secrets: Secrets,
    /// What the tool reads as `ctx.client`.
    pub client: Abilities,
    /// What the tool may import.
    pub modules: ModulePolicy,
    /// The packages that it has beside Python's own modules; `modules` says which may be imported.
    pub set: Option<Set>,
    /// How much the call may use.
    pub limits: Limits,
    /// Who shares places and processor time with it: calls of one group, such as the tools of one
    /// server, hold back each other and not those of another.
    pub group: Uuid,
}

/// How much one call may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Linear memory in bytes, the interpreter's own 28 MB included; at most [`Limits::MEMORY_MAX`].
    pub memory_bytes: usize,
    /// Processor time.
    pub cpu: Duration,
    /// Time from the worker's receipt of the call until its answer, without that in which it waits for
    /// nothing but its client; at most [`Limits::WALL_MAX`].
    pub wall: Duration,
    /// Bytes of standard output and error kept, at most [`Limits::TEXT_MAX`]; what follows is
    /// dropped and said to be.
    pub stdout_bytes: usize,
    /// Bytes of the result as JSON text, and of its blocks, where data is base64; at most
    /// [`Limits::TEXT_MAX`].
    pub result_bytes: usize,
}

impl Limits {
    /// The most memory that any call can be given, in bytes.
    pub const MEMORY_MAX: usize = 256 << 20;

    /// The longest that any call can be given.
    pub const WALL_MAX: Duration = Duration::from_hours(1);

    /// The most output, and the most of a result, that any call can be given, in bytes.
    pub const TEXT_MAX: usize = 32 << 20;

    /// The most handles that any call may have open: operations of the host and resources of the
    /// interpreter together.
    pub const HANDLES_MAX: usize = 256;

    /// The longest source text of a tool, in bytes.
    pub const SOURCE_MAX: usize = 100_000;

    /// These limits, where they are more than any call can be given, brought down to that.
    pub(crate) fn bounded(self) -> Self {
        Self {
            memory_bytes: self.memory_bytes.min(Self::MEMORY_MAX),
            cpu: self.cpu,
            wall: self.wall.min(Self::WALL_MAX),
            stdout_bytes: self.stdout_bytes.min(Self::TEXT_MAX),
            result_bytes: self.result_bytes.min(Self::TEXT_MAX),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: Self::MEMORY_MAX,
            cpu: Duration::from_mins(1),
            wall: Duration::from_secs(30),
            stdout_bytes: 1 << 20,
            result_bytes: Self::TEXT_MAX,
        }
    }
}

/// How many calls there may be at once, and how much memory they may hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Bounds {
    /// Calls that run at once; at most [`Bounds::CALLS_PER_WORKER`] for each worker.
    pub calls: usize,
    /// Calls of one group that run at once.
    pub calls_per_group: usize,
    /// Calls that have asked their client something and wait. Each keeps its place and its memory
    /// meanwhile, so that this is to be well below `calls`; one more is refused its question.
    pub asking: usize,
    /// The same of one group.
    pub asking_per_group: usize,
    /// Calls that wait for a place; one more is turned away at once.
    pub waiting: usize,
    /// Bytes that all calls may hold together, divided evenly among the workers. A call holds
    /// [`Bounds::CALL_BYTES`] and what its memory has grown.
    pub memory_bytes: usize,
}

impl Bounds {
    /// The most calls that one worker carries.
    pub const CALLS_PER_WORKER: usize = 512;

    /// What a call is charged for that has not grown: about twice what a small one was measured to
    /// write to of the snapshot.
    pub const CALL_BYTES: usize = 2 << 20;

    /// How many of so many calls may wait for their clients: a quarter, and one in any case.
    pub fn asking_of(calls: usize) -> usize {
        (calls / 4).max(1)
    }

    /// The least memory that a worker can have for its calls, in bytes.
    pub const WORKER_BYTES_MIN: usize = 32 << 20;
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            calls: 512,
            calls_per_group: 512,
            asking: Self::asking_of(512),
            asking_per_group: Self::asking_of(512) / 2,
            waiting: 1024,
            memory_bytes: 512 << 20,
        }
    }
}

/// Refuses source that is too long.
pub(crate) fn check_source(source: &str) -> Result<(), Failure> {
    if source.len() <= Limits::SOURCE_MAX {
        return Ok(());
    }
    let message = format!(
        "the code has {} bytes, the most is {}: split it into several tools or shorten it",
        source.len(),
        Limits::SOURCE_MAX
    );
    Err(Failure::new(FailureKind::SourceTooLarge, message))
}
