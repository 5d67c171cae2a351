//! Asking for modules and hosts, and a person's decision.

use app::requests::{self, Decision, Kind, State};
use app::{Error, Page};
use uuid::Uuid;

use crate::with::{model, on_both};

#[test]
fn an_approved_module_is_everybodys_and_asking_again_says_so() {
    on_both(async |world| {
        let filed = world.module(" sched ").await.expect("filed");
        assert_eq!((filed.request.name.as_str(), filed.already_pending), ("sched", false));
        assert_eq!(filed.request.requested_by, "claude");
        let again = world.module("sched").await.expect("waits already");
        assert_eq!((again.request.id, again.already_pending), (filed.request.id, true));
        assert_eq!(world.granted().await.0, [""; 0], "nothing holds before the decision");

        let decided = world.approve(&filed.request).await.expect("approved");
        assert_eq!(
            (decided.state, decided.reviewed_by.as_deref()),
            (State::Approved, Some("grace"))
        );
        assert_eq!(world.granted().await.0, ["sched"]);
        let other = app::grants::of(&world.app, world.servers[1]).await.expect("read");
        assert_eq!(other.modules, ["sched"]);
        let refused = world.module("sched").await.expect_err("it may be imported");
        assert!(refused.to_string().contains("may be imported already"), "{refused}");
        let twice = world.approve(&filed.request).await.expect_err("decided before");
        assert!(matches!(twice, Error::Conflict(_)), "{twice}");

        let happened = ["approved", "requested"];
        let history = world.history().await;
        assert!(history.iter().map(|(action, _, _)| action).eq(happened), "{history:?}");
    });
}

#[test]
fn what_cannot_be_allowed_is_refused_with_the_reason_when_it_is_asked_for() {
    on_both(async |world| {
        for (name, part) in [
            ("os", "can never be imported"),
            ("os.path", "can never be imported"),
            ("json", "may be imported already"),
            ("xml.etree.ElementTree", "may be imported already"),
            ("ctypes", "does not have"),
            ("requests", "no module of Python's standard library"),
            ("x; import os", "as in `import`"),
        ] {
            let refused = world.module(name).await.expect_err(name).to_string();
            assert!(refused.contains(part), "{name}: {refused}");
        }
        world.module("xml.dom").await.expect("a part of the library can be asked for");
        let nobody = Uuid::now_v7();
        let why = "to plan runs";
        let refused = requests::file_module(&world.app, &model(), nobody, "sched", why).await;
        assert!(matches!(refused, Err(Error::NotFound { what: "Tool", .. })), "{refused:?}");
        let tool = world.tools[0];
        let silent = requests::file_module(&world.app, &model(), tool, "sched", " ").await;
        assert!(silent.expect_err("no reason").to_string().contains("justification"));
        assert_eq!(world.asked(Kind::Module).await, [("xml.dom".to_owned(), State::Pending)]);
    });
}

#[test]
fn a_rejection_stands_until_a_person_approves_after_all() {
    on_both(async |world| {
        let asked = world.module("sched").await.expect("filed").request;
        let silent = world.reject(&asked, " ").await.expect_err("no reason");
        assert!(silent.to_string().contains("reason"), "{silent}");
        let rejected = world.reject(&asked, "use asyncio").await.expect("rejected");
        assert_eq!(rejected.rejection_reason.as_deref(), Some("use asyncio"));
        let again = world.module("sched").await.expect_err("it was rejected");
        assert!(again.to_string().contains("use asyncio"), "{again}");
        let why = "for another tool";
        let other = requests::file_module(&world.app, &model(), world.tools[1], "sched", why).await;
        assert!(other.is_ok(), "another tool may ask");
        assert_eq!(world.granted().await.0, [""; 0]);

        let late = world.reject(&asked, "still").await.expect_err("decided");
        assert!(matches!(late, Error::Conflict(_)), "{late}");
        world.approve(&asked).await.expect("approved after all");
        assert_eq!(world.granted().await.0, ["sched"]);
        let waiting = requests::waiting(&world.app, None).await.expect("count");
        assert_eq!(waiting.modules, 0, "the other tool's request is settled with it");
    });
}

