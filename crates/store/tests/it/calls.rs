//! The execution log.

use std::collections::HashSet;

use serde_json::json;
use store::{
    Error, Page, Store,
    calls::{self, Call, Filter},
};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    rows::{at, call},
    with::{ALL, at_both, at_postgres, on_both},
};

async fn total(store: &Store, filter: &Filter) -> u64 {
    calls::list(store, filter, ALL).await.expect("list").total
}

#[test]
fn a_call_is_found_as_it_was_recorded() {
    on_both(async |store| {
        let mut failed = call("weather__forecast");
        failed.arguments = json!({"z": 1, "a": {"y": "\0", "b": []}});
        failed.result = None;
        failed.success = false;
        failed.is_test = true;
        failed.error = Some("Traceback…".to_owned());
        failed.error_kind = Some("exception".to_owned());
        for call in [failed, call("weather__history")] {
            calls::record(&store, call.clone()).await.expect("record");
            let found = calls::find(&store, call.id).await.expect("find").expect("a call");
            assert_eq!(found.arguments.to_string(), call.arguments.to_string());
            assert_eq!(found, call);
        }
        assert_eq!(calls::find(&store, Uuid::now_v7()).await.expect("find"), None);
    });
}

#[test]
fn a_null_character_in_the_output_is_kept_as_a_symbol() {
    on_both(async |store| {
        let mut odd = call("weather__forecast");
        odd.stdout = "a\0b".to_owned();
        odd.error = Some("\0".to_owned());
        odd.result = Some(json!("\0"));
        calls::record(&store, odd.clone()).await.expect("record");
        let found = calls::find(&store, odd.id).await.expect("find").expect("a call");
        assert_eq!((found.stdout.as_str(), found.error.as_deref()), ("a␀b", Some("␀")));
        assert_eq!(found.result, odd.result, "JSON can say it");
    });
}

#[test]
fn a_filter_leaves_what_it_names() {
    on_both(async |store| {
        let forecast = call("weather__Forecast_daily");
        let mut failed = call("weather__forecastXdaily");
        (failed.success, failed.caller) = (false, "cursor".to_owned());
        failed.server_id = forecast.server_id;
        for call in [&forecast, &failed, &call("clock__now")] {
            calls::record(&store, call.clone()).await.expect("record");
        }
        let everything = Filter::default();
        assert_eq!(total(&store, &everything).await, 3);
        let of_tool = Filter { tool_id: Some(forecast.tool_id), ..Filter::default() };
        assert_eq!(total(&store, &of_tool).await, 1);
        let of_server = Filter { server_id: Some(forecast.server_id), ..Filter::default() };
        assert_eq!(total(&store, &of_server).await, 2);
        let both = Filter { success: Some(false), ..of_server };
        let listed = calls::list(&store, &both, ALL).await.expect("list");
        assert_eq!((listed.total, listed.items), (1, vec![failed]));
        let of_caller = Filter { caller: Some("claude".to_owned()), ..Filter::default() };
        assert_eq!(total(&store, &of_caller).await, 2);
        for (part, expected) in
            [("FORECAST", 2), ("forecast_d", 1), ("%", 0), ("", 3), ("\\", 0), ("!", 0), ("a\0", 0)]
        {
            let named = Filter { tool_name_contains: Some(part.to_owned()), ..Filter::default() };
            assert_eq!(total(&store, &named).await, expected, "{part:?}");
        }
    });
}

#[test]
fn the_log_can_be_paged_to_its_end_newest_first() {
    on_both(async |store| {
        let recorded: Vec<Call> = (0..7)
            .map(|number| Call { created_at: at(number / 2), ..call("clock__now") })
            .collect();
        for call in &recorded {
            calls::record(&store, call.clone()).await.expect("record");
        }
        let mut seen = Vec::new();
        for number in 1..=4 {
            let page = Page { number, size: 3 };
            let listed = calls::list(&store, &Filter::default(), page).await.expect("list");
            assert_eq!(listed.total, 7);
            seen.extend(listed.items);
        }
        seen.reverse();
        assert_eq!(seen, recorded);
    });
}

#[test]
fn several_processes_record_at_once_and_nothing_is_lost() {
    at_both(async |location| {
        let one = Store::open(&location).await.expect("open");
        let other = Store::open(&location).await.expect("open again");
        let mut recording = JoinSet::new();
        for number in 0..1_000 {
            let store = if number % 2 == 0 { one.clone() } else { other.clone() };
            recording.spawn(async move {
                let call = call("clock__now");
                let id = call.id;
                calls::record(&store, call).await.expect("record");
                // What was answered is there, for the other process too.
                assert!(calls::find(&store, id).await.expect("find").is_some());
                id
            });
        }
        let ids: HashSet<Uuid> = recording.join_all().await.into_iter().collect();
        assert_eq!(ids.len(), 1_000);
        assert_eq!(total(&other, &Filter::default()).await, 1_000);
        one.close().await;
        other.close().await;
    });
}

#[test]
fn a_refused_row_takes_no_other_with_it() {
    on_both(async |store| {
        let taken = call("clock__now");
        calls::record(&store, taken.clone()).await.expect("record");
        let mut recording = JoinSet::new();
        for number in 0..40 {
            let store = store.clone();
            let id = if number % 10 == 3 { taken.id } else { Uuid::now_v7() };
            let call = Call { id, ..call("clock__now") };
            recording.spawn(async move { calls::record(&store, call).await });
        }
        let outcomes = recording.join_all().await;
        let refused: Vec<&Error> = outcomes.iter().filter_map(|o| o.as_ref().err()).collect();
        assert_eq!(refused.len(), 4);
        assert!(refused.iter().all(|error| error.is_duplicate()), "{refused:?}");
        assert_eq!(total(&store, &Filter::default()).await, 37);
    });
}

#[test]
fn closing_writes_what_waits_and_refuses_what_comes_later() {
    at_both(async |location| {
        let store = Store::open(&location).await.expect("open");
        let mut recording = JoinSet::new();
        for _ in 0..50 {
            let store = store.clone();
            recording.spawn(async move { calls::record(&store, call("clock__now")).await });
        }
        tokio::task::yield_now().await;
        store.clone().close().await;
        let outcomes = recording.join_all().await;
        let kept = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        let late = calls::record(&store, call("clock__now")).await.expect_err("recorded");
        assert!(matches!(late, Error::Closed), "{late:?}");

        let again = Store::open(&location).await.expect("open again");
        let kept = u64::try_from(kept).expect("a count");
        assert_eq!(total(&again, &Filter::default()).await, kept, "answered is kept");
        again.close().await;
    });
}

#[test]
fn a_lost_connection_costs_no_call() {
    at_postgres(async |location, database| {
        let store = Store::open(&location).await.expect("open");
        calls::record(&store, call("clock__now")).await.expect("record");
        database
            .execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .expect("end the connections");
        calls::record(&store, call("clock__now")).await.expect("record again");
        let other = Store::open(&location).await.expect("open again");
        assert_eq!(total(&other, &Filter::default()).await, 2);
        store.close().await;
        other.close().await;
    });
}
