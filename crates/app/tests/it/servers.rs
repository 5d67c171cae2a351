//! The life of a server: changed, started anew, emptied of 2,000 tools.

use std::sync::Arc;

use app::conversation::Silent;
use app::identity::{Caller, Scopes};
use app::servers::{self, Changes, Server, Status};
use app::tools::{self, Tool};
use app::{Error, Page, calls};
use serde_json::Map;
use store::Connection;
use uuid::Uuid;

use crate::with::{World, model, on_both, revision};

/// What a person changes.
pub(crate) fn changes() -> Changes {
    Changes::default()
}

impl World {
    /// Changes the first server.
    pub(crate) async fn change(&self, changes: Changes) -> app::Result<Server> {
        servers::update(&self.app, &self.admin, self.servers[0], changes).await
    }

    /// Calls a tool; without a sandbox a call that finds its tool is told that there is none.
    pub(crate) async fn finds(&self, public: &str) -> bool {
        let (token, client) = (Some("claude".to_owned()), None);
        let caller = Caller { token, client, address: None, scopes: Scopes::ALL };
        match calls::run(&self.app, &caller, public, Map::new(), Arc::new(Silent)).await {
            Err(Error::Unavailable { .. }) => true,
            Err(Error::NotFound { .. }) => false,
            other => panic!("{public}: {other:?}"),
        }
    }

    /// What was written to the audit log about one thing, oldest first.
    pub(crate) async fn audited_of(&self, subject_id: Uuid) -> Vec<String> {
        let filter = app::audit::Filter { subject_id: Some(subject_id), ..Default::default() };
        let listed = app::audit::list(&self.app, &filter, Page { number: 1, size: 100 }).await;
        let rows = listed.expect("read").items;
        rows.into_iter().rev().map(|row| format!("{} by {}", row.action, row.actor)).collect()
    }

    /// The names that clients can call, as they see them.
    pub(crate) async fn callable(&self) -> Vec<String> {
        let callable = tools::callable(&self.app).await.expect("list");
        callable.into_iter().map(|(name, _)| name).collect()
    }
}

/// Adds a tool that was approved.
pub(crate) async fn live(db: &impl Connection, server_id: Uuid, name: &str) -> Tool {
    let now = app::clock::now();
    let tool = Tool {
        id: Uuid::now_v7(),
        server_id,
        name: name.to_owned(),
        description: String::new(),
        enabled: true,
        live_revision: None,
        quarantine: None,
        created_at: now,
        updated_at: now,
    };
    let mut approved = revision(&tool);
    approved.state = tools::State::Approved;
    approved.digest = tools::digest_of(&approved);
    store::tools::insert(db, &tool).await.expect("insert a tool");
    store::revisions::insert(db, &approved).await.expect("insert a revision");
    let set = store::tools::set_live(db, tool.id, None, Some(approved.id), now).await;
    assert!(set.expect("set live"));
    Tool { live_revision: Some(approved.id), ..tool }
}

#[test]
fn a_renamed_servers_tools_are_called_by_their_new_name_at_once() {
    on_both(async |world| {
        let store = world.store().await;
        live(&store, world.servers[0], "now").await;
        servers::start(&world.app, &model(), world.servers[0]).await.expect("started");
        assert!(world.finds("weather__now").await);
        let mut moved = world.app.changes();
        moved.mark_unchanged();
        let renamed = world.change(Changes { name: Some("sky".to_owned()), ..changes() }).await;
        assert_eq!(renamed.expect("renamed").name, "sky");
        assert!(world.finds("sky__now").await && !world.finds("weather__now").await);
        assert_eq!(world.callable().await, ["sky__now"]);
        moved.changed().await.expect("clients are told");

        for (name, part) in
            [("home", "exists"), ("Bad Name", "lower-case"), ("mcpbox_x", "reserved")]
        {
            let refused = world.change(Changes { name: Some(name.to_owned()), ..changes() }).await;
            let refused = refused.expect_err(name).to_string();
            assert!(refused.contains(part), "{name}: {refused}");
            assert!(world.finds("sky__now").await, "nothing of it was done");
        }
        let nobody = servers::update(&world.app, &world.admin, Uuid::now_v7(), changes()).await;
        assert!(matches!(nobody, Err(Error::NotFound { what: "Server", .. })), "{nobody:?}");
        let nothing = world.change(changes()).await.expect_err("nothing to change");
        assert!(nothing.to_string().contains("no fields to update"), "{nothing}");
        let audited = world.audited_of(world.servers[0]).await;
        assert_eq!(audited, ["server.started by claude", "server.updated by grace"]);
    });
}

