//! What tests and the benchmark share: starting the program, plain HTTP, and kept inputs of the fuzzer.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test or a benchmark that cannot set up has failed"
)]

pub mod corpus;
pub mod http;
pub mod peer;
pub mod program;
