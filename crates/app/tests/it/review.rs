//! Many decisions at once, looking through what waits, and the numbers of it.

use std::collections::BTreeMap;

use app::approvals::{self, Action};
use app::requests::{self, Decision, Entry, Kind, Search, State};
use app::{Error, Page, grants, review, tools};
use uuid::Uuid;

use crate::with::{World, model, on_both};

const PAGE: Page = Page { number: 1, size: 10 };

#[test]
fn each_of_many_requests_is_decided_for_itself() {
    on_both(async |world| {
        let mut ids = Vec::new();
        for host in ["a.example", "b.example", "c.example"] {
            ids.push(world.host(host, None).await.expect("filed").request.id);
        }
        let module = world.module("sched").await.expect("filed").request;
        let decide = async |ids: &[Uuid], decision| {
            review::decide_requests(&world.app, &world.admin, Kind::Host, ids, decision).await
        };
        let nobody = Uuid::now_v7();
        let mixed = [ids[0], nobody, module.id, ids[1]];
        let outcome = decide(&mixed, Decision::Approve).await.expect("decided");
        assert_eq!(outcome.processed, 2);
        let failed: Vec<Uuid> = outcome.failed.iter().map(|(id, _)| *id).collect();
        assert_eq!(failed, [nobody, module.id], "a module is no host");
        assert_eq!(world.granted().await.1, ["a.example", "b.example"]);
        let again = decide(&ids, Decision::Reject("no more")).await.expect("decided");
        assert_eq!((again.processed, again.failed.len()), (1, 2));
        assert!(again.failed.iter().all(|(_, error)| matches!(error, Error::Conflict(_))));

        let silent = decide(&ids, Decision::Reject(" ")).await.expect_err("no reason");
        assert!(matches!(silent, Error::Invalid { field: "reason", .. }), "{silent}");
        let many: Vec<Uuid> = (0..101).map(Uuid::from_u128).collect();
        for wrong in [&[][..], &many, &[ids[0], ids[0]]] {
            let refused = decide(wrong, Decision::Approve).await.expect_err("a wrong number");
            assert!(matches!(refused, Error::Invalid { field: "request_ids", .. }), "{refused}");
        }
        let package = [Uuid::now_v7()];
        let (app, admin) = (&world.app, &world.admin);
        let approve = Decision::Approve;
        let refused = review::decide_requests(app, admin, Kind::Package, &package, approve).await;
        assert!(matches!(refused, Err(Error::Invalid { field: "action", .. })), "{refused:?}");
        let none = Decision::Reject("no");
        let none = review::decide_requests(app, admin, Kind::Package, &package, none).await;
        assert_eq!(none.expect("each for itself").failed.len(), 1);
    });
}

#[test]
fn of_many_tools_only_what_was_seen_is_approved() {
    on_both(async |world| {
        for tool in world.tools {
            approvals::request_publish(&world.app, &model(), tool, None).await.expect("filed");
        }
        let decide = async |digests: &[(Uuid, &str)], decision| {
            let digests: BTreeMap<Uuid, String> =
                digests.iter().map(|(id, digest)| (*id, (*digest).to_owned())).collect();
            let (app, admin) = (&world.app, &world.admin);
            review::decide_tools(app, admin, &world.tools, &digests, decision).await
        };
        let [first, second] = world.tools;
        let seen = [(first, "digest"), (second, "another")];
        let outcome = decide(&seen, (Action::Approve, None)).await.expect("decided");
        assert_eq!(outcome.processed, 1);
        assert!(outcome.failed.len() == 1 && outcome.failed[0].0 == second);
        let live = |detail: tools::Detail| detail.live.is_some();
        assert!(live(tools::get(&world.app, first).await.expect("read")));
        assert!(!live(tools::get(&world.app, second).await.expect("read")));
        let stranger = [(Uuid::now_v7(), "digest")];
        let refused = decide(&stranger, (Action::Approve, None)).await.expect_err("not named");
        assert!(matches!(refused, Error::Invalid { field: "digests", .. }), "{refused}");
        let silent = decide(&[], (Action::Reject, None)).await.expect_err("no reason");
        assert!(matches!(silent, Error::Invalid { field: "reason", .. }), "{silent}");
        let rejected = decide(&[], (Action::Reject, Some("shorter"))).await.expect("decided");
        assert_eq!((rejected.processed, rejected.failed.len()), (1, 1));
    });
}

#[test]
fn what_waits_and_what_was_decided_is_counted() {
    on_both(async |world| {
        let stats = async || review::stats(&world.app).await.expect("count");
        assert_eq!(stats().await, review::Stats::default());
        let [first, second] = world.tools;
        for tool in world.tools {
            approvals::request_publish(&world.app, &model(), tool, None).await.expect("filed");
        }
        world.module("sched").await.expect("filed");
        let host = world.host("a.example", None).await.expect("filed").request;
        world.approve(&host).await.expect("approved");
        let none = BTreeMap::new();
        let (app, admin) = (&world.app, &world.admin);
        let approve = (Action::Approve, None);
        review::decide_tools(app, admin, &[first], &none, approve).await.expect("decided");
        let reject = (Action::Reject, Some("shorter"));
        review::decide_tools(app, admin, &[second], &none, reject).await.expect("decided");
        let expected = review::Stats {
            pending_module_requests: 1,
            approved_tools: 1,
            approved_network_requests: 1,
            recently_approved: 1,
            recently_rejected: 1,
            ..review::Stats::default()
        };
        assert_eq!(stats().await, expected);
    });
}

