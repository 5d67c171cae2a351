//! Servers.

use store::{
    Page, approvals, calls, revisions, servers,
    servers::Status::{Error, Imported, Running, Stopped},
    tools,
};
use uuid::Uuid;

use crate::{
    rows::{at, call, server, stored_server, stored_tool},
    with::{ALL, on_both},
};

#[test]
fn a_server_is_found_as_it_was_added() {
    on_both(async |store| {
        let server = stored_server(&store, "weather").await;
        let by_id = servers::find(&store, server.id).await.expect("find");
        assert_eq!(by_id.as_ref(), Some(&server));
        let by_name = servers::find_by_name(&store, "weather").await.expect("find");
        assert_eq!(by_name.as_ref(), Some(&server));
        assert_eq!(servers::find(&store, Uuid::now_v7()).await.expect("find"), None);
        assert_eq!(servers::find_by_name(&store, "Weather").await.expect("find"), None);
        assert_eq!(servers::find_by_name(&store, "a\0b").await.expect("find"), None);
    });
}

#[test]
fn two_servers_may_not_share_a_name() {
    on_both(async |store| {
        stored_server(&store, "weather").await;
        let error = servers::insert(&store, &server("weather")).await.expect_err("inserted");
        assert!(error.is_duplicate() && !error.is_busy(), "{error:?}");
        servers::insert(&store, &server("Weather")).await.expect("insert another name");
    });
}

#[test]
fn servers_are_listed_page_by_page_with_their_tools_counted() {
    on_both(async |store| {
        let mut names = Vec::new();
        for number in 0..5 {
            let mut server = server(&format!("server-{number}"));
            server.created_at = at(10 - number);
            servers::insert(&store, &server).await.expect("insert");
            names.insert(0, server.name.clone());
            if number == 2 {
                stored_tool(&store, &server, "one").await;
                stored_tool(&store, &server, "two").await;
            }
        }
        let mut seen = Vec::new();
        for number in 1..=4 {
            let page = servers::list(&store, Page { number, size: 2 }).await.expect("list");
            assert_eq!(page.total, 5);
            for (server, tool_count) in page.items {
                assert_eq!(tool_count, if server.name == "server-2" { 2 } else { 0 });
                seen.push(server.name);
            }
        }
        assert_eq!(seen, names, "each once, oldest first");
    });
}

#[test]
fn a_status_changes_only_from_one_that_was_expected() {
    on_both(async |store| {
        let server = stored_server(&store, "weather").await;
        let set = async |from: &[_], to| {
            servers::set_status(&store, server.id, from, to, at(5)).await.expect("set")
        };
        assert!(set(&[Imported, Error], Running).await);
        assert!(!set(&[Imported, Stopped], Error).await);
        assert!(!set(&[], Error).await);
        let now = servers::find(&store, server.id).await.expect("find").expect("a server");
        assert_eq!((now.status, now.updated_at), (Running, at(5)));
    });
}

#[test]
fn with_a_server_go_its_tools_but_neither_log_nor_decisions() {
    on_both(async |store| {
        let server = stored_server(&store, "weather").await;
        let (tool, revision) = stored_tool(&store, &server, "forecast").await;
        let approval = approvals::Approval {
            id: Uuid::now_v7(),
            tool_id: tool.id,
            revision_id: revision.id,
            digest: revision.digest.clone(),
            action: "approve".to_owned(),
            actor: "ada".to_owned(),
            reason: None,
            at: at(1),
        };
        approvals::insert(&store, &approval).await.expect("insert");
        let mut call = call("weather__forecast");
        call.tool_id = tool.id;
        calls::record(&store, call.clone()).await.expect("record");

        assert!(servers::delete(&store, server.id).await.expect("delete"));
        assert!(!servers::delete(&store, server.id).await.expect("delete again"));
        assert_eq!(tools::find(&store, tool.id).await.expect("find"), None);
        assert_eq!(revisions::find(&store, revision.id).await.expect("find"), Some(revision));
        assert_eq!(approvals::list(&store, tool.id).await.expect("list"), [approval]);
        assert_eq!(calls::find(&store, call.id).await.expect("find"), Some(call));
        assert_eq!(servers::list(&store, ALL).await.expect("list").total, 0);
    });
}
