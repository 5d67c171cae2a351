//! The way out against real peers, in networks of their own where every address is local.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot set up has failed"
)]

mod answers;
mod configured;
mod guard;
mod http2;
mod mcp;
mod patience;
mod peer;
mod pool;
mod proxy;
mod redirects;
mod requests;
mod tls;
mod wire;
mod world;
