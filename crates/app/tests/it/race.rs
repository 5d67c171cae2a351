//! Approvals against edits on PostgreSQL: what clients ran is read from the execution log.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use app::approvals::{self, Action, Decision};
use app::conversation::Silent;
use app::identity::{Caller, Scopes, Who};
use app::tools::{self, Changes, New};
use app::{App, Error, Location, Page, accounts, calls, servers};
use serde_json::Map;
use throwaway_postgres::Database;
use uuid::Uuid;

use crate::sandboxed;

const ROUNDS: usize = 1_000;

fn caller() -> Caller {
    Caller { token: Some("claude".to_owned()), client: None, address: None, scopes: Scopes::ALL }
}

fn code(round: usize) -> String {
    format!("async def main() -> int:\n    return {round}\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_approvals_against_a_thousand_edits_run_nothing_unapproved() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::create().expect("a database");
    let location = Location::Postgres(database.url().to_owned());
    let app = Box::pin(sandboxed::open(folder.path(), &location)).await;
    let admin = accounts::setup(&app, "grace", "a long enough password").await.expect("made");
    let who = Who::from(caller());
    let server = servers::create(&app, &who, "race", "").await.expect("a server");
    let new = New {
        server_id: server.id,
        name: "tool".to_owned(),
        python_code: code(0),
        ..New::default()
    };
    let id = tools::create(&app, &who, new).await.expect("a tool").0.id;
    let done = Arc::new(AtomicBool::new(false));
    let editing = tokio::spawn(edit(app.clone(), id));
    let calling = tokio::spawn(call(app.clone(), Arc::clone(&done)));
    let mut approved = 0;
    let mut late = 0;
    for _ in 0..ROUNDS {
        let seen = tools::get(&app, id).await.expect("the tool").newest.digest;
        // Somebody reads it, and meanwhile it may change.
        tokio::task::yield_now().await;
        let decision =
            Decision { action: Action::Approve, digest: Some(seen.clone()), reason: None };
        match approvals::decide(&app, &admin, id, decision).await {
            Ok(decided) => {
                assert_eq!(decided.revision.digest, seen);
                approved += 1;
            }
            Err(Error::Conflict(_)) => late += 1,
            Err(error) => panic!("{error}"),
        }
    }
    let edits = editing.await.expect("the editor ends");
    done.store(true, Ordering::Relaxed);
    let ran = calling.await.expect("the caller ends");
    assert!(approved > 0 && late > 0 && ran > 0, "{approved} approved, {late} late, {ran} ran");
    assert_eq!(edits, ROUNDS);

    let history = approvals::history(&app, id).await.expect("the history");
    let approved: HashSet<String> =
        history.into_iter().filter(|row| row.action == "approved").map(|row| row.digest).collect();
    let mut rows = 0;
    for number in 1.. {
        let page = Page { number, size: 500 };
        let listed = calls::logs(&app, &calls::Filter::default(), page).await.expect("the log");
        for row in &listed.items {
            assert!(approved.contains(&row.digest), "ran without approval: {row:?}");
        }
        rows += listed.items.len();
        if listed.items.is_empty() {
            break;
        }
    }
    assert_eq!(rows, ran, "each run is in the log");
    app.close().await;
}

/// Edits the tool; how often it was changed.
async fn edit(app: App, id: Uuid) -> usize {
    let who = Who::from(caller());
    let mut changed = 0;
    let mut round = 0;
    while changed < ROUNDS {
        round += 1;
        let changes = Changes { python_code: Some(code(round)), ..Changes::default() };
        match tools::update(&app, &who, id, changes).await {
            Ok(_) => changed += 1,
            Err(Error::Conflict(_) | Error::Busy { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    changed
}

/// Calls the tool until the others are done; how many calls ran.
async fn call(app: App, done: Arc<AtomicBool>) -> usize {
    let mut ran = 0;
    while !done.load(Ordering::Relaxed) {
        match calls::run(&app, &caller(), "race__tool", Map::new(), Arc::new(Silent)).await {
            Ok(_) => ran += 1,
            Err(Error::NotFound { .. } | Error::Busy { .. }) => {
                tokio::task::yield_now().await;
            }
            Err(error) => panic!("{error}"),
        }
    }
    ran
}
