//! What people allow unasked, and take back.

use app::requests::{Kind, State};
use app::{Error, Page, grants, requests};
use uuid::Uuid;

use crate::with::on_both;

const PAGE: Page = Page { number: 1, size: 100 };

#[test]
fn a_host_is_added_unasked_and_taken_back() {
    on_both(async |world| {
        let waiting = world.host("nas.example", Some(5000)).await.expect("filed").request;
        let add = async |host: &str, port| {
            grants::add_host(&world.app, &world.admin, world.servers[0], host, port).await
        };
        add("NAS.example", None).await.expect("added");
        add("nas.example:5000", None).await.expect("it is part of what is allowed");
        assert_eq!(world.granted().await.1, ["nas.example"]);
        let state = |name: &str, state| [(name.to_owned(), state)];
        assert_eq!(world.asked(Kind::Host).await, state(&waiting.name, State::Approved));
        let refused = add("https://nas.example/x", None).await.expect_err("no host");
        assert!(matches!(refused, Error::Invalid { field: "host" | "port", .. }), "{refused}");
        let nobody = Uuid::now_v7();
        let refused = grants::add_host(&world.app, &world.admin, nobody, "a.example", None).await;
        assert!(matches!(refused, Err(Error::NotFound { what: "Server", .. })), "{refused:?}");

        let remove = async |server, host: &str| {
            grants::remove_host(&world.app, &world.admin, server, host).await
        };
        let other = remove(world.servers[1], "nas.example").await.expect_err("another's");
        assert!(matches!(other, Error::NotFound { .. }), "{other}");
        remove(world.servers[0], "Nas.Example").await.expect("removed");
        assert_eq!(world.granted().await.1, [""; 0]);
        let gone = remove(world.servers[0], "nas.example").await.expect_err("gone");
        assert!(matches!(gone, Error::NotFound { .. }), "{gone}");
        world.host("nas.example", None).await.expect("it can be asked for again");

        let history = world.history().await;
        let actions: Vec<_> = history.iter().rev().map(|(action, _, _)| action.as_str()).collect();
        assert_eq!(actions, ["requested", "added", "approved", "removed", "requested"]);
        assert!(history.iter().any(|(action, _, actor)| action == "removed" && actor == "grace"));
    });
}

#[test]
fn modules_are_changed_all_or_none() {
    on_both(async |world| {
        let change = async |added: &[&str], removed: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
            let (added, removed): (Vec<String>, Vec<String>) = (owned(added), owned(removed));
            grants::change_modules(&world.app, &world.admin, &added, &removed).await
        };
        let asked = world.module("http.cookies").await.expect("filed").request;
        change(&["sched", "http"], &[]).await.expect("added");
        assert_eq!(world.granted().await.0, ["http", "sched"]);
        assert_eq!(world.asked(Kind::Module).await, [(asked.name, State::Approved)]);

        for (added, removed) in
            [(["xml", "os"], ["http"]), (["xml", "json"], ["csv"]), (["xml", "bdb"], ["wave"])]
        {
            assert!(change(&added, &removed).await.is_err(), "{added:?} {removed:?}");
            assert_eq!(world.granted().await.0, ["http", "sched"], "nothing of it was done");
        }
        change(&["xml"], &["http"]).await.expect("both");
        assert_eq!(world.granted().await.0, ["sched", "xml"]);
        let modules = requests::modules(&world.app, None).await.expect("read");
        assert_eq!(modules.granted, ["sched", "xml"]);
        assert!(modules.default.contains(&"json") && !modules.default.contains(&"sched"));

        grants::remove_module(&world.app, &world.admin, "sched").await.expect("removed");
        assert_eq!(world.granted().await.0, ["xml"]);
        let gone = grants::remove_module(&world.app, &world.admin, "sched").await;
        assert!(matches!(gone, Err(Error::NotFound { .. })), "it was taken away: {gone:?}");
    });
}

#[test]
fn the_list_of_every_tool_can_be_shortened_and_restored() {
    on_both(async |world| {
        let change = async |added: &[&str], removed: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
            let (added, removed): (Vec<String>, Vec<String>) = (owned(added), owned(removed));
            grants::change_modules(&world.app, &world.admin, &added, &removed).await
        };
        let allowed = async |name: &str| {
            let modules = requests::modules(&world.app, None).await.expect("read");
            assert!(modules.default.contains(&name), "the list itself stays as it is");
            modules.allowed().contains(&name)
        };
        let early = world.module("csv").await.expect_err("every tool may");
        assert!(early.to_string().contains("may be imported already"), "{early}");
        change(&[], &["csv", "json"]).await.expect("removed");
        assert!(!allowed("csv").await && allowed("math").await);
        let asked = world.module("csv").await.expect("it can be asked for now").request;
        for wrong in ["csv", "json.decoder", "no such", "a\0b", "sched"] {
            let refused = change(&[], &[wrong]).await.expect_err(wrong);
            assert!(matches!(refused, Error::NotFound { .. }), "{wrong}: {refused}");
        }
        world.approve(&asked).await.expect("approved");
        assert!(allowed("csv").await && !allowed("json").await);
        grants::remove_module(&world.app, &world.admin, "csv").await.expect("the grant goes");
        assert!(!allowed("csv").await);

        let waiting = world.module("json").await.expect("filed").request;
        change(&["json"], &[]).await.expect("put back");
        assert!(allowed("json").await && !allowed("csv").await);
        let settled = world.asked(Kind::Module).await;
        assert!(settled.contains(&(waiting.name, State::Approved)), "{settled:?}");
        change(&["sched"], &["math"]).await.expect("both");
        grants::reset_modules(&world.app, &world.admin).await.expect("reset");
        assert!(allowed("csv").await && allowed("math").await);
        let modules = requests::modules(&world.app, None).await.expect("read");
        assert_eq!((modules.granted, modules.removed), (vec![], vec![]));
        grants::reset_modules(&world.app, &world.admin).await.expect("nothing to do");
        let many = vec!["sched".to_owned(); 101];
        let refused = grants::change_modules(&world.app, &world.admin, &many, &[]).await;
        assert!(matches!(refused, Err(Error::Invalid { field: "add_modules", .. })), "{refused:?}");
        let audited =
            app::audit::list(&world.app, &app::audit::Filter::default(), PAGE).await.expect("read");
        let told = |action: &str, name: &str| {
            let of_name = audited.items.iter().filter(|row| row.subject == name);
            of_name.filter(|row| row.action == action).count()
        };
        assert_eq!((told("grant.removed", "math"), told("grant.added", "math")), (1, 1));
        assert_eq!((told("grant.removed", "json"), told("grant.added", "json")), (1, 1));
    });
}

#[test]
fn what_a_wider_module_holds_cannot_be_taken_from_the_list_alone() {
    on_both(async |world| {
        let modules =
            |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let change = async |added: &[&str], removed: &[&str]| {
            let (added, removed) = (modules(added), modules(removed));
            grants::change_modules(&world.app, &world.admin, &added, &removed).await
        };
        change(&["xml"], &[]).await.expect("added");
        let refused = change(&[], &["xml.etree.ElementTree"]).await.expect_err("xml has it");
        assert!(refused.to_string().contains("part of `xml`"), "{refused}");
        change(&[], &["xml", "xml.etree.ElementTree"]).await.expect("one after the other");
        let left = requests::modules(&world.app, None).await.expect("read");
        assert_eq!(left.removed, ["xml.etree.ElementTree"]);
    });
}
