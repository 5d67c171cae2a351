//! Revoking what was approved, and forgetting what was asked.

use app::requests::{self, Kind, Request, State};
use app::{Error, grants};
use uuid::Uuid;

use crate::with::{World, model, on_both};

impl World {
    async fn revoke(&self, request: &Request) -> app::Result<requests::Revoked> {
        requests::revoke(&self.app, &self.admin, request.kind, request.id).await
    }

    async fn forget(&self, request: &Request) -> app::Result<Request> {
        requests::delete(&self.app, &self.admin, request.kind, request.id).await
    }
}

#[test]
fn a_revoked_request_waits_again_and_what_it_gave_is_gone() {
    on_both(async |world| {
        let asked = world.host("a.example", None).await.expect("filed").request;
        let early = world.revoke(&asked).await.expect_err("it is not approved");
        assert!(matches!(early, Error::Conflict(_)), "{early}");
        world.approve(&asked).await.expect("approved");
        let store = world.store().await;
        let before = store::changes::counter(&store).await.expect("read");
        let revoked = world.revoke(&asked).await.expect("revoked");
        assert_eq!((revoked.request.state, revoked.still_allowed_by), (State::Pending, None));
        assert!(revoked.request.reviewed_by.is_none());
        assert_eq!(world.granted().await.1, [""; 0]);
        assert!(store::changes::counter(&store).await.expect("read") > before, "calls are told");
        world.reject(&asked, "not now").await.expect("it waits, so it can be rejected");
        let audited = world.audited_of(asked.id).await;
        let last: Vec<&str> = audited.iter().rev().take(2).map(String::as_str).collect();
        assert_eq!(last, ["request.rejected by grace", "request.revoked by grace"]);
        let history = world.history().await;
        assert!(history.iter().any(|(action, _, who)| action == "revoked" && who == "grace"));

        let module = world.module("sched").await.expect("filed").request;
        world.approve(&module).await.expect("approved");
        world.revoke(&module).await.expect("revoked");
        assert_eq!(world.granted().await.0, [""; 0]);
        let wrong = requests::revoke(&world.app, &world.admin, Kind::Host, module.id).await;
        assert!(matches!(wrong, Err(Error::NotFound { .. })), "a module is no host: {wrong:?}");
        let nobody = requests::revoke(&world.app, &world.admin, Kind::Host, Uuid::now_v7()).await;
        assert!(matches!(nobody, Err(Error::NotFound { .. })), "{nobody:?}");
    });
}

#[test]
fn what_somebody_else_gave_as_well_stays() {
    on_both(async |world| {
        let (first, second) = (world.tools[0], world.tools[1]);
        let ask = async |tool| {
            let filed = requests::file_module(&world.app, &model(), tool, "sched", "runs").await;
            filed.expect("filed").request
        };
        let (mine, theirs) = (ask(first).await, ask(second).await);
        world.approve(&mine).await.expect("approved, and the other with it");
        let revoked = world.revoke(&mine).await.expect("revoked");
        assert_eq!(revoked.still_allowed_by.as_deref(), Some("sched"));
        assert_eq!(world.granted().await.0, ["sched"], "the other tool's request gives it");
        world.revoke(&theirs).await.expect("revoked");
        assert_eq!(world.granted().await.0, [""; 0]);

        let asked = world.host("a.example", None).await.expect("filed").request;
        world.approve(&asked).await.expect("approved");
        let add = grants::add_host(&world.app, &world.admin, world.servers[0], "a.example", None);
        add.await.expect("a person allows it as well");
        let revoked = world.revoke(&asked).await.expect("revoked");
        assert_eq!(revoked.still_allowed_by.as_deref(), Some("a.example"));
        assert_eq!(world.granted().await.1, ["a.example"]);
    });
}

#[test]
fn what_a_wider_grant_had_swallowed_is_given_again_unless_a_person_took_it() {
    on_both(async |world| {
        let port = world.host("a.example", Some(80)).await.expect("filed").request;
        let taken = world.host("a.example", Some(81)).await.expect("filed").request;
        world.approve(&port).await.expect("approved");
        world.approve(&taken).await.expect("approved");
        let remove =
            grants::remove_host(&world.app, &world.admin, world.servers[0], "a.example:81");
        remove.await.expect("taken away");
        let wide = world.host("a.example", None).await.expect("filed").request;
        world.approve(&wide).await.expect("approved");
        assert_eq!(world.granted().await.1, ["a.example"]);
        world.revoke(&wide).await.expect("revoked");
        assert_eq!(world.granted().await.1, ["a.example:80"]);
        let gone = world.revoke(&taken).await.expect("it gives nothing any more");
        assert_eq!(gone.still_allowed_by, None);
        assert_eq!(world.granted().await.1, ["a.example:80"]);
    });
}

#[test]
fn a_tool_that_asks_once_more_keeps_the_new_request_alone() {
    on_both(async |world| {
        let asked = world.host("a.example", None).await.expect("filed").request;
        world.approve(&asked).await.expect("approved");
        let server = world.servers[0];
        let remove = grants::remove_host(&world.app, &world.admin, server, "a.example");
        remove.await.expect("taken away");
        let again = world.host("a.example", None).await.expect("filed once more").request;
        assert_ne!(asked.id, again.id);
        let refused = world.revoke(&asked).await.expect_err("it would wait twice");
        assert!(matches!(&refused, Error::Conflict(text) if text.contains("once more")));
        world.forget(&again).await.expect("deleted");
        world.revoke(&asked).await.expect("now it can wait");
    });
}

#[test]
fn a_rejected_request_stands_until_it_is_deleted() {
    on_both(async |world| {
        let asked = world.module("sched").await.expect("filed").request;
        world.reject(&asked, "use asyncio").await.expect("rejected");
        world.module("sched").await.expect_err("it was rejected");
        world.forget(&asked).await.expect("deleted");
        let again = world.module("sched").await.expect("it can be asked for again").request;
        assert_ne!(again.id, asked.id);
        let twice = world.forget(&asked).await.expect_err("gone");
        assert!(matches!(twice, Error::NotFound { .. }), "{twice}");
        world.approve(&again).await.expect("approved");
        let approved = world.forget(&again).await.expect_err("it is approved");
        assert!(
            matches!(&approved, Error::Conflict(text) if text.contains("revoke")),
            "{approved}"
        );
        assert_eq!(world.granted().await.0, ["sched"]);
        assert_eq!(
            world.audited_of(asked.id).await.last().expect("one"),
            "request.deleted by grace"
        );
    });
}
