//! How long and how often a tool waits for its client.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use app::calls::{self, FailureKind};
use app::conversation::AskError;
use app::identity::Caller;
use app::settings::Asking;
use serde_json::{Map, json};

use super::client::{Client, Reply, roots};
use super::place::{Place, caller, line, logged, value};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_goes_refuses_or_takes_too_long_is_told_apart() {
    let each = Duration::from_millis(300);
    let place = Place::new(Asking { each, ..Asking::default() }).await;
    let client = Client::new(&[
        ("gone", Reply::Fail(AskError::Gone)),
        ("refused", Reply::Fail(AskError::Refused("not today".to_owned()))),
        ("slow", Reply::Never),
        ("good", roots()),
    ]);
    let body = "told = []\n\
                for key in ['gone', 'refused', 'slow', 'good']:\n    \
                try:\n        told.append(len(await ctx.list_roots(key=key)))\n    \
                except mcpbox.ClientError as error:\n        told.append(type(error).__name__)\n\
                return told";
    let (report, row) = place.run("apart", body, &client).await;
    let expected = json!(["ClientGoneError", "ClientRefusedError", "ClientTimeoutError", 0]);
    assert_eq!(value(&report), expected);
    let outcomes: Vec<_> = logged(&row).into_iter().map(|(.., outcome)| outcome).collect();
    assert_eq!(outcomes, ["gone", "refused", "timed_out", "answered"]);
    assert_eq!(client.open.load(Ordering::SeqCst), 0, "nothing waits any more");
    place.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_call_asks_so_often_and_waits_so_long() {
    let asking = Asking { questions: 3, ..Asking::default() };
    let place = Place::new(asking).await;
    let client = Client::new(&[("roots-1", roots()), ("roots-2", roots()), ("roots-3", roots())]);
    let (report, _) =
        place.run("three", "for _ in range(3): await ctx.list_roots()", &client).await;
    assert!(report.succeeded(), "{:?}", report.outcome);
    let (report, _) = place.run("ever", "while True: await ctx.list_roots()", &client).await;
    let failure = report.outcome.expect_err("it asks too often");
    assert!(failure.message.contains("3 questions"), "{}", failure.message);
    place.app.close().await;

    let all = Duration::from_millis(400);
    let place = Place::new(Asking { all, ..Asking::default() }).await;
    let late = Reply::After(Duration::from_millis(300), json!({ "roots": [] }));
    let client = Client::new(&[("late", late), ("slow", Reply::Never)]);
    let (report, _) = place.run("late", "return await ctx.list_roots(key='late')", &client).await;
    assert!(report.succeeded(), "{:?}", report.outcome);
    let body = "told = []\n\
                for _ in range(3):\n    \
                try:\n        await ctx.list_roots(key='slow')\n    \
                except mcpbox.ClientError as error:\n        told.append(type(error).__name__)\n\
                return told";
    let (report, row) = place.run("slow", body, &client).await;
    assert_eq!(value(&report), json!(["ClientTimeoutError", "ClientError", "ClientError"]));
    assert_eq!(logged(&row)[2].2, "limit");
    place.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_the_client_takes_nothing_of_the_time_limit() {
    let place = Place::new(Asking::default()).await;
    let late = Reply::After(Duration::from_millis(1_500), json!({ "roots": [] }));
    let client = Client::new(&[("roots-1", late)]);
    let (report, row) = place.run("late", "return await ctx.list_roots()", &client).await;
    assert_eq!(value(&report), json!([]));
    let waited = row.requests[0]["duration_us"].as_i64().expect("a time");
    assert!(waited >= 1_500_000, "{waited}");
    let (report, _) = place.run("idle", "await asyncio.sleep(60)", &client).await;
    assert_eq!(report.outcome.expect_err("it is over").kind, FailureKind::WallClock);
    place.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_cancelled_while_it_waits_is_logged_and_asks_no_more() {
    let place = Place::new(Asking::default()).await;
    place.tool("wait", "return await ctx.list_roots(key='slow')").await;
    let client = Client::new(&[("slow", Reply::Never)]);
    let call = {
        let (app, client) = (place.app.clone(), Arc::<Client>::clone(&client));
        tokio::spawn(
            async move { calls::run(&app, &caller(), "talk__wait", Map::new(), client).await },
        )
    };
    let eventually = async |what: &str, is_so: &dyn Fn() -> bool| {
        for _ in 0..500 {
            if is_so() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("not so within ten seconds: {what}");
    };
    eventually("it waits", &|| client.open.load(Ordering::SeqCst) == 1).await;
    call.abort();
    eventually("nothing waits", &|| client.open.load(Ordering::SeqCst) == 0).await;
    let mut rows = Vec::new();
    for _ in 0..500 {
        let page = app::Page { number: 1, size: 10 };
        rows = calls::logs(&place.app, &calls::Filter::default(), page).await.expect("read").items;
        if !rows.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(rows[0].error_kind.as_deref(), Some("cancelled"));
    assert_eq!(logged(&rows[0]), [line("roots", "slow", "withdrawn")]);
    place.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_caller_cannot_take_every_place_to_wait_for_an_answer() {
    let place = Place::new(Asking::default()).await;
    place.tool("wait", "return await ctx.list_roots(key='slow')").await;
    place.tool("ask", "return await ctx.list_roots(key='good')").await;
    let client = Client::new(&[("slow", Reply::Never), ("good", roots())]);
    let call = async |caller: Caller, name: &str| {
        let client = Arc::<Client>::clone(&client);
        calls::run(&place.app, &caller, name, Map::new(), client).await.expect("it runs").outcome
    };
    // Of the calls of one server here, two may wait.
    let waiting = {
        let (app, client) = (place.app.clone(), Arc::<Client>::clone(&client));
        tokio::spawn(
            async move { calls::run(&app, &caller(), "talk__wait", Map::new(), client).await },
        )
    };
    while client.open.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let failure = call(caller(), "talk__ask").await.expect_err("it has its share");
    assert!(failure.message.contains("of the same caller wait"), "{}", failure.message);
    let other = Caller { token: Some("other".to_owned()), ..caller() };
    assert_eq!(call(other, "talk__ask").await.expect("another caller can ask"), "[]");
    waiting.abort();
    while client.open.load(Ordering::SeqCst) > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(call(caller(), "talk__ask").await.expect("nothing of its own waits"), "[]");
    place.app.close().await;
}
