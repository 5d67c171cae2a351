//! Tools, and which of them clients can call.

use store::{
    Error, Store,
    revisions::{self, Revision},
    servers::{self, Server, Status},
    tools::{self, Tool},
};
use uuid::Uuid;

use crate::{
    rows::{at, revision, stored_server, stored_tool, tool},
    with::{ALL, on_both},
};

/// A tool that clients can call.
async fn live_tool(store: &Store, server: &Server, name: &str) -> (Tool, Revision) {
    let (tool, revision) = stored_tool(store, server, name).await;
    let set = tools::set_live(store, tool.id, None, Some(revision.id), at(1)).await;
    assert!(set.expect("set live"));
    (tool, revision)
}

async fn running_server(store: &Store, name: &str) -> Server {
    let server = stored_server(store, name).await;
    let from = [Status::Imported];
    let started = servers::set_status(store, server.id, &from, Status::Running, at(1)).await;
    assert!(started.expect("start"));
    server
}

async fn is_live(store: &Store, server: &str, tool: &str) -> bool {
    let public = tools::public_name(server, tool);
    let found = tools::find_live(store, &public).await.expect("find");
    let names = tools::live_names(store).await.expect("list");
    let named = names.iter().find(|name| name.is_callable && name.public_name() == public);
    let ids: Vec<Uuid> = named.iter().map(|name| name.tool_id).collect();
    let listed = tools::live_of(store, &ids).await.expect("read");
    assert_eq!(found.as_ref(), listed.first(), "the list and the search differ");
    found.is_some()
}

#[test]
fn a_name_is_unique_on_its_server_alone() {
    on_both(async |store| {
        let one = stored_server(&store, "one").await;
        let other = stored_server(&store, "other").await;
        let (stored, _) = stored_tool(&store, &one, "forecast").await;
        assert_eq!(tools::find(&store, stored.id).await.expect("find"), Some(stored));
        let error = tools::insert(&store, &tool(&one, "forecast")).await.expect_err("inserted");
        assert!(error.is_duplicate(), "{error:?}");
        tools::insert(&store, &tool(&other, "forecast")).await.expect("insert on the other");
        let error = tools::insert(&store, &tool(&crate::rows::server("none"), "forecast")).await;
        assert!(!error.expect_err("inserted on no server").is_duplicate());
    });
}

#[test]
fn tools_are_listed_with_their_newest_revision() {
    on_both(async |store| {
        let server = stored_server(&store, "weather").await;
        let (first, _) = stored_tool(&store, &server, "first").await;
        let (second, only) = stored_tool(&store, &server, "second").await;
        let newest = revision(&first, 12);
        revisions::insert(&store, &revision(&first, 2)).await.expect("insert");
        revisions::insert(&store, &newest).await.expect("insert");
        let other = stored_server(&store, "other").await;
        stored_tool(&store, &other, "elsewhere").await;

        let listed = tools::list(&store, server.id, ALL).await.expect("list");
        assert_eq!(listed.total, 2);
        let expected = [(first, (&newest).into()), (second, (&only).into())];
        assert_eq!(listed.items, expected);
        let names = tools::names(&store, server.id).await.expect("list");
        assert_eq!(names, ["first", "second"]);
    });
}

#[test]
fn an_update_leaves_the_live_revision_alone() {
    on_both(async |store| {
        let server = stored_server(&store, "weather").await;
        let (mut tool, revision) = live_tool(&store, &server, "forecast").await;
        stored_tool(&store, &server, "taken").await;
        tool.description = "Better".to_owned();
        tool.enabled = false;
        tool.updated_at = at(7);
        tools::update(&store, &tool).await.expect("update");
        let now = tools::find(&store, tool.id).await.expect("find").expect("a tool");
        assert_eq!(now, Tool { live_revision: Some(revision.id), ..tool.clone() });

        tool.name = "taken".to_owned();
        let error = tools::update(&store, &tool).await.expect_err("renamed");
        assert!(error.is_duplicate(), "{error:?}");
        tool.id = Uuid::now_v7();
        let error = tools::update(&store, &tool).await.expect_err("updated nothing");
        assert!(matches!(error, Error::Missing { noun: "tool", id } if id == tool.id));
    });
}

#[test]
fn the_live_revision_changes_only_from_the_one_that_was_expected() {
    on_both(async |store| {
        let server = stored_server(&store, "weather").await;
        let (tool, first) = live_tool(&store, &server, "forecast").await;
        let second = revision(&tool, 2);
        revisions::insert(&store, &second).await.expect("insert");
        let set = async |from: Option<Uuid>, to: Option<Uuid>| {
            tools::set_live(&store, tool.id, from, to, at(2)).await.expect("set")
        };
        assert!(!set(None, Some(second.id)).await, "it is live already");
        assert!(!set(Some(second.id), None).await, "another is live");
        assert!(set(Some(first.id), Some(second.id)).await);
        assert!(set(Some(second.id), None).await);
        assert!(set(None, Some(first.id)).await);
    });
}

