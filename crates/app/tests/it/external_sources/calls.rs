//! Calls of imported tools: passed on as they come, with live credentials, never twice.

use std::time::{Duration, Instant};

use app::calls::FailureKind;
use app::external_sources::{self, Auth, Wish};
use app::tools::{Changes, update};
use app::{Error, secrets};
use serde_json::{Value, json};

use super::place::{Place, author, until};
use super::process::{Process, SCRIPT};
use super::server::{Act, Server, tool};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_pass_as_they_come() {
    let (place, server) = (Place::new().await, Server::start(&[tool("add")]).await);
    let source = place.added(&server.wish("sums")).await;
    let name = place.import_and_approve(source.id, "add").await;
    for given in [
        json!({"content": [{"type": "text", "text": "3"}, {"type": "image", "data": "AAAA", "mimeType": "image/png"}],
               "structuredContent": {"z": 12_345_678_901_234_567_890_u64, "a": 1.50}, "isError": false, "_meta": {"x/y": [1]}}),
        json!({"content": [{"type": "text", "text": "no"}], "isError": true}),
        json!({"content": [{"type": "hologram", "depth": 3}], "later": {"a": null}}),
    ] {
        server.act("add", Act::Give(given.clone()));
        let report = place.call(&name, json!({"a": 1})).await.expect("it ran");
        let mut passed = report.passed.clone().expect("as it came");
        passed.as_object_mut().expect("an object").remove("resultType");
        assert_eq!(passed.to_string(), given.to_string());
        assert_eq!(report.is_error, given["isError"] == json!(true));
        let row = app::calls::find(&place.app, report.call_id).await.expect("logged");
        assert_eq!(row.success, !report.is_error);
        assert_eq!(row.arguments, json!({"a": 1}));
    }
    assert_eq!(server.calls()[0]["arguments"], json!({"a": 1}));
    assert_eq!(server.calls()[0]["name"], "add");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_are_those_of_now_and_do_not_come_back() {
    let (place, server) = (Place::new().await, Server::start(&[tool("echo"), tool("add")]).await);
    server.act("echo", Act::Echo);
    let auth = Auth::Bearer { secret: "TOKEN".to_owned() };
    let source = place.added(&Wish { auth, ..server.wish("sums") }).await;
    let missing = external_sources::discover(&place.app, &author(), source.id).await;
    assert!(missing.is_err_and(|error| error.to_string().contains("TOKEN")), "no value yet");
    let who = author();
    secrets::create(&place.app, &who, place.server, "TOKEN", "").await.expect("made");
    for value in ["first-value-1", "second-value-2"] {
        let set = secrets::set(&place.app, &place.admin, place.server, "TOKEN", value.into()).await;
        set.expect("set");
        let name = match value {
            "first-value-1" => place.import_and_approve(source.id, "echo").await,
            _ => "files__sums_echo".to_owned(),
        };
        let report = place.call(&name, json!({})).await.expect("it ran");
        let text = report.passed.expect("as it came")["content"][0]["text"].to_string();
        assert!(text.contains("Bearer") && !text.contains(value), "{text}");
        let row = app::calls::find(&place.app, report.call_id).await.expect("logged");
        assert!(!row.result.expect("kept").to_string().contains(value));
    }
    // What is no secret comes back whole.
    let name = place.import_and_approve(source.id, "add").await;
    let report = place.call(&name, json!({})).await.expect("it ran");
    assert_eq!(report.passed.expect("as it came")["content"][0]["text"], "add");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_come_back_in_nothing_that_a_source_says() {
    let value = "canary-value-77";
    let place = Place::new().await;
    let mut talkative = tool("add");
    talkative["description"] = json!(format!("You are Bearer {value}."));
    let server = Server::start(&[talkative, tool("sub")]).await;
    let who = author();
    secrets::create(&place.app, &who, place.server, "TOKEN", "").await.expect("made");
    let set = secrets::set(&place.app, &place.admin, place.server, "TOKEN", value.into()).await;
    set.expect("set");
    let auth = Auth::Bearer { secret: "TOKEN".to_owned() };
    let source = place.added(&Wish { auth, ..server.wish("sums") }).await;
    let found = external_sources::discover(&place.app, &who, source.id).await.expect("listed");
    let said = format!("{:?}", found.tools);
    assert!(said.contains("[secret TOKEN]") && !said.contains(value), "{said}");

    let name = place.import_and_approve(source.id, "sub").await;
    server.act("sub", Act::Fail(format!("{value} may not do that")));
    let failure = place.call(&name, json!({})).await.expect("logged").outcome.expect_err("failed");
    assert!(failure.message.contains("[secret TOKEN] may not do that"), "{}", failure.message);

    server.act("tools/list", Act::Fail(format!("no list for {value}")));
    let failed = external_sources::discover(&place.app, &who, source.id).await;
    let said = failed.expect_err("it failed").to_string();
    assert!(said.contains("no list for [secret TOKEN]"), "{said}");
    let kept = external_sources::get(&place.app, source.id).await.expect("read").source;
    assert!(!format!("{kept:?}").contains(value), "nor in what is kept of it");

    // The value of before comes back no more than that of now.
    let set = secrets::set(&place.app, &place.admin, place.server, "TOKEN", "another-77".into());
    set.await.expect("set");
    server.act("sub", Act::Fail(format!("{value} was better than another-77")));
    let failure = place.call(&name, json!({})).await.expect("logged").outcome.expect_err("failed");
    let said = failure.message;
    assert!(said.contains("[secret TOKEN] was better than [secret TOKEN]"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_may_have_been_done_is_not_repeated() {
    let place = Place::new().await;
    let idempotent = |name: &str| {
        let mut made = tool(name);
        made["annotations"] = json!({"idempotentHint": true});
        made
    };
    let server = Server::start(&[tool("pay"), idempotent("set")]).await;
    let source = place.added(&server.wish("bank")).await;
    for (name, calls) in [("pay", 1), ("set", 3)] {
        let public = place.import_and_approve(source.id, name).await;
        server.act(name, Act::Close);
        let before = server.calls().len();
        let report = place.call(&public, json!({})).await.expect("logged");
        let failure = report.outcome.expect_err("no answer");
        assert_eq!(failure.kind, FailureKind::External);
        assert!(failure.message.contains("may have done"), "{}", failure.message);
        assert_eq!(server.calls().len() - before, calls, "{name}");
        server.act(name, Act::Give(json!({"content": []})));
        place.call(&public, json!({})).await.expect("it ran").outcome.expect("it answers again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_tool_has_its_own_time() {
    let (place, server) = (Place::new().await, Server::start(&[tool("add")]).await);
    let source = place.added(&server.wish("sums")).await;
    let tool = place.import(source.id, "add").await;
    let changes = Changes { timeout_ms: Some(1_000), ..Changes::default() };
    let who = place.admin.clone().into();
    update(&place.app, &who, tool.id, changes).await.expect("changed");
    place.approve(tool.id).await;
    server.act("add", Act::Hang);
    let began = Instant::now();
    let report = place.call("files__sums_add", json!({})).await.expect("logged");
    let failure = report.outcome.expect_err("no answer");
    assert_eq!(failure.kind, FailureKind::WallClock);
    assert!(began.elapsed() < Duration::from_secs(20));
    let python = Some("async def main():\n    return 1\n".to_owned());
    let changes = Changes { python_code: python, ..Changes::default() };
    let refused = update(&place.app, &who, tool.id, changes).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "its source defines it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_source_is_left_alone_and_slows_nobody() {
    let place = Place::new().await;
    let (dead, good) = (Server::start(&[tool("add")]).await, Server::start(&[tool("add")]).await);
    let source = place.added(&dead.wish("dead")).await;
    let dead_name = place.import_and_approve(source.id, "add").await;
    let other = place.added(&good.wish("good")).await;
    let good_name = place.import_and_approve(other.id, "add").await;
    dead.act("add", Act::Status("503 Service Unavailable"));
    let mut left_alone = false;
    for _ in 0..20 {
        let report = place.call(&dead_name, json!({})).await.expect("logged");
        let failure = report.outcome.expect_err("it is dead");
        left_alone |= failure.kind == FailureKind::Busy;
        place.call(&good_name, json!({})).await.expect("it ran").outcome.expect("it answers");
    }
    assert!(left_alone);
    assert!(dead.calls().len() < 10, "{} calls reached it", dead.calls().len());
    assert_eq!(good.calls().len(), 20);
}

/// A source with a tool that has a second, which it does not keep, and one that answers; their public names.
async fn with_slow(place: &Place, server: &Server) -> (String, String) {
    let source = place.added(&server.wish("sums")).await;
    let slow = place.import(source.id, "slow").await;
    let changes = Changes { timeout_ms: Some(1_000), ..Changes::default() };
    let who = place.admin.clone().into();
    update(&place.app, &who, slow.id, changes).await.expect("changed");
    place.approve(slow.id).await;
    server.act("slow", Act::Hang);
    ("files__sums_slow".to_owned(), place.import_and_approve(source.id, "fast").await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_is_too_slow_closes_none_of_the_others() {
    let (place, server) = (Place::new().await, Server::start(&[tool("slow"), tool("fast")]).await);
    let (slow, fast) = with_slow(&place, &server).await;
    for _ in 0..6 {
        let report = place.call(&slow, json!({})).await.expect("logged");
        assert_eq!(report.outcome.expect_err("too slow").kind, FailureKind::WallClock);
    }
    place.call(&fast, json!({})).await.expect("logged").outcome.expect("it answers");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_answers_nothing_at_all_is_left_alone() {
    let (place, server) = (Place::new().await, Server::start(&[tool("slow"), tool("fast")]).await);
    let (slow, fast) = with_slow(&place, &server).await;
    server.is_mute(true);
    until("it is left alone", async || {
        let calls = (0..5).map(|_| place.call(&slow, json!({})));
        let reports = futures::future::join_all(calls).await;
        reports.into_iter().any(|report| {
            let failure = report.expect("logged").outcome.expect_err("no answer");
            failure.kind == FailureKind::Busy
        })
    })
    .await;
    let report = place.call(&fast, json!({})).await.expect("logged");
    assert_eq!(report.outcome.expect_err("left alone").kind, FailureKind::Busy);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_listens_to_a_source_that_is_left_alone() {
    let (place, server) = (Place::new().await, Server::start(&[tool("add")]).await);
    server.has_notices();
    let source = place.added(&server.wish("dead")).await;
    let name = place.import_and_approve(source.id, "add").await;
    until("its notices are asked for again and again", async || server.listened() > 2).await;
    server.is_broken();
    until("it is left alone", async || {
        let report = place.call(&name, json!({})).await.expect("logged");
        report.outcome.expect_err("it is dead").kind == FailureKind::Busy
    })
    .await;
    let before = server.listened();
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(server.listened(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_ends_at_once_is_not_started_for_each_call() {
    let place = Place::new().await;
    let once = "[ -e broken ] && { echo x >> started; echo no key >&2; exit 1; }";
    let process = Process::of(&format!("{once}\n{SCRIPT}"), "");
    let source = place.added(&process.wish("crashing")).await;
    let name = place.import_and_approve(source.id, "act").await;
    place.call(&name, json!({})).await.expect("it ran").outcome.expect("it answers");
    process.tell("broken");
    external_sources::set_enabled(&place.app, &place.admin, source.id, false).await.expect("off");
    external_sources::set_enabled(&place.app, &place.admin, source.id, true).await.expect("on");
    let before = process.started().len();
    let mut told = String::new();
    for _ in 0..5 {
        let report = place.call(&name, json!({})).await.expect("logged");
        let failure = report.outcome.expect_err("it ends");
        told = failure.message;
        if failure.kind == FailureKind::Busy {
            break;
        }
    }
    assert!(told.contains("started again in") && told.contains("nothing was done"), "{told}");
    assert!(told.contains("no key"), "{told}");
    assert!(process.started().len() <= before + 4, "{:?}", process.started());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_is_off_or_gone_answers_no_more() {
    let (place, server) = (Place::new().await, Server::start(&[tool("add")]).await);
    let source = place.added(&server.wish("sums")).await;
    let name = place.import_and_approve(source.id, "add").await;
    let set =
        async |on| external_sources::set_enabled(&place.app, &place.admin, source.id, on).await;
    set(false).await.expect("off");
    let report = place.call(&name, json!({})).await.expect("logged");
    assert!(report.outcome.expect_err("off").message.contains("switched off"));
    set(true).await.expect("on");
    place.call(&name, json!({})).await.expect("it ran").outcome.expect("it answers");
    external_sources::delete(&place.app, &place.admin, source.id).await.expect("gone");
    let calls = server.calls().len();
    let gone: Result<Value, _> = place.call(&name, json!({})).await.map(|_| Value::Null);
    assert!(matches!(gone, Err(Error::NotFound { .. })), "{gone:?}");
    let names = app::tools::callable(&place.app).await.expect("read");
    assert!(names.iter().all(|(live, _)| *live != name), "clients do not see it any more");
    assert_eq!(server.calls().len(), calls);
}
