//! What one call is made of and how much it may use.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::modules::ModulePolicy;

/// One call of a tool's `main`.
#[derive(Clone)]
pub struct Run {
    /// The Python source of the tool.
    pub source: String,
    /// The inputs of `main`, a JSON object.
    pub arguments: String,
    /// What the tool reads as `secrets`, a JSON object of strings.
    pub secrets: String,
    /// What the tool may import.
    pub modules: ModulePolicy,
    /// How much the call may use.
    pub limits: Limits,
}

/// How much one call may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Linear memory in bytes, the interpreter's own 28 MB included; at most [`Limits::MEMORY_MAX`].
    pub memory_bytes: usize,
    /// Processor time.
    pub cpu: Duration,
    /// Time from the worker's receipt of the call until its answer; at most [`Limits::WALL_MAX`].
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