impl World {
    async fn named(&self, search: &Search) -> Vec<String> {
        let listed = requests::search(&self.app, search, PAGE).await.expect("search");
        assert_eq!(listed.total, listed.items.len() as u64);
        listed.items.into_iter().map(|named| named.request.name).collect()
    }
}

#[test]
fn requests_are_found_by_name_reason_tool_and_server() {
    on_both(async |world| {
        world.host("api.example", None).await.expect("filed");
        world.host_for(world.tools[1], "100%_a.example", None).await.expect_err("no host");
        world.host_for(world.tools[1], "nas.lan", None).await.expect("filed");
        world.module("sched").await.expect("filed");
        for (text, expected) in [
            ("API", vec!["api.example"]),
            ("ask it", vec!["api.example", "nas.lan"]),
            ("HOME", vec!["nas.lan"]),
            ("look", vec!["api.example", "nas.lan", "sched"]),
            ("%", vec![]),
            ("a\0", vec![]),
        ] {
            let (text, state) = (Some(text.to_owned()), Some(State::Pending));
            let search = Search { text, state, ..Search::default() };
            let text = search.text.clone();
            assert_eq!(world.named(&search).await, expected, "{text:?}");
        }
        let of_home = Search { server_id: Some(world.servers[1]), ..Search::default() };
        assert_eq!(world.named(&of_home).await, ["nas.lan"]);
        let approved = Search { state: Some(State::Approved), ..Search::default() };
        assert_eq!(world.named(&approved).await, [""; 0]);
        let nobody = Search { server_id: Some(Uuid::now_v7()), ..Search::default() };
        let refused = requests::search(&world.app, &nobody, PAGE).await;
        assert!(matches!(refused, Err(Error::NotFound { what: "Server", .. })), "{refused:?}");
    });
}

#[test]
fn what_a_person_gave_unasked_stands_behind_what_was_asked_for() {
    on_both(async |world| {
        let asked = world.host("c.example", None).await.expect("filed").request;
        world.approve(&asked).await.expect("approved");
        for (server, host) in [(0, "a.example"), (0, "b.example"), (1, "d.example")] {
            let server = world.servers[server];
            let add = grants::add_host(&world.app, &world.admin, server, host, None);
            add.await.expect("added");
        }
        let found = async |search: Search, page| {
            let listed = requests::search_all(&world.app, Kind::Host, &search, page).await;
            let listed = listed.expect("search");
            let name = |entry| match entry {
                Entry::Asked(named) => named.request.name,
                Entry::Given { grant, server_name } => {
                    format!("{} of {}", grant.name, server_name.expect("a server"))
                }
            };
            (listed.items.into_iter().map(name).collect::<Vec<_>>(), listed.total)
        };
        let approved = || Search { state: Some(State::Approved), ..Search::default() };
        let (first, total) = found(approved(), Page { number: 1, size: 3 }).await;
        assert_eq!(first, ["c.example", "a.example of weather", "b.example of weather"]);
        assert_eq!(total, 4);
        let (second, _) = found(approved(), Page { number: 2, size: 3 }).await;
        assert_eq!(second, ["d.example of home"]);
        let of_home = Search { server_id: Some(world.servers[1]), ..approved() };
        assert_eq!(found(of_home, PAGE).await.0, ["d.example of home"]);
        let by_text = Search { text: Some("B.EX".to_owned()), ..approved() };
        assert_eq!(found(by_text, PAGE).await.0, ["b.example of weather"]);
        let pending = Search { state: Some(State::Pending), ..Search::default() };
        assert_eq!(found(pending, PAGE).await, (vec![], 0));
    });
}

#[test]
fn tools_are_found_by_name_description_and_server() {
    on_both(async |world| {
        let found = async |state, text: Option<&str>| {
            let listed = approvals::search(&world.app, state, text, PAGE).await.expect("search");
            listed.items.into_iter().map(|item| item.public_name).collect::<Vec<_>>()
        };
        let draft = Some(tools::State::Draft);
        assert_eq!(found(draft, Some("WEA")).await, ["weather__look"]);
        assert_eq!(found(draft, Some("look")).await.len(), 2);
        assert_eq!(found(None, Some("home")).await, ["home__look"]);
        assert_eq!(found(None, None).await.len(), 2);
        assert_eq!(found(Some(tools::State::Approved), None).await, [""; 0]);
        assert_eq!(found(draft, Some("nothing like it")).await, [""; 0]);
    });
}