#[test]
fn an_approved_host_is_the_servers_and_swallows_its_ports() {
    on_both(async |world| {
        let port = world.host("API.example.com.", Some(8443)).await.expect("filed").request;
        assert_eq!(port.name, "api.example.com:8443");
        world.approve(&port).await.expect("approved");
        assert_eq!(world.granted().await.1, ["api.example.com:8443"]);
        let other_port = world.host("api.example.com", Some(80)).await.expect("filed").request;
        let of_another = world.host_for(world.tools[1], "api.example.com", None).await;
        let of_another = of_another.expect("filed").request;

        let all = world.host("api.example.com", None).await.expect("filed").request;
        world.approve(&all).await.expect("approved");
        assert_eq!(world.granted().await.1, ["api.example.com"]);
        let settled = world.approve(&other_port).await.expect_err("settled with the wider one");
        assert!(settled.to_string().contains("approved now"), "{settled}");
        let covered = world.host("api.example.com", Some(9)).await.expect_err("covered");
        assert!(covered.to_string().contains("can reach"), "{covered}");

        let theirs = app::grants::of(&world.app, world.servers[1]).await.expect("read");
        assert_eq!(theirs.hosts, [""; 0], "the other server waits for its own decision");
        world.approve(&of_another).await.expect("approved");
        let theirs = app::grants::of(&world.app, world.servers[1]).await.expect("read");
        assert_eq!(theirs.hosts, ["api.example.com"]);
    });
}

#[test]
fn requests_are_listed_and_counted_by_kind_server_and_state() {
    on_both(async |world| {
        let page = Page { number: 1, size: 10 };
        let module = world.module("sched").await.expect("filed").request;
        world.module("xml.dom").await.expect("filed");
        world.host("a.example", None).await.expect("filed");
        world.host_for(world.tools[1], "b.example", None).await.expect("filed");
        world.reject(&module, "use asyncio").await.expect("rejected");

        let all = requests::waiting(&world.app, None).await.expect("count");
        assert_eq!((all.modules, all.network), (1, 2));
        let first = requests::waiting(&world.app, Some(world.servers[0])).await.expect("count");
        assert_eq!((first.modules, first.network), (1, 1));
        let pending = Some(State::Pending);
        let hosts = requests::list(&world.app, Kind::Host, pending, page).await.expect("list");
        let named = hosts.items.iter().map(|item| (&*item.request.name, &*item.server_name));
        assert_eq!(named.collect::<Vec<_>>(), [("a.example", "weather"), ("b.example", "home")]);
        let modules = requests::list(&world.app, Kind::Module, None, page).await.expect("list");
        assert_eq!(modules.total, 2);
        assert_eq!(requests::queue(&world.app, State::Pending, page).await.expect("list").total, 3);
        let of_server = requests::waiting_of_server(&world.app, world.servers[1]).await;
        assert_eq!(of_server.expect("list").len(), 1);

        let as_host = Decision::Approve;
        let wrong =
            requests::decide(&world.app, &world.admin, Kind::Host, module.id, as_host).await;
        assert!(matches!(wrong, Err(Error::NotFound { .. })), "a module is no host: {wrong:?}");
    });
}

#[test]
fn a_tool_cannot_flood_the_queue() {
    on_both(async |world| {
        for number in 0..50 {
            world.host(&format!("h{number}.example"), None).await.expect("filed");
        }
        let refused = world.host("one-more.example", None).await.expect_err("too many wait");
        assert!(refused.to_string().contains("50 requests"), "{refused}");
        let another = world.host_for(world.tools[1], "one-more.example", None).await;
        assert!(another.is_ok(), "another tool has room of its own: {another:?}");
    });
}