#[test]
fn a_change_of_what_somebody_else_changed_is_refused_with_what_that_was() {
    on_both(async |world| {
        let seen = servers::get(&world.app, world.servers[0]).await.expect("read").server;
        let change = async |text: &str, expected| {
            let description = Some(text.to_owned());
            let expected_updated_at = Some(expected);
            world.change(Changes { description, expected_updated_at, ..changes() }).await
        };
        let first = change("mine", seen.updated_at).await.expect("as it was seen");
        let late = change("theirs", seen.updated_at).await.expect_err("another one now");
        assert!(matches!(late, Error::Conflict(_)), "{late}");
        for part in ["description by grace", "weather", "look at it again"] {
            assert!(late.to_string().contains(part), "{part}: {late}");
        }
        let same = change("mine", first.updated_at).await.expect("nothing differs");
        assert_eq!(same.updated_at, first.updated_at);
        change("theirs", first.updated_at).await.expect("as it was seen again");
        let now = servers::get(&world.app, world.servers[0]).await.expect("read").server;
        assert_eq!(now.description, "theirs");
        servers::stop(&world.app, &model(), now.id).await.expect("stopped");
        let stopped = change("mine", now.updated_at).await.expect_err("stopped since");
        assert!(stopped.to_string().contains("status by claude"), "{stopped}");
    });
}

#[test]
fn of_concurrent_changes_each_is_done_or_refused() {
    on_both(async |world| {
        let world = Arc::new(world);
        let tasks = (0..8).map(|number| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let name = Some(format!("sky_{number}"));
                world.change(Changes { name, ..changes() }).await
            })
        });
        let mut done = 0;
        for task in tasks.collect::<Vec<_>>() {
            match task.await.expect("no panic") {
                Ok(_) => done += 1,
                Err(Error::Conflict(_) | Error::Busy { .. }) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert!(done >= 1);
        let audited = world.audited_of(world.servers[0]).await;
        assert_eq!(audited.len(), done, "each change that was done is on record");
    });
}

#[test]
fn a_server_starts_anew_from_every_status_if_it_has_something_to_run() {
    on_both(async |world| {
        let id = world.servers[0];
        let restart = async || servers::restart(&world.app, &model(), id).await;
        let empty = restart().await.expect_err("nothing is approved");
        assert!(empty.to_string().contains("no approved and enabled tool"), "{empty}");
        let store = world.store().await;
        live(&store, id, "now").await;
        for from in [Status::Imported, Status::Running, Status::Stopped, Status::Error] {
            let all = [Status::Imported, Status::Running, Status::Stopped, Status::Error];
            let now = app::clock::now();
            store::servers::set_status(&store, id, &all, from, now).await.expect("set");
            let before = store::changes::counter(&store).await.expect("read");
            let started = restart().await.expect("started");
            assert_eq!((started.server.status, started.registered_tools), (Status::Running, 1));
            assert_eq!(started.already_running, from == Status::Running);
            assert!(store::changes::counter(&store).await.expect("read") > before, "{from}");
            assert!(world.finds("weather__now").await);
        }
    });
}

#[test]
fn two_thousand_tools_of_one_server_are_all_there_and_go_together() {
    on_both(async |world| {
        const COUNT: usize = 2_000;
        let id = world.servers[0];
        let store = world.store().await;
        let transaction = store.begin().await.expect("begin");
        for number in 0..COUNT {
            live(&transaction, id, &format!("tool_{number:04}")).await;
        }
        transaction.commit().await.expect("commit");
        let started = servers::start(&world.app, &model(), id).await.expect("started");
        assert_eq!(started.registered_tools, COUNT as u64);

        let callable = tools::callable(&world.app).await.expect("list");
        assert_eq!(callable.len(), COUNT);
        assert_eq!(callable.first().expect("one").0, "weather__tool_0000");
        let mut read = 0;
        for page in callable.chunks(100) {
            let ids: Vec<Uuid> = page.iter().map(|(_, id)| *id).collect();
            read += tools::live_of(&world.app, &ids).await.expect("read").len();
        }
        assert_eq!(read, COUNT);
        for number in [0, COUNT / 2, COUNT - 1] {
            assert!(world.finds(&format!("weather__tool_{number:04}")).await);
        }
        assert!(!world.finds("weather__tool_2000").await);

        // One is a draft.
        let page = Page { number: 41, size: 50 };
        let last = tools::list(&world.app, id, page).await.expect("list").tools;
        assert_eq!((last.total, last.items.len()), (COUNT as u64 + 1, 1));
        assert_eq!(tools::all_of(&world.app, id).await.expect("list").len(), COUNT + 1);
        let detail = servers::get(&world.app, id).await.expect("read");
        assert_eq!((detail.tool_count, detail.ready_tools), (COUNT as u64 + 1, COUNT as u64));

        servers::delete(&world.app, &model(), id).await.expect("deleted");
        assert_eq!(world.callable().await, [""; 0]);
        assert!(!world.finds("weather__tool_0000").await);
        let gone = servers::delete(&world.app, &model(), id).await;
        assert!(matches!(gone, Err(Error::NotFound { .. })), "{gone:?}");
        let audited = world.audited_of(id).await;
        assert_eq!(audited, ["server.started by claude", "server.deleted by claude"]);
    });
}
