//! Runs a test on SQLite and on PostgreSQL.

use std::future::Future;

use store::{Location, Page, Store};
use throwaway_postgres::Database;

/// The first page, longer than any list of these tests.
pub(crate) const ALL: Page = Page { number: 1, size: 100 };

/// Runs the test with an empty, open store on each database.
pub(crate) fn on_both(test: impl AsyncFn(Store)) {
    at_both(async |location| {
        let store = Store::open(&location).await.expect("open");
        test(store.clone()).await;
        store.close().await;
    });
}

/// Runs the test with the place of an empty database of each kind.
pub(crate) fn at_both(test: impl AsyncFn(Location)) {
    at_sqlite(&test);
    at_postgres(async |location, _| test(location).await);
}

/// Runs the test with the place of an empty SQLite database.
pub(crate) fn at_sqlite(test: impl AsyncFn(Location)) {
    let folder = tempfile::tempdir().expect("a folder");
    block_on(test(Location::Sqlite(folder.path().join("store.db"))));
}

/// Runs the test with the place of an empty PostgreSQL database, and the database itself.
pub(crate) fn at_postgres(test: impl AsyncFn(Location, &Database)) {
    let database = Database::create().expect("a database");
    block_on(async move { test(Location::Postgres(database.url().to_owned()), &database).await });
}

fn block_on(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(test);
}
