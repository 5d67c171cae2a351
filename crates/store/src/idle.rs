//! What connections to SQLite keep in memory between statements, and how they let go of it.

use sea_orm::sqlx::{self, Connection as _, SqlitePool};
use sea_orm::{DatabaseConnection, DbBackend};

use crate::open::Pools;

impl Pools {
    /// Empties the caches of all connections that do nothing now: pages of the file and prepared statements, which are
    /// read and prepared again when they are next needed. PostgreSQL keeps its own elsewhere.
    pub(crate) async fn empty_caches(&self) {
        if self.read.get_database_backend() != DbBackend::Sqlite {
            return;
        }
        if let Some(direct) = &self.direct {
            direct.empty_caches();
        }
        for pool in
            [&self.read, &self.write, &self.log].map(DatabaseConnection::get_sqlite_connection_pool)
        {
            if let Err(error) = empty(pool).await {
                tracing::debug!(error = &error as &dyn std::error::Error, "a cache stays as it is");
            }
        }
    }
}

async fn empty(pool: &SqlitePool) -> sqlx::Result<()> {
    let mut connections = Vec::new();
    // All are held until the last is done: one that was given back could be the next one again.
    while let Some(mut connection) = pool.try_acquire() {
        connection.clear_cached_statements().await?;
        let shrink = sqlx::query("PRAGMA shrink_memory").persistent(false);
        shrink.execute(&mut *connection).await?;
        connections.push(connection);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use crate::settings::{self, Setting};
    use crate::{Location, Store, changes};

    /// What SQLite has of memory in this process, which is that of one test alone, in bytes.
    fn memory() -> i64 {
        #[expect(unsafe_code, reason = "there is no safe way to ask")]
        // SAFETY: it takes nothing, may be called by any thread, and reads a counter.
        unsafe {
            rusqlite::ffi::sqlite3_memory_used()
        }
    }

    fn setting(number: usize) -> Setting {
        Setting {
            key: format!("setting {number}"),
            value: "x".repeat(16 << 10),
            updated_at: DateTime::from_timestamp_micros(1_700_000_000_123_456).expect("a time"),
            updated_by: "somebody".to_owned(),
        }
    }

    #[tokio::test]
    async fn caches_are_emptied_and_fill_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        let store = Store::open(&Location::Sqlite(path)).await.expect("open");
        for number in 0..100 {
            settings::set(&store, &setting(number)).await.expect("set");
        }
        for _ in 0..2 {
            let read = || settings::all(&store);
            let (one, other) = tokio::join!(read(), read());
            assert_eq!((one.expect("read").len(), other.expect("read").len()), (100, 100));
            let full = memory();
            store.empty_caches().await;
            let left = memory();
            assert!(left < full / 2, "{left} of {full} bytes");
        }
        store.close().await;
    }

    #[tokio::test]
    async fn what_is_under_way_is_not_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        let store = Store::open(&Location::Sqlite(path)).await.expect("open");
        let before = changes::counter(&store).await.expect("a counter");
        let transaction = store.begin().await.expect("begin");
        changes::publish(&transaction).await.expect("publish");
        store.empty_caches().await;
        transaction.commit().await.expect("commit");
        assert_eq!(changes::counter(&store).await.expect("a counter"), before + 1);
        store.close().await;
    }
}
