//! Names, choices and wheels from outside, with real wheels and with such as no index should have.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot set up has failed"
)]

mod archives;
mod choosing;
mod hostile;
mod listings;
mod metadata;
mod names;
mod planning;
mod properties;
mod real;
mod records;
mod vulnerabilities;
