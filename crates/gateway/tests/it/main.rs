//! The MCP door from outside: requests to its router, on a database of its own and without a sandbox.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot set up or read its answer has failed"
)]

mod addresses;
mod browsers;
mod credentials;
mod eras;
mod management;
mod messages;
mod news;
mod permission;
mod policy;
mod reference;
mod resources;
mod sessions;
mod standing_alone;
mod with;
