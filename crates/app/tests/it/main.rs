//! The verbs from outside, each test on both databases.

#![expect(clippy::expect_used, reason = "a test that cannot set up has failed")]

mod grants;
mod packages;
mod race;
mod requests;
mod sandboxed;
mod states;
mod with;
