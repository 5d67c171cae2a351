//! Replays the corpus that `cargo xtask fuzz` has left.

use super::{indexes, wheels};
use testkit::corpus::{Target, replay};

const TARGETS: [(&str, Target); 2] = [("indexes", indexes), ("wheels", wheels)];

#[test]
fn the_corpus_of_every_target_is_understood_and_breaks_nothing() {
    replay(env!("CARGO_PKG_NAME"), &TARGETS);
}
