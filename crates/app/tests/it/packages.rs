//! Packages of servers, as far as no index has to be asked.

use app::packages::{Held, Locked, OfServer, Preparation};
use app::requests::{self, Decision, Kind};
use app::{Error, Page, packages};
use store::package_locks::{self, PackageLock};
use store::{Json, Store};

use crate::with::{World, model, on_both};

fn held(name: &str, version: &str, requires: &[&str]) -> Held {
    let locked = Locked {
        name: name.parse().expect("a name"),
        version: version.parse().expect("a version"),
        wheel: format!("{name}-{version}-py3-none-any.whl"),
        url: format!("https://files.example/{name}-{version}-py3-none-any.whl"),
        sha256: "0".repeat(64),
        bytes: 1000,
        requires: requires.iter().map(|name| name.parse().expect("a name")).collect(),
        provided: Vec::new(),
        yanked: None,
        without_compiled: false,
    };
    Held {
        modules: vec![name.to_owned()],
        left_out: Vec::new(),
        summary: None,
        license: None,
        home_page: None,
        locked,
    }
}

/// Gives the first server packages, as an approval keeps them.
async fn given(world: &World, store: &Store, granted: &[&str], packages: &[Held]) {
    for name in granted {
        let grant = app::grants::Grant {
            id: uuid::Uuid::now_v7(),
            kind: Kind::Package,
            server_id: Some(world.servers[0]),
            name: (*name).to_owned(),
            request_id: None,
            granted_by: "grace".to_owned(),
            granted_at: app::clock::now(),
        };
        assert!(store::grants::insert(store, &grant).await.expect("insert"));
    }
    let row = PackageLock {
        server_id: world.servers[0],
        digest: digest(packages),
        packages: Json(serde_json::to_value(packages).expect("JSON")),
        updated_at: app::clock::now(),
    };
    assert!(package_locks::replace(store, None, &row).await.expect("insert"));
}

fn digest(packages: &[Held]) -> String {
    let packages = packages.iter().map(|held| held.locked.clone()).collect();
    packages::Lock { packages }.digest()
}

fn names(of_server: &OfServer) -> Vec<String> {
    let kept = of_server.kept.iter().flat_map(|kept| &kept.packages);
    kept.map(|held| held.locked.name.to_string()).collect()
}

#[test]
fn a_removed_package_takes_what_only_it_required_and_is_in_the_history() {
    on_both(async |world| {
        let store = world.store().await;
        let all = [
            held("babel", "2.17.0", &[]),
            held("jinja2", "3.1.6", &["babel", "markupsafe"]),
            held("markupsafe", "3.0.3", &[]),
            held("wheelie", "1.0", &["markupsafe"]),
        ];
        given(&world, &store, &["jinja2==3.1.6", "wheelie==1.0"], &all).await;
        let server = world.servers[0];
        let grants = app::grants::of(&world.app, server).await.expect("read");
        assert_eq!(grants.packages, ["jinja2==3.1.6", "wheelie==1.0"]);
        assert_eq!(grants.lock.expect("a lock").packages.len(), 4);
        let other = app::grants::of(&world.app, world.servers[1]).await.expect("read");
        assert_eq!((other.packages.len(), other.lock), (0, None), "another server has none");

        packages::remove(&world.app, &world.admin, server, "Jinja2").await.expect("removed");
        let left = packages::of_server(&world.app, server).await.expect("read");
        assert_eq!(names(&left), ["markupsafe", "wheelie"]);
        assert_eq!(left.preparation, Preparation::NotBegun);
        let again = packages::remove(&world.app, &world.admin, server, "jinja2").await;
        assert!(matches!(again, Err(Error::NotFound { .. })), "{again:?}");
        let required = packages::remove(&world.app, &world.admin, server, "markupsafe").await;
        assert!(matches!(required, Err(Error::NotFound { .. })), "nobody allowed it by name");

        packages::remove(&world.app, &world.admin, server, "wheelie").await.expect("removed");
        let none = app::grants::of(&world.app, server).await.expect("read");
        assert_eq!((none.packages.len(), none.lock), (0, None));
        assert_eq!(package_locks::find(&store, server).await.expect("read"), None);
        let removed = |name: &str| ("removed".to_owned(), name.to_owned(), "grace".to_owned());
        let history = world.history().await;
        assert_eq!(history, [removed("wheelie==1.0"), removed("jinja2==3.1.6")]);
    });
}

