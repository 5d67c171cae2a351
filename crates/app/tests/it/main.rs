//! The verbs from outside, each test on both databases.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot set up has failed"
)]

mod audit;
mod conversation;
mod external_sources;
mod grants;
mod kinds;
mod names;
mod packages;
mod policy;
mod race;
mod requests;
mod retention;
mod review;
mod sandboxed;
mod secrets;
mod servers;
mod states;
mod undo;
mod with;
