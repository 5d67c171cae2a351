//! The states of a tool under random sequences of actions: nothing runs that was not approved.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use app::approvals::{self, Action as Decide, Decision};
use app::conversation::Silent;
use app::identity::{Admin, Caller, Scopes, Who};
use app::policy;
use app::servers::Status;
use app::tools::{self, Changes, New, State};
use app::{App, Error, Location, accounts, calls, servers};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Map;
use throwaway_postgres::Database;
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::sandboxed;

/// How many sequences are tried on each database; `cargo xtask sequences` sets more.
const SEQUENCES: &str = "MCPBOX_SEQUENCES";

/// Something that a model or a person does.
#[derive(Debug, Clone)]
enum Act {
    Code(u8),
    Describe(bool),
    Limit(u8),
    Enable(bool),
    Publish,
    Approve(Seen),
    Reject,
    Revoke(bool),
    Rollback(u8),
    Start,
    Stop,
    DefaultLimit(u8),
    AutoApprove(bool),
}

/// The digest that a person sends with an approval.
#[derive(Debug, Clone)]
enum Seen {
    Newest,
    Stale,
    Nothing,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0..3_u8).prop_map(Act::Code),
        1 => any::<bool>().prop_map(Act::Describe),
        1 => (0..3_u8).prop_map(Act::Limit),
        1 => any::<bool>().prop_map(Act::Enable),
        3 => Just(Act::Publish),
        3 => prop_oneof![3 => Just(Seen::Newest), 1 => Just(Seen::Stale), 1 => Just(Seen::Nothing)]
            .prop_map(Act::Approve),
        1 => Just(Act::Reject),
        1 => any::<bool>().prop_map(Act::Revoke),
        3 => (1..6_u8).prop_map(Act::Rollback),
        1 => Just(Act::Start),
        1 => Just(Act::Stop),
        1 => (0..3_u8).prop_map(Act::DefaultLimit),
        1 => any::<bool>().prop_map(Act::AutoApprove),
    ]
}

/// What must be so, as far as it follows from what was done.
struct World {
    app: App,
    admin: Admin,
    server_id: Uuid,
    tool_id: Uuid,
    public_name: String,
    /// The last decision about each digest: whether it was to approve it.
    decisions: HashMap<String, bool>,
    /// The digest that clients run.
    live: Option<String>,
    auto: bool,
}

#[test]
fn nothing_runs_that_was_not_approved_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    sequences(folder.path(), &Location::Sqlite(folder.path().join("mcpbox.db")));
}

#[test]
fn nothing_runs_that_was_not_approved_on_postgresql() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::create().expect("a database");
    sequences(folder.path(), &Location::Postgres(database.url().to_owned()));
}

#[test]
fn what_clients_call_is_not_rejected_under_another_number() {
    let folder = tempfile::tempdir().expect("a folder");
    let location = Location::Sqlite(folder.path().join("mcpbox.db"));
    Runtime::new().expect("a runtime").block_on(async {
        let app = Box::pin(sandboxed::open(folder.path(), &location)).await;
        let admin = accounts::setup(&app, "grace", "a long enough password").await;
        let admin = admin.expect("the account is made");
        let mut world = Box::pin(World::new(&app, &admin, "same")).await;
        let approved = [Act::Code(1), Act::Publish, Act::Approve(Seen::Newest)];
        let again = [Act::Code(0), Act::Code(1), Act::Publish];
        for act in approved.iter().chain(&again) {
            world.act(act).await;
            world.check(act).await;
        }
        let reject = async |reason: &str| {
            let reason = Some(reason.to_owned());
            let decision = Decision { action: Decide::Reject, digest: None, reason };
            approvals::decide(&app, &admin, world.tool_id, decision).await
        };
        let refused = reject("no").await.expect_err("it runs");
        assert!(refused.to_string().contains("the same as version"), "{refused}");
        approvals::revoke(&app, &admin, world.tool_id, None, None).await.expect("revoked");
        reject("no").await.expect("nobody calls it any more");
        app.close().await;
    });
}

