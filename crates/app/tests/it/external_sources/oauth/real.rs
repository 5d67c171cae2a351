//! The same against an authorization server that others wrote, which rotates refresh tokens.

use app::external_sources::oauth::{self, Begin, Begun};
use app::external_sources::{self, Auth, Status, TokenState, Wish};
use serde_json::{Value, json};
use testkit::http;
use testkit::peer::Node;

use super::desk::CALLBACK;
use crate::external_sources::place::{Place, at};

/// A browser with cookies: follows redirects until it is sent back; gives the query that it comes with.
fn agree(address: &str) -> String {
    let (mut address, mut cookies) = (address.to_owned(), Vec::<(String, String)>::new());
    for _ in 0..12 {
        let rest = address.strip_prefix("http://").expect("an address without encryption");
        let (host, path) = rest.split_once('/').expect("a path");
        let base = format!("http://{host}");
        let sent: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let sent = sent.join("; ");
        let headers: &[(&str, &str)] = if sent.is_empty() { &[] } else { &[("Cookie", &sent)] };
        let answer = http::send(&base, "GET", &format!("/{path}"), headers, "");
        for line in answer.head.lines() {
            let Some((name, value)) = line.split_once(": ") else { continue };
            if name.eq_ignore_ascii_case("set-cookie") {
                let pair = value.split(';').next().expect("a cookie");
                let (name, value) = pair.split_once('=').expect("a cookie");
                cookies.retain(|(known, _)| known != name);
                if !value.is_empty() {
                    cookies.push((name.to_owned(), value.to_owned()));
                }
            }
        }
        let fields = answer.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = fields.filter(|(name, _)| name.eq_ignore_ascii_case("location"));
        let (_, location) = found.next().unwrap_or_else(|| panic!("no redirect: {answer:?}"));
        if let Some((_, query)) =
            location.strip_prefix(CALLBACK).and_then(|rest| rest.split_once('?'))
        {
            return query.to_owned();
        }
        address = if location.starts_with('/') {
            format!("{base}{location}")
        } else {
            location.to_owned()
        };
    }
    panic!("it is sent on for ever");
}

async fn log_in(place: &Place, source: uuid::Uuid) {
    let mut hosts = Vec::new();
    loop {
        let begin = Begin { callback: CALLBACK.to_owned(), hosts: hosts.clone() };
        let begun = oauth::begin(&place.app, Some(&place.admin), source, begin).await;
        match begun.expect("it begins") {
            Begun::Grant { hosts: further } => hosts.extend(further),
            Begun::Visit { url, .. } => {
                let query =
                    tokio::task::spawn_blocking(move || agree(&url)).await.expect("it ends");
                oauth::finish(&place.app, Some(&place.admin), &query).await.expect("connected");
                return;
            }
            Begun::Connected => panic!("nobody logged in"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_of_others_is_logged_in_to_renewed_and_disconnected() {
    let server = tokio::task::spawn_blocking(|| Node::authorization(3)).await.expect("it starts");
    let place = Place::new().await;
    let url = format!("http://127.0.0.1:{}/mcp", server.ports[1]);
    let auth = Auth::Oauth(Box::default());
    let source = place.added(&Wish { auth, ..at(&url, "vault") }).await;
    assert_eq!(place.status(source.id).await, Status::NeedsLogin);
    log_in(&place, source.id).await;
    assert_eq!(place.status(source.id).await, Status::Active);
    let name = place.import_and_approve(source.id, "whoami").await;
    let told = async || -> Value {
        let report = place.call(&name, json!({})).await.expect("it is logged");
        let passed = report.passed.unwrap_or_else(|| panic!("{:?}", report.outcome));
        let text = passed["content"][0]["text"].as_str().expect("a text").to_owned();
        serde_json::from_str(&text).expect("JSON")
    };
    let first = told().await;
    assert_eq!(first["account"], "ada");
    // Twice a token ends; each time it is renewed, with a refresh token that holds for once.
    let mut renewed = first["refreshes"].as_u64().expect("a number");
    for _ in 0..2 {
        tokio::time::sleep(std::time::Duration::from_millis(3_500)).await;
        let refreshes = told().await["refreshes"].as_u64().expect("a number");
        assert!(refreshes > renewed, "{refreshes} after {renewed}");
        renewed = refreshes;
    }
    let detail = external_sources::get(&place.app, source.id).await.expect("read");
    assert_eq!(detail.tokens.expect("connected").state, TokenState::Connected);

    oauth::disconnect(&place.app, &place.admin, source.id).await.expect("disconnected");
    assert_eq!(place.status(source.id).await, Status::NeedsLogin);
    let report = place.call(&name, json!({})).await.expect("it is logged");
    assert!(report.outcome.is_err());
    let base = format!("http://127.0.0.1:{}", server.ports[1]);
    let counted =
        tokio::task::spawn_blocking(move || http::send(&base, "GET", "/counted", &[], ""));
    let counted = counted.await.expect("it answers").json();
    assert!(counted["revoked"].as_u64().is_some_and(|count| count > 0), "{counted}");
    log_in(&place, source.id).await;
    assert_eq!(told().await["account"], "ada");
}
