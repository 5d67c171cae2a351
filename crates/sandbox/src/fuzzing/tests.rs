//! Replays the corpus that `cargo xtask fuzz` has left.

use testkit::corpus::{Target, replay};

use super::{answers, bundles, conversations, server_reads, texts, worker_reads, written_answers};

const TARGETS: [(&str, Target); 7] = [
    ("server_reads", server_reads),
    ("worker_reads", worker_reads),
    ("answers", answers),
    ("written_answers", written_answers),
    ("texts", texts),
    ("bundles", bundles),
    ("conversations", conversations),
];

#[test]
fn the_corpus_of_every_target_is_understood_and_breaks_nothing() {
    replay(env!("CARGO_PKG_NAME"), &TARGETS);
}

#[test]
fn a_reader_that_breaks_a_rule_is_noticed() {
    let line = std::panic::catch_unwind(|| super::check_line("a\u{1b}[31m"));
    assert!(line.is_err());
    assert!(std::panic::catch_unwind(|| super::check_line("a [31m")).is_ok());
}
