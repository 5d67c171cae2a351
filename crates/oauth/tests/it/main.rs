//! The whole way to a token and back, and what holds of every URL.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

mod like_box;
mod urls;
