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
    let found = tools::find_live(store, server, tool).await.expect("find");
    let listed = tools::live(store).await.expect("list");
    let in_list = listed.iter().find(|t| t.server_name == server && t.revision.name == tool);
    assert_eq!(found.as_ref(), in_list, "the list and the search differ");
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
        assert_eq!(listed.items, [(first, newest), (second, only)]);
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
        let found = tools::find_live(&store, "weather", "forecast").await.expect("find");
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
fn live_tools_come_by_server_and_name() {
    on_both(async |store| {
        for server in ["b", "a_b", "aB"] {
            let server = running_server(&store, server).await;
            for name in ["two", "Two", "one"] {
                live_tool(&store, &server, name).await;
            }
        }
        let tools = tools::live(&store).await.expect("list");
        let names: Vec<_> = tools
            .iter()
            .map(|tool| format!("{}.{}", tool.server_name, tool.revision.name))
            .collect();
        let expected = ["aB", "a_b", "b"]
            .iter()
            .flat_map(|server| ["Two", "one", "two"].map(|tool| format!("{server}.{tool}")));
        assert_eq!(names, expected.collect::<Vec<_>>());
    });
}

#[test]
fn a_live_name_is_taken_for_the_others_of_its_server() {
    on_both(async |store| {
        let server = running_server(&store, "weather").await;
        let other = running_server(&store, "other").await;
        let (mut tool, _) = live_tool(&store, &server, "forecast").await;
        tool.enabled = false;
        tools::update(&store, &tool).await.expect("update");
        let taken = async |server: &Server, name: &str, except: Uuid| {
            tools::live_name_taken(&store, server.id, name, except).await.expect("ask")
        };
        assert!(taken(&server, "forecast", Uuid::now_v7()).await);
        assert!(!taken(&server, "forecast", tool.id).await, "its own name");
        assert!(!taken(&server, "history", Uuid::now_v7()).await, "a free name");
        assert!(!taken(&other, "forecast", Uuid::now_v7()).await, "another server");
        assert!(tools::delete(&store, tool.id).await.expect("delete"));
        assert!(!tools::delete(&store, tool.id).await.expect("delete again"));
        assert!(!taken(&server, "forecast", Uuid::now_v7()).await, "it is gone");
    });
}
