//! The store from outside, each test on both databases.

#![expect(clippy::expect_used, reason = "a test that cannot set up has failed")]

mod artifacts;
mod calls;
mod changes;
mod grants;
mod kinds;
mod opening;
mod package_locks;
mod people;
mod requests;
mod revisions;
mod rotation;
mod rows;
mod secrets;
mod servers;
mod tokens;
mod tools;
mod transactions;
mod with;
