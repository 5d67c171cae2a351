//! A network of its own for a test: every address of the internet is this machine, names are
//! answered as the test says, and nothing leaves.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot set up its network has failed"
)]

mod dns;
mod namespace;

pub use dns::Dns;
pub use namespace::{again, is_inside, run, run_with_environment, set_up};