#[test]
fn clients_call_what_is_live_enabled_and_running() {
    on_both(async |store| {
        let server = running_server(&store, "weather").await;
        stored_tool(&store, &server, "draft").await;
        assert!(!is_live(&store, "weather", "draft").await, "nobody approved it");

        let (mut tool, revision) = live_tool(&store, &server, "forecast").await;
        assert!(is_live(&store, "weather", "forecast").await);
        assert!(!is_live(&store, "weather", "forecast\0").await);
        let found = tools::find_live(&store, "weather__forecast").await.expect("find");
        let found = found.expect("a live tool");
        assert_eq!((found.tool_id, found.server_id), (tool.id, server.id));
        assert_eq!((found.revision, found.default_timeout_ms), (revision, 30_000));

        tool.enabled = false;
        tools::update(&store, &tool).await.expect("update");
        assert!(!is_live(&store, "weather", "forecast").await, "it is switched off");
        tool.enabled = true;
        tool.name = "renamed".to_owned();
        tools::update(&store, &tool).await.expect("update");
        assert!(is_live(&store, "weather", "forecast").await, "the revision has its own name");
        assert!(!is_live(&store, "weather", "renamed").await, "nobody approved the new name");

        let from = [Status::Running];
        servers::set_status(&store, server.id, &from, Status::Stopped, at(3)).await.expect("stop");
        assert!(!is_live(&store, "weather", "forecast").await, "its server is stopped");
    });
}

#[test]
fn the_prefix_of_the_server_is_what_names_begin_with() {
    on_both(async |store| {
        let weather = running_server(&store, "weather").await;
        let home = running_server(&store, "home").await;
        let (first, _) = live_tool(&store, &weather, "now").await;
        let (second, _) = live_tool(&store, &home, "now").await;
        let (third, _) = live_tool(&store, &home, "sun__set").await;
        let set = async |server: &Server, prefix: Option<&str>| {
            let seen = servers::find(&store, server.id).await.expect("find").expect("a server");
            let tool_prefix = prefix.map(str::to_owned);
            let changed = Server { tool_prefix, updated_at: at(9), ..seen.clone() };
            let seen = seen.updated_at;
            assert!(servers::update(&store, &changed, seen).await.expect("update"));
        };
        let called = async |public: &str| {
            let found = tools::find_live(&store, public).await.expect("find");
            let named = tools::find_named(&store, public).await.expect("find");
            assert_eq!(found.as_ref().map(|tool| tool.tool_id), named, "{public}");
            named
        };
        assert_eq!(called("weather__now").await, Some(first.id));
        assert_eq!(called("now").await, None);
        set(&home, Some("")).await;
        assert_eq!(called("now").await, Some(second.id));
        assert_eq!(called("sun__set").await, Some(third.id));
        assert_eq!(called("home__now").await, None, "its own prefix counts");
        set(&weather, Some("W-x")).await;
        assert_eq!(called("W-x__now").await, Some(first.id));
        assert_eq!(called("weather__now").await, None);
        let other = servers::find_other_by_prefix(&store, "W-x", home.id).await.expect("find");
        assert_eq!(other.map(|server| server.id), Some(weather.id));
        let itself = servers::find_other_by_prefix(&store, "W-x", weather.id).await;
        assert_eq!(itself.expect("find"), None);
        set(&weather, None).await;
        assert_eq!(called("weather__now").await, Some(first.id));
    });
}

#[test]
fn a_live_name_is_taken_for_all_others_whatever_it_is_made_of() {
    on_both(async |store| {
        let server = running_server(&store, "weather").await;
        let other = running_server(&store, "other").await;
        let mut bare = crate::rows::server("bare");
        bare.tool_prefix = Some(String::new());
        servers::insert(&store, &bare).await.expect("insert");
        let (mut tool, _) = live_tool(&store, &server, "forecast").await;
        tool.enabled = false;
        tools::update(&store, &tool).await.expect("update");
        let taken = async |server: &Server, name: &str, except: Uuid| {
            let transaction = store.begin().await.expect("begin");
            tools::live_name_taken(&transaction, server.id, name, except).await.expect("ask")
        };
        assert!(taken(&server, "forecast", Uuid::now_v7()).await);
        assert!(!taken(&server, "forecast", tool.id).await, "its own name");
        assert!(!taken(&server, "history", Uuid::now_v7()).await, "a free name");
        assert!(!taken(&other, "forecast", Uuid::now_v7()).await, "another prefix");
        assert!(taken(&bare, "weather__forecast", Uuid::now_v7()).await, "the same for clients");
        assert!(!taken(&bare, "forecast", Uuid::now_v7()).await, "another for clients");
        assert!(tools::delete(&store, tool.id).await.expect("delete"));
        assert!(!tools::delete(&store, tool.id).await.expect("delete again"));
        assert!(!taken(&server, "forecast", Uuid::now_v7()).await, "it is gone");
    });
}

#[test]
fn what_is_ready_is_counted_beside_all() {
    on_both(async |store| {
        let server = stored_server(&store, "weather").await;
        live_tool(&store, &server, "live").await;
        let (mut off, _) = live_tool(&store, &server, "off").await;
        stored_tool(&store, &server, "draft").await;
        off.enabled = false;
        tools::update(&store, &off).await.expect("update");
        let other = stored_server(&store, "other").await;
        live_tool(&store, &other, "live").await;
        let of = async |id| tools::count(&store, id).await.expect("count");
        assert_eq!(of(Some(server.id)).await, tools::Counts { all: 3, ready: 1 });
        assert_eq!(of(None).await, tools::Counts { all: 4, ready: 2 });
    });
}
