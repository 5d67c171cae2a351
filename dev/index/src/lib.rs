//! A package index and a vulnerability feed for tests, which say what they answer, however wrong.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test whose index cannot be set up has failed"
)]

pub mod archive;
mod file;
mod server;
mod state;
mod wheel;

pub use file::File;
pub use server::Index;
pub use state::Fault;
pub use wheel::{Wheel, wheels};