fn sequences(folder: &Path, location: &Location) {
    let runtime = Runtime::new().expect("a runtime");
    let (app, admin) = runtime.block_on(async {
        let app = Box::pin(sandboxed::open(folder, location)).await;
        let admin = accounts::setup(&app, "grace", "a long enough password").await;
        (app, admin.expect("the account is made"))
    });
    let cases = std::env::var(SEQUENCES).ok().and_then(|text| text.parse().ok()).unwrap_or(500);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let sequence = prop::collection::vec(act(), 1..14);
    let number = std::cell::Cell::new(0);
    let outcome = TestRunner::new(config).run(&sequence, |acts| {
        number.set(number.get() + 1);
        let name = format!("s{}", number.get());
        runtime.block_on(async {
            let mut world = Box::pin(World::new(&app, &admin, &name)).await;
            for act in &acts {
                world.act(act).await;
                world.check(act).await;
            }
            servers::delete(&app, &Who::from(admin.clone()), world.server_id)
                .await
                .expect("deleted");
        });
        Ok(())
    });
    runtime.block_on(app.close());
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

fn caller() -> Caller {
    Caller { token: Some("claude".to_owned()), client: None, address: None, scopes: Scopes::ALL }
}

fn code(variant: u8) -> String {
    format!("async def main() -> int:\n    return {variant}\n")
}

impl World {
    async fn new(app: &App, admin: &Admin, name: &str) -> Self {
        let who = Who::from(caller());
        let server = servers::create(app, &who, name, "").await.expect("a server");
        let new = New {
            server_id: server.id,
            name: "tool".to_owned(),
            python_code: code(0),
            ..New::default()
        };
        let (tool, _) = tools::create(app, &who, new).await.expect("a tool");
        let mut world = Self {
            app: app.clone(),
            admin: admin.clone(),
            server_id: server.id,
            tool_id: tool.id,
            public_name: format!("{name}__tool"),
            decisions: HashMap::new(),
            live: None,
            auto: true,
        };
        world.act(&Act::AutoApprove(false)).await;
        world
    }

    async fn act(&mut self, act: &Act) {
        let (app, admin, id) = (self.app.clone(), self.admin.clone(), self.tool_id);
        let who = Who::from(caller());
        let newest = tools::get(&app, id).await.expect("the tool").newest;
        match act {
            Act::Code(variant) => {
                self.change(Changes { python_code: Some(code(*variant)), ..Changes::default() })
                    .await;
            }
            Act::Describe(long) => {
                let text = if *long { "Returns a number, always the same." } else { "A number." };
                let description = Some(text.to_owned());
                self.change(Changes { description, ..Changes::default() }).await;
            }
            Act::Limit(seconds) => {
                let timeout_ms = Some(2_000 + i32::from(*seconds) * 1_000);
                self.change(Changes { timeout_ms, ..Changes::default() }).await;
            }
            Act::Enable(on) => {
                self.change(Changes { enabled: Some(*on), ..Changes::default() }).await;
            }
            Act::Publish => {
                let filed = approvals::request_publish(&app, &who, id, None).await;
                if let Some(filed) = expected(filed) {
                    let approved = filed.revision.state == State::Approved;
                    assert_eq!(approved, self.auto && !filed.already_pending);
                    if approved {
                        self.approved(&filed.revision.digest);
                    }
                }
            }
            Act::Approve(seen) => {
                let digest = match seen {
                    Seen::Newest => Some(newest.digest.clone()),
                    Seen::Stale => Some("0".repeat(64)),
                    Seen::Nothing => None,
                };
                let decision = Decision { action: Decide::Approve, digest, reason: None };
                if let Some(decided) = expected(approvals::decide(&app, &admin, id, decision).await)
                {
                    assert!(!matches!(seen, Seen::Stale), "approved what nobody saw");
                    assert_eq!(decided.revision.digest, newest.digest);
                    self.approved(&newest.digest);
                }
            }
            Act::Reject => self.reject(newest.digest).await,
            Act::Revoke(stale) => self.revoke(*stale).await,
            Act::Rollback(back) => {
                let version = newest.number - i32::from(*back);
                if let Some(done) = expected(approvals::rollback(&app, &who, id, version).await) {
                    let approved = self.decisions.get(&done.revision.digest) == Some(&true);
                    let was = approved && self.live.is_some();
                    assert_eq!(done.approved, was, "the last decision about this digest counts");
                    if done.approved {
                        self.approved(&done.revision.digest);
                    }
                }
            }
            Act::Start => {
                expected(servers::start(&app, &who, self.server_id).await);
            }
            Act::Stop => {
                expected(servers::stop(&app, &who, self.server_id).await);
            }
            Act::DefaultLimit(seconds) => self.default_limit(*seconds).await,
            Act::AutoApprove(on) => {
                let value = if *on { "auto_approve" } else { "require_approval" };
                let change = Map::from_iter([("tool_approval_mode".to_owned(), value.into())]);
                policy::change(&app, &admin, &change, None).await.expect("the policy changes");
                self.auto = *on;
            }
        }
    }

    async fn reject(&mut self, digest: String) {
        let decision = Decision {
            action: Decide::Reject,
            digest: Some(digest.clone()),
            reason: Some("no".to_owned()),
        };
        let done = approvals::decide(&self.app, &self.admin, self.tool_id, decision).await;
        if expected(done).is_some() {
            self.decisions.insert(digest, false);
        }
    }

    async fn revoke(&mut self, stale: bool) {
        let digest = stale.then(|| "0".repeat(64));
        let (app, admin) = (&self.app, &self.admin);
        let done = approvals::revoke(app, admin, self.tool_id, digest.as_deref(), None).await;
        if let Some(done) = expected(done) {
            assert!(!stale, "revoked what nobody saw");
            assert_eq!(Some(&done.revision.digest), self.live.as_ref());
            self.decisions.insert(done.revision.digest, false);
            self.live = None;
        }
    }

    async fn change(&self, changes: Changes) {
        expected(tools::update(&self.app, &Who::from(caller()), self.tool_id, changes).await);
    }

    /// A shorter default is approved with it where the live revision follows the default.
    async fn default_limit(&mut self, seconds: u8) {
        let limit = 10_000 + i32::from(seconds) * 10_000;
        let before = tools::get(&self.app, self.tool_id).await.expect("the tool");
        // An older revision that is live again may have another limit than the default.
        let is_change = before.server.default_timeout_ms != limit;
        let before = before.live;
        let changes =
            servers::Changes { default_timeout_ms: Some(limit), ..servers::Changes::default() };
        servers::update(&self.app, &self.admin, self.server_id, changes).await.expect("updated");
        let after = tools::get(&self.app, self.tool_id).await.expect("the tool").live;
        let (Some(before), Some(after)) = (before, after) else { return };
        let follows = is_change && before.timeout_inherited;
        let shorter = follows && Some(limit) < before.timeout_ms;
        assert_eq!(before.digest != after.digest, shorter);
        if shorter {
            assert_eq!(after.timeout_ms, Some(limit));
            assert_eq!(after.python_code, before.python_code);
            self.approved(&after.digest);
        }
    }

    fn approved(&mut self, digest: &str) {
        self.decisions.insert(digest.to_owned(), true);
        self.live = Some(digest.to_owned());
    }

    /// What clients get now is what was approved last, or nothing.
    async fn check(&self, act: &Act) {
        let detail = tools::get(&self.app, self.tool_id).await.expect("the tool");
        let digest = detail.live.as_ref().map(|live| live.digest.clone());
        assert_eq!(digest, self.live, "after {act:?}");
        let callable =
            detail.tool.enabled && detail.server.status == Status::Running && self.live.is_some();
        let listed = tools::callable(&self.app).await.expect("the list");
        let listed = listed.iter().any(|(_, tool)| *tool == self.tool_id);
        assert_eq!(listed, callable, "after {act:?}");
        let answer =
            calls::run(&self.app, &caller(), &self.public_name, Map::new(), Arc::new(Silent)).await;
        if !callable {
            assert!(matches!(answer, Err(Error::NotFound { .. })), "after {act:?}: {answer:?}");
            return;
        }
        let report = answer.unwrap_or_else(|error| panic!("after {act:?}: {error}"));
        let call = calls::find(&self.app, report.call_id).await.expect("its row");
        assert_eq!(Some(&call.digest), self.live.as_ref(), "after {act:?}");
        assert_eq!(self.decisions.get(&call.digest), Some(&true), "after {act:?}");
        let live = detail.live.expect("it is callable");
        let returned = report.outcome.expect("it returns");
        assert!(live.python_code.ends_with(&format!("return {returned}\n")), "{returned}");
    }
}

/// The result of an action that may be refused, but only for a reason.
fn expected<T>(outcome: app::Result<T>) -> Option<T> {
    match outcome {
        Ok(done) => Some(done),
        Err(Error::Conflict(_) | Error::NotFound { .. } | Error::Invalid { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}
