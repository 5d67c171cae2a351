//! The audit log: what is written into it, and that nothing of it can be altered unseen.

use std::net::IpAddr;

use app::audit::{self, Filter};
use app::requests::Decision;
use app::tokens::{self, New};
use app::{Page, accounts, grants, requests};
use throwaway_postgres::Database;
use tokio::task::JoinSet;

use crate::with::{World, on_both, on_postgres};

const PASSWORD: &str = "a long enough password";

fn token(name: &str) -> New {
    New { name: name.to_owned(), call: true, author: false, expires_in_days: None }
}

#[test]
fn decisions_grants_sign_ins_and_tokens_are_written_down_with_who_and_from_where() {
    on_both(async |world| {
        let app = &world.app;
        let from = IpAddr::from([192, 0, 2, 7]);
        let here = accounts::sign_in(app, "grace", PASSWORD, Some(from)).await.expect("signed in");
        let wrong = accounts::sign_in(app, "grace", "not the password", Some(from)).await;
        wrong.expect_err("refused");
        let wrong = accounts::sign_in(app, "my secret\0", PASSWORD, Some(from)).await;
        wrong.expect_err("refused");
        let session = accounts::open_page_session(app, &here).await.expect("a session");
        accounts::close_session(app, &here, &session.value).await.expect("closed");
        accounts::close_session(app, &here, &session.value).await.expect("it is closed");
        let (made, _) = tokens::create(app, &here, token("laptop")).await.expect("made");
        tokens::create_by(app, "command line", token("laptop")).await.expect_err("taken");
        tokens::revoke_by(app, "command line", made.id).await.expect("revoked");
        let host = world.host("a.example", None).await.expect("filed").request;
        let module = world.module("sched").await.expect("filed").request;
        let no = Decision::Reject("use asyncio");
        requests::decide(app, &here, host.kind, host.id, Decision::Approve).await.expect("yes");
        requests::decide(app, &here, module.kind, module.id, no).await.expect("no");
        grants::remove_host(app, &here, world.servers[0], "a.example").await.expect("removed");
        requests::revoke(app, &here, host.kind, host.id).await.expect("revoked");
        requests::delete(app, &here, host.kind, host.id).await.expect("deleted");
        let new = "another long password";
        accounts::change_password(app, &here, PASSWORD, new).await.expect("changed");

        let written = world.audited().await;
        let expected = [
            ("account.created", "grace"),
            ("account.signed_in", "grace"),
            ("account.sign_in_failed", "grace"),
            ("account.sign_in_failed", ""),
            ("account.signed_out", "grace"),
            ("token.created", "laptop"),
            ("token.revoked", "laptop"),
            ("request.filed", "a.example"),
            ("request.filed", "sched"),
            ("request.approved", "a.example"),
            ("grant.added", "a.example"),
            ("request.rejected", "sched"),
            ("grant.removed", "a.example"),
            ("request.revoked", "a.example"),
            ("request.deleted", "a.example"),
            ("account.password_changed", "grace"),
        ];
        let written: Vec<_> = written.iter().map(|(a, s)| (a.as_str(), s.as_str())).collect();
        assert_eq!(written, expected);

        let page = Page { number: 1, size: 100 };
        let list = async |action: Option<&str>, actor: Option<&str>| {
            let (action, actor) = (action.map(str::to_owned), actor.map(str::to_owned));
            let filter = Filter { action, actor, subject_id: None };
            audit::list(app, &filter, page).await.expect("list").items
        };
        let removed = list(Some("grant.removed"), None).await;
        assert_eq!(removed[0].detail.0["server"], "weather");
        assert_eq!(
            (&*removed[0].actor, removed[0].address.as_deref()),
            ("grace", Some("192.0.2.7"))
        );
        assert_eq!(list(Some("token"), None).await.len(), 2, "a word is a kind");
        assert_eq!(list(Some("token"), Some("command line")).await[0].action, "token.revoked");
        assert_eq!(list(None, Some("claude")).await.len(), 2, "what a model filed");
        assert_eq!(list(Some("tok\0en"), None).await.len(), 0);
        let report = audit::verify(app, None).await.expect("walked");
        assert_eq!((report.rows, report.broken), (16, None));
    });
}

