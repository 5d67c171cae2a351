//! SQLite in the caller's own thread, for the statements of every call: they are over sooner than a thread of the driver has woken up.

use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::types::Value as Kept;
use rusqlite::{Connection, OpenFlags, params_from_iter};
use sea_orm::sea_query::{Value, Values};

use crate::open::{Observer, SQLITE_CACHE};

/// Commits that go this way before one goes by the driver, whose connection then moves what was
/// written from the log into the database, where it takes as long as the disk does. SQLite does so at
/// 1,000 pages, and a call writes about five.
const COMMITS_IN_A_ROW: u32 = 64;

/// Statements that are kept prepared, which differ by the number of rows.
const STATEMENTS: usize = 16;
/// A statement of more values is not kept: one that inserts a hundred rows takes up hundreds of kilobytes, and the next
/// batch has another number of rows.
const KEPT_VALUES: usize = 256;

/// A second way to a SQLite database, beside the driver's. It never waits: whatever would have to, or
/// fails, goes by the driver, which waits in a thread of its own and says what went wrong.
pub struct Direct {
    reading: Mutex<Option<Connection>>,
    writing: Mutex<Writing>,
    observer: Option<Observer>,
}

struct Writing {
    connection: Option<Connection>,
    /// Commits since one went by the driver.
    commits: u32,
}

impl Direct {
    /// Opens the database, which exists and is in WAL mode. None where that fails: all goes by the
    /// driver then.
    pub(crate) fn open(path: &Path, observer: Option<Observer>) -> Option<Arc<Self>> {
        match (reading(path), writing(path)) {
            (Ok(reading), Ok(writing)) => Some(Arc::new(Self {
                reading: Mutex::new(Some(reading)),
                writing: Mutex::new(Writing { connection: Some(writing), commits: 0 }),
                observer,
            })),
            (Err(error), _) | (_, Err(error)) => {
                tracing::warn!(
                    error = &error as &dyn Error,
                    "calls take longer: the database cannot be opened a second time"
                );
                None
            }
        }
    }

    /// The one number that a query finds; none where the driver has to be asked.
    pub(crate) fn number(&self, query: &str) -> Option<i64> {
        let reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = reading.as_ref()?;
        self.observed(|| connection.prepare_cached(query)?.query_one([], |row| row.get(0))).ok()
    }

    /// Carries out a statement that is a transaction by itself; tells whether it is committed. It is
    /// the driver's turn where it is not.
    pub(crate) fn commit(&self, statement: &str, values: Values) -> bool {
        let Some(values) = values.0.into_iter().map(kept).collect::<Option<Vec<_>>>() else {
            return false;
        };
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if writing.commits >= COMMITS_IN_A_ROW {
            writing.commits = 0;
            return false;
        }
        let Some(connection) = &writing.connection else { return false };
        let is_kept = values.len() <= KEPT_VALUES;
        let values = params_from_iter(values);
        let done = self.observed(|| {
            if is_kept {
                connection.prepare_cached(statement)?.execute(values)
            } else {
                connection.prepare(statement)?.execute(values)
            }
        });
        writing.commits += 1;
        done.is_ok()
    }

    /// Lets go of prepared statements and of pages of the file.
    pub(crate) fn empty_caches(&self) {
        let reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        for connection in [&*reading, &writing.connection].into_iter().flatten() {
            connection.flush_prepared_statement_cache();
            if let Err(error) = connection.release_memory() {
                tracing::debug!(error = &error as &dyn Error, "a cache stays as it is");
            }
        }
    }

    /// Ends the connections.
    pub(crate) fn close(&self) {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.writing.lock().unwrap_or_else(PoisonError::into_inner).connection.take();
    }

    /// What goes by the driver instead is counted there.
    fn observed<T>(&self, statement: impl FnOnce() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let began = Instant::now();
        let done = statement();
        if let (Ok(_), Some(observer)) = (&done, &self.observer) {
            observer(began.elapsed(), false);
        }
        done
    }
}

fn reading(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open(path)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn writing(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open(path)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_row| Ok(()))?;
    Ok(connection)
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update(None, "cache_size", SQLITE_CACHE)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Fails where there is no database, as opening does not look at the file.
    let _version: i64 = connection.pragma_query_value(None, "schema_version", |row| row.get(0))?;
    Ok(connection)
}

