//! Runs Python tools that nobody trusts, each call in a fresh WebAssembly instance inside a worker process.
//!
//! [`Sandbox::start`] unpacks the guest and starts the workers, [`Sandbox::inspect`] reads a tool's
//! source without running its `main`, and [`Sandbox::run`] runs `main` under [`Limits`]. A guest
//! reaches nothing but the [`Host`] that its caller hands in.
#![cfg_attr(
    not(feature = "engine"),
    expect(dead_code, reason = "what only a worker uses is not used where there is none")
)]

mod abilities;
mod answer;
mod arguments;
mod artifact;
mod asking;
mod block;
mod bundle;
mod call;
mod clock;
#[cfg(feature = "engine")]
mod engine;
#[doc(hidden)]
pub mod fuzzing;
mod handover;
mod header;
mod host;
mod inspection;
mod limits;
mod link;
mod memory;
mod modules;
mod outcome;
mod pool;
mod process;
mod protocol;
mod provision;
mod queue;
mod sandbox;
mod secrets;
mod set;
mod supervisor;
mod system;
mod text;
pub mod walls;
#[cfg(feature = "engine")]
pub mod worker;

pub use abilities::Abilities;
pub use arguments::{Arguments, Purpose};
pub use artifact::ArtifactError;
pub use asking::Asking;
pub use block::{Block, Media, MediaKind};
pub use bundle::BundleError;
#[cfg(feature = "engine")]
pub use bundle::compile;
pub use header::with_header;
pub use host::{Host, NoHost, Operation};
pub use inspection::{Declared, Inspection, Parameter, SourceError};
pub use limits::{Bounds, Limits, Run};
pub use memory::{MemoryError, MemoryReport, MemoryReset, MemoryStatistics, Recipe};
pub use modules::{InvalidModuleName, ModulePolicy, ModuleStanding, allowed_modules, covers};
pub use outcome::{Failure, FailureKind, Outcome, Used};
pub use process::ProcessError;
pub use provision::ProvisionError;
pub use sandbox::{Config, Sandbox, StartError, Status};
pub use secrets::Secrets;
pub use set::{Set, SetReport, SetSource};
pub use walls::{Wall, Walls, WallsPolicy};