#[test]
fn nobody_asks_for_what_is_no_package_and_nothing_is_filed_without_an_answer() {
    on_both(async |world| {
        let ask = async |package: &str, version: Option<&str>, why: &str| {
            let wanted = (package, version);
            packages::file(&world.app, &model(), world.tools[0], wanted, why).await
        };
        for (package, version, why, field) in [
            ("a b", None, "x", "package"),
            ("jinja2", Some(">=3"), "x", "version"),
            ("jinja2", Some("3.1.6"), " ", "justification"),
        ] {
            let refused = ask(package, version, why).await.expect_err("it is wrong");
            assert!(matches!(refused, Error::Invalid { field: found, .. } if found == field));
        }
        let there = ask("regex", None, "x").await.expect_err("it is there");
        assert!(there.to_string().contains("import it"), "{there}");
        let nobody = (("jinja2", None), uuid::Uuid::now_v7());
        let refused = packages::file(&world.app, &model(), nobody.1, nobody.0, "x").await;
        assert!(matches!(refused, Err(Error::NotFound { .. })), "{refused:?}");
        assert!(world.asked(Kind::Package).await.is_empty());

        let store = world.store().await;
        given(&world, &store, &["jinja2==3.1.6"], &[held("jinja2", "3.1.6", &[])]).await;
        let had = ask("Jinja2", Some("3.1.6"), "x").await.expect_err("it is allowed");
        assert!(had.to_string().contains("allowed for this server already"), "{had}");
    });
}

#[test]
fn a_request_for_a_package_is_not_approved_without_a_plan_and_can_be_rejected() {
    on_both(async |world| {
        let store = world.store().await;
        let module = world.module("sched").await.expect("filed").request;
        let request = requests::Request {
            id: uuid::Uuid::now_v7(),
            kind: Kind::Package,
            name: "jinja2==3.1.6".to_owned(),
            ..module.clone()
        };
        store::requests::insert(&store, &request).await.expect("insert");
        let blind = world.approve(&request).await.expect_err("no plan");
        assert!(matches!(blind, Error::Invalid { field: "plan", .. }), "{blind}");
        let waiting = requests::waiting(&world.app, Some(world.servers[0])).await.expect("count");
        assert_eq!((waiting.packages, waiting.modules, waiting.total()), (1, 1, 2));
        let page = Page { number: 1, size: 10 };
        let listed = requests::list(&world.app, Kind::Package, None, page).await.expect("list");
        assert_eq!(listed.items[0].request.name, "jinja2==3.1.6");
        let no_package = packages::approve(&world.app, &world.admin, module.id, "x").await;
        assert!(matches!(no_package, Err(Error::NotFound { .. })), "{no_package:?}");

        let no = Decision::Reject("use string.Template");
        let decided =
            requests::decide(&world.app, &world.admin, Kind::Package, request.id, no).await;
        assert_eq!(decided.expect("rejected").state, requests::State::Rejected);
        let wanted = ("jinja2", Some("3.1.6"));
        let again = packages::file(&world.app, &model(), world.tools[0], wanted, "x")
            .await
            .expect_err("no");
        assert!(again.to_string().contains("use string.Template"), "{again}");
    });
}

#[test]
fn packages_that_were_changed_behind_our_back_are_told_and_can_be_removed() {
    on_both(async |world| {
        let store = world.store().await;
        given(&world, &store, &["jinja2==3.1.6"], &[held("jinja2", "3.1.6", &[])]).await;
        let server = world.servers[0];
        let before = packages::of_server(&world.app, server).await.expect("they are whole");
        let kept = before.kept.expect("there is one");
        let row = PackageLock {
            server_id: server,
            digest: kept.digest.clone(),
            packages: Json(serde_json::to_value([held("jinja2", "6.6.6", &[])]).expect("JSON")),
            updated_at: app::clock::now(),
        };
        let changed = package_locks::replace(&store, Some(&kept.digest), &row).await;
        assert!(changed.expect("it is there"));
        let told = packages::of_server(&world.app, server).await.expect("the page can be shown");
        assert_eq!((told.kept, told.grants.len()), (None, 1));
        let reason = "do not match the digest";
        assert!(
            matches!(told.preparation, Preparation::Failed { reason: text } if text.contains(reason))
        );
        let grants = app::grants::of(&world.app, server).await;
        assert!(matches!(grants, Err(Error::Conflict(text)) if text.contains(reason)), "no call");
        packages::remove(&world.app, &world.admin, server, "jinja2").await.expect("removed");
        let left = packages::of_server(&world.app, server).await.expect("there is nothing");
        assert_eq!(
            (left.kept, left.preparation, left.grants.len()),
            (None, Preparation::NotBegun, 0)
        );
        assert!(app::grants::of(&world.app, server).await.is_ok());
    });
}
