//! Requests for modules and hosts.

use store::{
    Page,
    grants::Kind,
    requests::{self, Filter, Request, State},
    tools,
};
use uuid::Uuid;

use crate::{
    rows::{at, stored_server, stored_tool},
    with::{ALL, on_both},
};

fn request(tool: &tools::Tool, kind: Kind, name: &str, second: i64) -> Request {
    Request {
        id: Uuid::now_v7(),
        kind,
        server_id: tool.server_id,
        tool_id: tool.id,
        name: name.to_owned(),
        justification: "to plan runs".to_owned(),
        plan: None,
        state: State::Pending,
        requested_by: "claude".to_owned(),
        created_at: at(second),
        reviewed_at: None,
        reviewed_by: None,
        rejection_reason: None,
    }
}

fn rejected(request: &Request) -> Request {
    Request {
        state: State::Rejected,
        reviewed_at: Some(at(9)),
        reviewed_by: Some("grace".to_owned()),
        rejection_reason: Some("use asyncio".to_owned()),
        ..request.clone()
    }
}

#[test]
fn a_tool_waits_for_the_same_thing_once() {
    on_both(async |store| {
        let server = stored_server(&store, "weather").await;
        let (tool, _) = stored_tool(&store, &server, "forecast").await;
        let (other, _) = stored_tool(&store, &server, "history").await;
        let first = request(&tool, Kind::Module, "sched", 0);
        requests::insert(&store, &first).await.expect("insert");
        let twin = request(&tool, Kind::Module, "sched", 1);
        let error = requests::insert(&store, &twin).await.expect_err("inserted");
        assert!(error.is_duplicate(), "{error:?}");
        requests::insert(&store, &request(&other, Kind::Module, "sched", 1)).await.expect("insert");
        requests::insert(&store, &request(&tool, Kind::Host, "sched", 1)).await.expect("insert");

        let decided = rejected(&first);
        assert!(requests::transition(&store, &[State::Pending], &decided).await.expect("decide"));
        requests::insert(&store, &twin).await.expect("insert what waits no more");
        let last = requests::last(&store, tool.id, Kind::Module, "sched").await.expect("read");
        assert_eq!(last, Some(twin));
        assert_eq!(requests::find(&store, first.id).await.expect("read"), Some(decided));
    });
}

#[test]
fn a_decision_counts_only_in_the_states_it_is_for() {
    on_both(async |store| {
        let server = stored_server(&store, "weather").await;
        let (tool, _) = stored_tool(&store, &server, "forecast").await;
        let asked = request(&tool, Kind::Host, "a.example:80", 0);
        requests::insert(&store, &asked).await.expect("insert");
        let decided = rejected(&asked);
        let moved = async |from: &[State], to: &Request| {
            requests::transition(&store, from, to).await.expect("decide")
        };
        assert!(!moved(&[State::Approved], &decided).await);
        assert!(moved(&[State::Pending], &decided).await);
        assert!(!moved(&[State::Pending], &asked).await);
        let approved = Request { state: State::Approved, rejection_reason: None, ..decided };
        assert!(moved(&[State::Pending, State::Rejected], &approved).await);
        assert_eq!(requests::find(&store, asked.id).await.expect("read"), Some(approved));
    });
}

#[test]
fn what_waits_comes_oldest_first_and_what_was_decided_newest_first() {
    on_both(async |store| {
        let server = stored_server(&store, "weather").await;
        let (tool, _) = stored_tool(&store, &server, "forecast").await;
        for (number, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
            let asked = request(&tool, Kind::Module, name, i64::try_from(number).expect("small"));
            requests::insert(&store, &asked).await.expect("insert");
            if number >= 2 {
                let decided = rejected(&asked);
                requests::transition(&store, &[State::Pending], &decided).await.expect("decide");
            }
        }
        requests::insert(&store, &request(&tool, Kind::Host, "h", 7)).await.expect("insert");
        let list = async |filter: &Filter, page| {
            let listed = requests::list(&store, filter, page).await.expect("list");
            assert_eq!(requests::count(&store, filter).await.expect("count"), listed.total);
            let named = |item: &requests::Named| {
                assert_eq!(
                    (item.server_name.as_str(), item.tool_name.as_str()),
                    ("weather", "forecast")
                );
                item.request.name.clone()
            };
            (listed.items.iter().map(named).collect::<Vec<_>>(), listed.total)
        };
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let pending =
            Filter { kind: Some(Kind::Module), state: Some(State::Pending), ..Filter::default() };
        assert_eq!(list(&pending, ALL).await, (names(&["a", "b"]), 2));
        let second = Page { number: 2, size: 1 };
        assert_eq!(list(&pending, second).await, (names(&["b"]), 2));
        let rejected = Filter { state: Some(State::Rejected), ..pending };
        assert_eq!(list(&rejected, ALL).await, (names(&["d", "c"]), 2));
        let of_tool = Filter { tool_id: Some(tool.id), ..Filter::default() };
        assert_eq!(list(&of_tool, ALL).await.1, 5);
        let of_another = Filter { server_id: Some(Uuid::now_v7()), ..Filter::default() };
        assert_eq!(list(&of_another, ALL).await.1, 0);
        let all = requests::all(&store, &of_tool).await.expect("all");
        let all: Vec<_> = all.iter().map(|request| request.name.as_str()).collect();
        assert_eq!(all, ["a", "b", "c", "d", "h"]);
    });
}

#[test]
fn requests_go_with_their_tool() {
    on_both(async |store| {
        let server = stored_server(&store, "weather").await;
        let (tool, _) = stored_tool(&store, &server, "forecast").await;
        let (other, _) = stored_tool(&store, &server, "history").await;
        for tool in [&tool, &other] {
            let asked = request(tool, Kind::Module, "sched", 0);
            requests::insert(&store, &asked).await.expect("insert");
        }
        assert!(tools::delete(&store, tool.id).await.expect("delete"));
        let left = requests::list(&store, &Filter::default(), ALL).await.expect("list");
        assert_eq!((left.total, left.items[0].request.tool_id), (1, other.id));
    });
}

#[test]
fn a_plan_is_kept_with_the_request_as_it_was_shown() {
    on_both(async |store| {
        let server = stored_server(&store, "weather").await;
        let (tool, _) = stored_tool(&store, &server, "forecast").await;
        let plan = store::Json(serde_json::json!({ "digest": "d", "added": [1, 2] }));
        let asked =
            Request { plan: Some(plan), ..request(&tool, Kind::Package, "jinja2==3.1.6", 0) };
        requests::insert(&store, &asked).await.expect("insert");
        let found = requests::find(&store, asked.id).await.expect("read");
        assert_eq!(found, Some(asked.clone()));
        let all =
            requests::all(&store, &Filter { kind: Some(Kind::Package), ..Filter::default() }).await;
        assert_eq!(all.expect("read"), [asked]);
    });
}
