//! Replays the corpus that `cargo xtask fuzz` has left.

use super::{bodies, hosts, judge_host, judge_redirect, requests, streams};
use crate::host::Host;
use crate::request::{Checked, Request};
use testkit::corpus::{Target, replay};

const TARGETS: [(&str, Target); 4] =
    [("hosts", hosts), ("requests", requests), ("bodies", bodies), ("streams", streams)];

#[test]
fn the_corpus_of_every_target_is_understood_and_breaks_nothing() {
    replay(env!("CARGO_PKG_NAME"), &TARGETS);
}

#[test]
fn a_reader_that_breaks_a_rule_is_noticed() {
    let judged = |name: &str| {
        let host = Host::Name(name.to_owned());
        std::panic::catch_unwind(|| judge_host(&host)).is_ok()
    };
    assert!(judged("api.example.com"));
    for name in ["127.1", "0x7f", "API.example.com", "a b", ""] {
        assert!(!judged(name), "{name:?}");
    }
    let with_cookie =
        |url| Checked::new(&Request::new("GET", url).header("Cookie", "a=b")).unwrap();
    let judged = |to| {
        let (sent, next) = (with_cookie("http://a.example/"), with_cookie(to));
        std::panic::catch_unwind(|| judge_redirect(&sent, &next)).is_ok()
    };
    assert!(judged("http://a.example/b"));
    assert!(!judged("http://b.example/"));
}
