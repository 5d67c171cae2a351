//! How a call ended.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::block::Block;

/// How a call of `main` ended, and what it used.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The JSON text of what `main` returned, or why there is none.
    pub result: Result<String, Failure>,
    /// The parts of a result that holds pictures or files, in order; its JSON text then refers to
    /// them. Empty where the JSON text says all.
    pub blocks: Vec<Block>,
    /// Whether the tool returned it as an error.
    pub is_error: bool,
    /// What the call wrote to standard output and error, also when a limit ended it.
    pub stdout: String,
    /// Whether it wrote more than was kept.
    pub stdout_truncated: bool,
    /// Time from the dispatch of the call to its answer.
    pub wall: Duration,
    /// What it used in its worker.
    pub used: Used,
}

/// What a call used in its worker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Processor time.
    pub cpu: Duration,
    /// The most memory that it had at once, in bytes, the interpreter's included.
    pub memory_bytes: u64,
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What sort of end it was.
    pub kind: FailureKind,
    /// One line that a model can act on.
    pub message: String,
    /// `{error_type, line, column, context: [lines], traceback: [lines], …}` where the tool's code is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), detail: None }
    }
}

/// The ways a call can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The source does not parse.
    Syntax,
    /// The limit on the source's size.
    SourceTooLarge,
    /// The source has no `async def main`.
    NoMain,
    /// The arguments do not fit the parameters of `main`.
    Arguments,
    /// The tool raised an exception.
    Exception,
    /// The tool has to ask its client what that cannot be asked.
    ClientCapability,
    /// The tool tried to end the interpreter.
    Exit,
    /// The memory limit.
    Memory,
    /// The limit on processor time.
    Cpu,
    /// The limit on elapsed time.
    WallClock,
    /// The limit on nested calls, Python's own or the native stack.
    Recursion,
    /// The limit on open handles.
    Handles,
    /// The limit on the result's size.
    ResultTooLarge,
    /// The result has no JSON form.
    NotSerializable,
    /// The result is not what the return annotation promises.
    ReturnType,
    /// What a prompt or a resource returned is an error, by `ctx.is_error`.
    Reported,
    /// The tool waits for something that nothing can bring about.
    Deadlock,
    /// The interpreter itself failed.
    Trap,
    /// The worker process ended or stopped answering.
    WorkerLost,
    /// No place, or no memory, is left beside the other calls.
    Busy,
    /// What was asked of an external source failed, or nobody knows whether it was done.
    External,
    /// The call was given up before it ended.
    Cancelled,
}

impl FailureKind {
    /// Whether only the server can know of this end, and no guest.
    pub(crate) fn is_the_servers(self) -> bool {
        matches!(self, Self::WorkerLost | Self::Busy | Self::External | Self::Cancelled)
    }

    /// The kind's name in `snake_case`, as it is serialised.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::SourceTooLarge => "source_too_large",
            Self::NoMain => "no_main",
            Self::Arguments => "arguments",
            Self::Exception => "exception",
            Self::ClientCapability => "client_capability",
            Self::Exit => "exit",
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::WallClock => "wall_clock",
            Self::Recursion => "recursion",
            Self::Handles => "handles",
            Self::ResultTooLarge => "result_too_large",
            Self::NotSerializable => "not_serializable",
            Self::ReturnType => "return_type",
            Self::Reported => "reported",
            Self::Deadlock => "deadlock",
            Self::Trap => "trap",
            Self::WorkerLost => "worker_lost",
            Self::Busy => "busy",
            Self::External => "external",
            Self::Cancelled => "cancelled",
        }
    }
}

impl std::fmt::Display for FailureKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}
