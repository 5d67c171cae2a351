//! The names that clients see: prefixes, and that no two tools share one.

use app::approvals::{self, Action, Decision};
use app::servers::{self, Changes};
use app::{Error, tools};
use uuid::Uuid;

use crate::servers::{changes, live};
use crate::with::{World, model, on_both};

impl World {
    async fn prefix(&self, server: usize, prefix: Option<&str>) -> app::Result<servers::Server> {
        let tool_prefix = Some(prefix.map(str::to_owned));
        let changes = Changes { tool_prefix, ..changes() };
        servers::update(&self.app, &self.admin, self.servers[server], changes).await
    }

    async fn approve_newest(&self, tool_id: Uuid) -> app::Result<approvals::Decided> {
        let digest = Some(tools::get(&self.app, tool_id).await.expect("read").newest.digest);
        let decision = Decision { action: Action::Approve, digest, reason: None };
        approvals::decide(&self.app, &self.admin, tool_id, decision).await
    }
}

#[test]
fn clients_see_a_tool_under_the_prefix_of_its_server() {
    on_both(async |world| {
        let store = world.store().await;
        live(&store, world.servers[0], "now").await;
        servers::start(&world.app, &model(), world.servers[0]).await.expect("started");
        for (prefix, public) in
            [(Some("Sky-1"), "Sky-1__now"), (Some(""), "now"), (None, "weather__now")]
        {
            world.prefix(0, prefix).await.expect(public);
            assert_eq!(world.callable().await, [public]);
            assert!(world.finds(public).await, "{public}");
            let named = tools::named(&world.app, public).await.expect("read").expect("a tool");
            let shown = servers::public_name(&named.server, &named.newest.name);
            assert_eq!(shown, public);
        }
        assert!(!world.finds("now").await && !world.finds("Sky-1__now").await);
        assert!(!world.finds("now\0").await && !world.finds("").await);
    });
}

#[test]
fn a_prefix_that_cannot_be_used_or_is_taken_is_refused() {
    on_both(async |world| {
        for wrong in ["a__b", "a_", "mcpbox", "mcpbox_x", "a b", "a\0", "ä", &"x".repeat(60)] {
            let refused = world.prefix(0, Some(wrong)).await.expect_err(wrong);
            let is_field = matches!(refused, Error::Invalid { field: "tool_prefix", .. });
            assert!(is_field, "{wrong}: {refused}");
        }
        let taken = world.prefix(0, Some("home")).await.expect_err("another server's name");
        assert!(matches!(&taken, Error::Conflict(text) if text.contains("`home`")), "{taken}");
        world.prefix(1, Some("house")).await.expect("the name is another one's prefix no more");
        world.prefix(0, Some("home")).await.expect("so it is free");
        let back = world.prefix(1, None).await.expect_err("taken meanwhile");
        assert!(matches!(back, Error::Conflict(_)), "{back}");
        let made = servers::create(&world.app, &model(), "house", "").await;
        assert!(matches!(made, Err(Error::Conflict(_))), "a prefix is taken: {made:?}");
        servers::create(&world.app, &model(), "cabin", "").await.expect("a free name");
        world.prefix(0, Some("")).await.expect("no prefix");
        world.prefix(1, Some("")).await.expect("any number of servers may have none");
    });
}

#[test]
fn what_would_give_two_tools_one_name_is_refused_from_both_sides() {
    on_both(async |world| {
        let store = world.store().await;
        let [weather, home] = world.servers;
        live(&store, weather, "now").await;
        live(&store, home, "weather__now").await;
        let refused = world.prefix(1, Some("")).await.expect_err("the name would be taken");
        assert!(matches!(&refused, Error::Conflict(text) if text.contains("weather__now")));
        world.prefix(0, Some("sky")).await.expect("another name");
        world.prefix(1, Some("")).await.expect("free now");
        let refused = world.prefix(0, None).await.expect_err("taken meanwhile");
        assert!(refused.to_string().contains("weather__now"), "{refused}");
        let rename = Changes { name: Some("clouds".to_owned()), ..changes() };
        world.change(rename).await.expect("the prefix stays what was set");
        assert_eq!(servers::get(&world.app, weather).await.expect("read").server.prefix(), "sky");

        // At the approval, too: of the drafts `look` that both servers have, one may be live.
        world.prefix(0, Some("")).await.expect("no prefix");
        world.approve_newest(world.tools[0]).await.expect("the first");
        let second = world.approve_newest(world.tools[1]).await.expect_err("the same name");
        assert!(second.to_string().contains("called `look`"), "{second}");
        let standing = tools::get(&world.app, world.tools[1]).await.expect("read");
        assert!(standing.live.is_none(), "nothing of it was done");
        world.prefix(0, Some("sky")).await.expect("another name");
        world.approve_newest(world.tools[1]).await.expect("free now");
    });
}

#[test]
fn a_name_that_would_be_too_long_or_one_of_mcpboxs_own_is_refused_with_the_tool() {
    on_both(async |world| {
        let store = world.store().await;
        let long = "x".repeat(50);
        live(&store, world.servers[0], &long).await;
        live(&store, world.servers[1], "mcpbox_now").await;
        let rename = Changes { name: Some("a_longer_name".to_owned()), ..changes() };
        let refused = world.change(rename).await.expect_err("65 characters");
        assert!(refused.to_string().contains(&long), "{refused}");
        let refused = world.prefix(0, Some("thirteen_long")).await.expect_err("65 characters");
        assert!(matches!(refused, Error::Invalid { field: "tool_prefix", .. }), "{refused}");
        world.prefix(0, Some("twelve_chars")).await.expect("64 characters");
        let refused = world.prefix(1, Some("")).await.expect_err("it would be one of ours");
        assert!(refused.to_string().contains("mcpbox_now"), "{refused}");
        world.prefix(1, Some("house")).await.expect("behind a prefix it is none");
    });
}

#[test]
fn of_servers_that_want_one_prefix_at_once_one_has_it() {
    on_both(async |world| {
        let (first, second) =
            tokio::join!(world.prefix(0, Some("sky")), world.prefix(1, Some("sky")));
        let won = [first.is_ok(), second.is_ok()];
        assert_eq!(won.iter().filter(|won| **won).count(), 1, "{first:?} {second:?}");
        for refused in [first, second].into_iter().filter_map(Result::err) {
            let told = matches!(refused, Error::Conflict(_) | Error::Busy { .. });
            assert!(told, "{refused}");
        }
    });
}
