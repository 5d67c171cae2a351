//! Connections end when their sources may not be used any more, in every process.

use std::time::Duration;

use app::external_sources::{self, Wish};
use app::{App, secrets};
use serde_json::json;
use uuid::Uuid;

use super::place::{Place, author, until};
use super::process::Process;
use super::server::{Act, Server, tool};

/// What a person does about a source.
#[derive(Debug, Clone, Copy)]
enum Decision {
    Refuse,
    SwitchOff,
    Delete,
    Change,
}

const DECISIONS: [Decision; 4] =
    [Decision::Refuse, Decision::SwitchOff, Decision::Delete, Decision::Change];

async fn decide(app: &App, place: &Place, id: Uuid, wish: &Wish, decision: Decision) {
    let admin = &place.admin;
    let description = "another one".to_owned();
    let decided = match decision {
        Decision::Refuse => external_sources::reject(app, admin, id, "not needed").await,
        Decision::SwitchOff => external_sources::set_enabled(app, admin, id, false).await,
        Decision::Delete => external_sources::delete(app, admin, id).await,
        Decision::Change => {
            let wish = Wish { description, ..wish.clone() };
            external_sources::update(app, admin, id, &wish).await
        }
    };
    decided.expect("it is decided");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_ends_with_the_leave_to_use_it() {
    let place = Place::new().await;
    let elsewhere = place.another().await;
    for (index, decision) in DECISIONS.into_iter().enumerate() {
        for (title, app) in [("here", &place.app), ("there", &elsewhere)] {
            let process = Process::new("sleep 1000 & true");
            let wish = process.wish(&format!("{title}_{index}"));
            let source = place.added(&wish).await;
            let name = place.import_and_approve(source.id, "act").await;
            place.call(&name, json!({})).await.expect("it ran").outcome.expect("it answers");
            assert!(process.alive() >= 2, "the shell, and what it left behind");
            let started = process.started().len();
            decide(app, &place, source.id, &wish, decision).await;
            let ended = format!("{decision:?} {title} left a process");
            until(&ended, async || process.alive() == 0).await;
            assert_eq!(process.started().len(), started, "{decision:?} {title}");
        }
    }
    elsewhere.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notices_are_asked_for_no_more() {
    let place = Place::new().await;
    for (index, decision) in DECISIONS[..3].iter().enumerate() {
        let server = Server::start(&[tool("add")]).await;
        server.has_notices();
        let wish = server.wish(&format!("sums_{index}"));
        let source = place.added(&wish).await;
        place.discover(source.id).await;
        until("it is asked again", async || server.listened() > 1).await;
        decide(&place.app, &place, source.id, &wish, *decision).await;
        let before = (server.connections(), server.listened());
        // Longer than the pause before the next attempt would be.
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!((server.connections(), server.listened()), before, "{decision:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_ends_with_the_leave_to_use_its_source() {
    let (place, server) = (Place::new().await, Server::start(&[tool("add")]).await);
    let wish = server.wish("sums");
    let source = place.added(&wish).await;
    let name = place.import_and_approve(source.id, "add").await;
    server.act("add", Act::Hang);
    let refusing = async {
        until("it is called", async || server.calls().len() == 1).await;
        decide(&place.app, &place, source.id, &wish, Decision::Refuse).await;
    };
    let (report, ()) = tokio::join!(place.call(&name, json!({})), refusing);
    let failure = report.expect("logged").outcome.expect_err("it is refused");
    assert!(failure.message.contains("taken out of use"), "{}", failure.message);
    assert!(failure.message.contains("may have done"), "{}", failure.message);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_has_its_answer_when_its_source_is_changed_meanwhile() {
    let place = Place::new().await;
    let process = Process::new("while [ ! -e go ]; do sleep 0.1; done").with("KEY", "first");
    let wish = process.wish("slow");
    let source = place.added(&wish).await;
    let name = place.import_and_approve(source.id, "act").await;
    let changing = async {
        until("it is called", async || process.called() == 1).await;
        decide(&place.app, &place, source.id, &wish, Decision::Change).await;
        place.discover(source.id).await;
        assert_eq!(process.started().len(), 2, "who comes later has another process");
        process.tell("go");
    };
    let (report, ()) = tokio::join!(place.call(&name, json!({})), changing);
    let passed = report.expect("it ran").passed.expect("as it came");
    assert_eq!(passed["content"][0]["text"], "first");
    until("the first process ends", async || process.alive() == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_has_the_secrets_of_now() {
    let place = Place::new().await;
    secrets::create(&place.app, &author(), place.server, "TOKEN", "").await.expect("made");
    let set = async |value: &str| {
        let set = secrets::set(&place.app, &place.admin, place.server, "TOKEN", value.into()).await;
        set.expect("set");
    };
    set("first-value-1").await;
    let process = Process::new("echo \"$TOKEN\" >> told").with("TOKEN", "secret:TOKEN");
    let source = place.added(&process.wish("keyed")).await;
    let name = place.import_and_approve(source.id, "act").await;
    let call = async || place.call(&name, json!({})).await.expect("logged").outcome;
    for _ in 0..2 {
        call().await.expect("it answers");
    }
    assert_eq!(process.started().len(), 1, "as long as the secret is the same");
    set("second-value-2").await;
    call().await.expect("it answers");
    assert_eq!(process.lines("told"), ["first-value-1", "first-value-1", "second-value-2"]);
    assert_eq!(process.started().len(), 2);
    secrets::clear(&place.app, &place.admin, place.server, "TOKEN").await.expect("cleared");
    let failure = call().await.expect_err("there is none");
    assert!(failure.message.contains("TOKEN"), "{}", failure.message);
    until("none is left with the old ones", async || process.alive() == 0).await;
}
