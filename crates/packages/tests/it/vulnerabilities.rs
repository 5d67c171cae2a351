//! Known vulnerabilities: what a feed is asked, and what it may answer.

use crate::planning::{locked, name};
use package_index::Index;
use packages::osv::{self, FeedError};
use packages::{Advisory, Lock};
use serde_json::{Value, json};

fn lock() -> Lock {
    let files = ["jinja2-2.4.1-py3-none-any.whl", "six-1.17.0-py3-none-any.whl"];
    Lock { packages: files.map(|file| locked(file, file.as_bytes())).to_vec() }
}

fn details() -> Value {
    json!({
        "id": "GHSA-462w-v97r-4m45", "summary": "Sandbox escape", "details": "…",
        "aliases": ["PYSEC-2019-217", "CVE-2019-10906"],
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.0/AV:N"}],
        "affected": [
            {"package": {"ecosystem": "PyPI", "name": "Jinja2"}, "ranges": [
                {"type": "GIT", "events": [{"introduced": "0"}, {"fixed": "abcdef"}]},
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.10.1"}]},
            ]},
            {"package": {"ecosystem": "npm", "name": "jinja2"}, "ranges": [
                {"type": "ECOSYSTEM", "events": [{"fixed": "9"}]},
            ]},
        ],
        "database_specific": {"severity": "HIGH"},
    })
}

#[test]
fn a_feed_is_asked_about_every_package() {
    let index = Index::start();
    index.vulnerable("jinja2", "2.4.1", details());
    let body = String::from_utf8(osv::query(&lock())).unwrap();
    let answer = testkit::http::send(&index.feed(), "POST", "/feed/v1/querybatch", &[], &body);
    let found = osv::read_found(&lock(), answer.body.as_bytes()).unwrap();
    let id = "GHSA-462w-v97r-4m45";
    assert_eq!(found.ids, [(name("jinja2"), id.to_owned())]);
    assert!(!found.more);
    let answer =
        testkit::http::send(&index.feed(), "GET", &format!("/feed/v1/vulns/{id}"), &[], "");
    let advisory = Advisory::read(&name("jinja2"), id, answer.body.as_bytes()).unwrap();
    assert_eq!(advisory.aliases, ["CVE-2019-10906", "PYSEC-2019-217"]);
    assert_eq!(advisory.summary, "Sandbox escape");
    assert_eq!(advisory.severity.as_deref(), Some("HIGH"));
    assert_eq!(advisory.fixed, ["2.10.1"]);
    assert_eq!(advisory.url, format!("https://osv.dev/vulnerability/{id}"));
}

#[test]
fn answers_that_do_not_fit_are_refused() {
    let read = |answer: &Value| osv::read_found(&lock(), answer.to_string().as_bytes());
    assert_eq!(read(&json!({"results": [{}, {}]})).unwrap().ids, []);
    let more = read(&json!({"results": [null, {"vulns": null, "next_page_token": "x"}]})).unwrap();
    assert!(more.more && more.ids.is_empty());
    assert!(matches!(read(&json!({"results": [{}]})), Err(FeedError::Other)));
    assert!(matches!(read(&json!([])), Err(FeedError::Json(_))));
    for id in ["../../etc", "a/b", "a?b", "", "a b", "."] {
        let refused = read(&json!({"results": [{"vulns": [{"id": id}]}, {}]}));
        assert!(matches!(refused, Err(FeedError::Other)), "{id:?}");
    }
    let refused = Advisory::read(&name("jinja2"), "GHSA-other", details().to_string().as_bytes());
    assert!(matches!(refused, Err(FeedError::Other)));
    let least = Advisory::read(&name("a"), "X-1", br#"{"id": "X-1"}"#).unwrap();
    assert_eq!((least.summary.as_str(), least.severity, least.fixed.len()), ("", None, 0));
}