#[test]
fn two_hundred_at_once_make_one_chain() {
    on_both(async |world| {
        let other = world.another().await;
        let mut tasks = JoinSet::new();
        for number in 0..200 {
            let app = if number % 2 == 0 { world.app.clone() } else { other.clone() };
            tasks.spawn(async move {
                tokens::create_by(&app, "test", token(&format!("t{number}"))).await
            });
        }
        while let Some(made) = tasks.join_next().await {
            made.expect("it ends").expect("a token");
        }
        let report = audit::verify(&world.app, None).await.expect("walked");
        assert_eq!((report.rows, report.broken), (201, None));
    });
}

/// What verifying says after a statement that somebody else runs.
async fn broken_by(world: &World, database: &Database, statement: &str) -> Option<(i64, String)> {
    database.execute(statement).expect("the statement runs");
    let report = audit::verify(&world.app, None).await.expect("walked");
    report.broken.map(|broken| (broken.number, broken.reason))
}

#[test]
fn a_row_that_was_changed_removed_or_exchanged_behind_our_back_is_found() {
    on_postgres(async |world, database| {
        for number in 0..8 {
            tokens::create_by(&world.app, "test", token(&format!("t{number}")))
                .await
                .expect("made");
        }
        let whole = audit::verify(&world.app, None).await.expect("walked");
        assert_eq!((whole.rows, &whole.broken), (9, &None));
        let last = whole.last_hash.expect("a hash");

        // Each statement, the one that takes it back, and the first row that does not fit.
        let swap = "UPDATE audit SET number = CASE number WHEN 4 THEN -5 ELSE -4 END WHERE number IN (4, 5); UPDATE audit SET number = -number WHERE number < 0";
        for (alter, back, number) in [
            (
                "UPDATE audit SET actor = 'mallory' WHERE number = 3",
                "UPDATE audit SET actor = 'test' WHERE number = 3",
                3,
            ),
            (
                "UPDATE audit SET address = '192.0.2.1' WHERE number = 9",
                "UPDATE audit SET address = NULL WHERE number = 9",
                9,
            ),
            (
                "UPDATE audit SET at = at + interval '1 hour' WHERE number = 2",
                "UPDATE audit SET at = at - interval '1 hour' WHERE number = 2",
                2,
            ),
            (
                "UPDATE audit SET detail = '[' || detail WHERE number = 6",
                "UPDATE audit SET detail = substr(detail, 2) WHERE number = 6",
                6,
            ),
            (swap, swap, 4),
            (
                "CREATE TABLE kept AS SELECT * FROM audit WHERE number = 5; DELETE FROM audit WHERE number = 5",
                "INSERT INTO audit SELECT * FROM kept; DROP TABLE kept",
                6,
            ),
            (
                "INSERT INTO audit SELECT 0, at, actor, address, action, subject_kind, subject, subject_id, digest, detail, previous_hash, hash FROM audit WHERE number = 1",
                "DELETE FROM audit WHERE number = 0",
                0,
            ),
        ] {
            let found = broken_by(&world, database, alter).await;
            assert_eq!(found.as_ref().map(|(found, _)| *found), Some(number), "{alter}: {found:?}");
            assert_eq!(broken_by(&world, database, back).await, None, "{back}");
        }

        let tail = "DELETE FROM audit WHERE number >= 8";
        assert_eq!(broken_by(&world, database, tail).await, None, "what is left is a chain");
        let report = audit::verify(&world.app, Some(&last)).await.expect("walked");
        assert_eq!((report.rows, report.expected_found), (7, false));
        let held = report.last_hash.expect("a hash");
        tokens::create_by(&world.app, "test", token("after")).await.expect("it goes on");
        let report = audit::verify(&world.app, Some(&held)).await.expect("walked");
        assert_eq!((report.rows, report.expected_found, report.broken), (8, true, None));
    });
}