/// A value in the form in which the driver keeps it. None for kinds that no statement here has.
fn kept(value: Value) -> Option<Kept> {
    Some(match value {
        Value::Bool(Some(value)) => Kept::Integer(i64::from(value)),
        Value::Int(Some(value)) => Kept::Integer(i64::from(value)),
        Value::BigInt(Some(value)) => Kept::Integer(value),
        Value::String(Some(value)) => Kept::Text(value),
        Value::Uuid(Some(value)) => Kept::Blob(value.as_bytes().to_vec()),
        Value::ChronoDateTimeUtc(Some(value)) => {
            Kept::Text(value.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, false))
        }
        Value::String(None) => Kept::Null,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use sea_orm::sea_query::SqliteQueryBuilder;
    use sea_orm::{EntityTrait as _, IntoActiveModel as _, QueryTrait as _};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::calls::entity::{Entity, Model};
    use crate::calls::{self, Call};
    use crate::{Location, Store, changes};

    fn call() -> Call {
        Call {
            id: Uuid::now_v7(),
            server_id: Uuid::now_v7(),
            tool_id: Uuid::now_v7(),
            revision_id: Uuid::now_v7(),
            digest: "d".to_owned(),
            tool_name: "clock__now".to_owned(),
            kind: crate::revisions::Kind::Tool,
            caller: "claude".to_owned(),
            is_test: false,
            arguments: json!({"z": 1, "a": [true, "ü"]}),
            result: None,
            requests: json!([]),
            refused: json!([]),
            stdout: "printed\n".to_owned(),
            error: Some("no".to_owned()),
            error_kind: None,
            success: true,
            duration_us: 12,
            created_at: chrono::DateTime::from_timestamp_micros(1_700_000_000_123_456)
                .expect("a time"),
        }
    }

    async fn open(folder: &tempfile::TempDir) -> (Store, std::path::PathBuf) {
        let path = folder.path().join("store.db");
        (Store::open(&Location::Sqlite(path.clone())).await.expect("open"), path)
    }

    fn insertion(call: Call) -> sea_orm::InsertMany<calls::entity::ActiveModel> {
        Entity::insert_many([Model::from(call).into_active_model()])
    }

    fn directly(store: &Store, call: Call) -> bool {
        let (statement, values) = insertion(call).into_query().build(SqliteQueryBuilder);
        store.pools().direct.as_ref().expect("a second way").commit(&statement, values)
    }

    #[tokio::test]
    async fn both_ways_keep_a_row_in_the_same_form() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, path) = open(&folder).await;
        let one = call();
        let other = Call { id: Uuid::now_v7(), ..one.clone() };
        insertion(one).exec_without_returning(&store.pools().log).await.expect("by the driver");
        assert!(directly(&store, other));
        let connection = Connection::open(path).expect("open again");
        let mut statement = connection.prepare("SELECT * FROM calls").expect("a query");
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            (1..columns).map(|column| row.get(column)).collect::<rusqlite::Result<Vec<Kept>>>()
        });
        let rows: Vec<_> = rows.expect("rows").map(|row| row.expect("a row")).collect();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0], rows[1]);
        store.close().await;
    }

    #[tokio::test]
    async fn what_would_have_to_wait_or_is_refused_is_left_to_the_driver() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, _) = open(&folder).await;
        let transaction = store.begin().await.expect("begin");
        changes::publish(&transaction).await.expect("publish");
        assert!(!directly(&store, call()), "another writes");
        let before = changes::counter(&store).await.expect("a reader does not wait");
        let (found, ()) = tokio::join!(calls::record(&store, call()), async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            transaction.commit().await.expect("commit");
        });
        found.expect("recorded once the other is done");
        assert_eq!(changes::counter(&store).await.expect("read again"), before + 1);
        let twice = call();
        assert!(directly(&store, twice.clone()));
        assert!(!directly(&store, twice.clone()), "there is one of that id");
        assert!(calls::record(&store, twice).await.expect_err("refused").is_duplicate());
        store.close().await;
    }

    #[tokio::test]
    async fn the_log_of_writes_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, path) = open(&folder).await;
        for _ in 0..2_000 {
            calls::record(&store, call()).await.expect("recorded");
        }
        let log = path.with_extension("db-wal");
        let bytes = std::fs::metadata(log).expect("the log of writes").len();
        assert!(bytes < 12 << 20, "{bytes} bytes");
        store.close().await;
        assert!(!path.with_extension("db-wal").exists(), "it ends with the last connection");
    }
}
