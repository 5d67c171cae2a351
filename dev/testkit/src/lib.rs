//! What the tests of the whole program and the benchmark share: starting it, and plain HTTP.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test or a benchmark that cannot set up has failed"
)]

pub mod http;
pub mod program;
