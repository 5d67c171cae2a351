//! Replays the corpus that `cargo xtask fuzz` has left.

use testkit::corpus::{Target, replay};

use super::{judge, messages};
use crate::rpc::Error;

const TARGETS: [(&str, Target); 1] = [("messages", messages)];

#[test]
fn the_corpus_of_every_target_is_understood_and_breaks_nothing() {
    replay(env!("CARGO_PKG_NAME"), &TARGETS);
}

#[test]
fn an_answer_of_another_shape_is_noticed() {
    let judged = |error: Error| std::panic::catch_unwind(|| judge(&error, None)).is_ok();
    assert!(judged(Error::parse("x")));
    assert!(!judged(Error::parse("")));
    assert!(!judged(Error::new(http::StatusCode::OK, -32000, "a code that is not ours to use")));
}

#[test]
fn headers_and_body_are_read_apart() {
    let post = b"mcp-method: ping\nnonsense\n\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}";
    assert_eq!(messages(post), 1);
    assert_eq!(messages(b"[{\"jsonrpc\":\"2.0\",\"method\":\"a\"}, 3]"), 1);
    assert_eq!(messages(b"\n\n"), 0);
}
