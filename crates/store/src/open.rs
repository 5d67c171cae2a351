//! Connections to the two databases, each set up for what it is used for.

use std::{
    fs::OpenOptions,
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sea_orm::{
    DatabaseConnection, SqlxPostgresConnector, SqlxSqliteConnector,
    sqlx::{
        self, ConnectOptions, Connection, PgPool, SqlitePool,
        postgres::{PgConnectOptions, PgConnection, PgPoolOptions},
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
    },
};
use tokio::time::{Instant, sleep, timeout};

use crate::{Error, Result, direct::Direct, error::connection_error};

/// Where the database is.
#[derive(Clone)]
pub enum Location {
    /// A SQLite database in this file; its folder exists.
    Sqlite(PathBuf),
    /// A PostgreSQL database at this URL, `postgres://user:password@host/name`.
    Postgres(String),
}

impl std::fmt::Debug for Location {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => formatter.debug_tuple("Sqlite").field(path).finish(),
            // The URL can hold a password.
            Self::Postgres(_) => formatter.debug_tuple("Postgres").finish_non_exhaustive(),
        }
    }
}

/// The connections of one store.
pub(crate) struct Pools {
    /// Statements that only read.
    pub(crate) read: DatabaseConnection,
    /// Decisions: what is committed survives power loss.
    pub(crate) write: DatabaseConnection,
    /// The execution log: what is committed survives the death of every process here.
    pub(crate) log: DatabaseConnection,
    /// PostgreSQL's notices.
    pub(crate) notices: Option<PgPool>,
    /// SQLite without a way to another thread.
    pub(crate) direct: Option<Arc<Direct>>,
}

/// How long a statement waits for a lock, or for its turn on a connection.
const PATIENCE: Duration = Duration::from_secs(10);
const SQLITE_READERS: u32 = 4;
/// What each connection keeps of the file, in KiB, written as SQLite wants it, in the place of its own 2 MiB. The
/// system keeps the file in memory as well.
pub(crate) const SQLITE_CACHE: &str = "-512";
/// Prepared statements that each connection keeps. Each is some ten kilobytes; most are needed on one connection or
/// another only now and then.
const SQLITE_STATEMENTS: usize = 24;
const POSTGRES_CONNECTIONS: u32 = 10;
/// A connection to PostgreSQL that was idle for so long is tried before it is used.
const IDLE: Duration = Duration::from_secs(1);

/// Is told of each statement how long it took, and whether it failed.
pub type Observer = Arc<dyn Fn(Duration, bool) + Send + Sync>;

impl Pools {
    pub(crate) async fn open(location: &Location, observer: Option<Observer>) -> Result<Self> {
        let mut pools = Self::of(location).await?;
        if let Location::Sqlite(path) = location {
            pools.direct = Direct::open(path, observer.clone());
        }
        if let Some(observer) = observer {
            for pool in [&mut pools.read, &mut pools.write, &mut pools.log] {
                let observer = Arc::clone(&observer);
                pool.set_metric_callback(move |info| observer(info.elapsed, info.failed));
            }
        }
        Ok(pools)
    }

    async fn of(location: &Location) -> Result<Self> {
        match location {
            Location::Sqlite(path) => {
                create_private(path)?;
                let database = path.display().to_string();
                sqlite(path).await.map_err(|error| open_error(database, error))
            }
            Location::Postgres(url) => {
                postgres(url).await.map_err(|error| open_error("PostgreSQL".to_owned(), error))
            }
        }
    }

    /// Ends all connections, once what runs on them has ended.
    pub(crate) async fn close(&self) {
        if let Some(notices) = &self.notices {
            notices.close().await;
        }
        if let Some(direct) = &self.direct {
            direct.close();
        }
        for pool in [&self.read, &self.log, &self.write] {
            if let Err(error) = pool.close_by_ref().await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a connection did not end well"
                );
            }
        }
    }
}

fn open_error(database: String, error: sqlx::Error) -> Error {
    Error::Open { database, source: connection_error(error) }
}

/// Makes the file readable by its owner alone; SQLite gives the files beside it the same mode.
fn create_private(path: &Path) -> Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Error::File { path: path.to_owned(), source: Arc::new(error) }),
    }
}

async fn sqlite(path: &Path) -> Result<Pools, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        .pragma("cache_size", SQLITE_CACHE)
        .statement_cache_capacity(SQLITE_STATEMENTS)
        .disable_statement_logging();
    let deciding =
        options.clone().journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
    let logging = options.clone().synchronous(SqliteSynchronous::Normal);
    // One connection for each kind of write: SQLite has one writer at a time anyway, and waiting
    // here is fair.
    let write = sqlite_pool(1).connect_lazy_with(deciding);
    wait_for_sqlite(&write).await?;
    let log = sqlite_pool(1).connect_lazy_with(logging);
    let read = sqlite_pool(SQLITE_READERS).connect_lazy_with(options.pragma("query_only", "ON"));
    Ok(Pools {
        read: SqlxSqliteConnector::from_sqlx_sqlite_pool(read),
        write: SqlxSqliteConnector::from_sqlx_sqlite_pool(write),
        log: SqlxSqliteConnector::from_sqlx_sqlite_pool(log),
        notices: None,
        direct: None,
    })
}

fn sqlite_pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// SQLite does not wait for its lock while it changes to WAL: a second process that starts at the
/// same moment is refused, and tries again.
async fn wait_for_sqlite(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match pool.acquire().await {
            Ok(_) => return Ok(()),
            Err(error) if Instant::now() < deadline && is_busy(&error) => {
                sleep(Duration::from_millis(20)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

fn is_busy(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(_)) && crate::error::driver_is_busy(error)
}

async fn postgres(url: &str) -> Result<Pools, sqlx::Error> {
    let options =
        url.parse::<PgConnectOptions>()?.application_name("mcpbox").disable_statement_logging();
    let deciding = match postgres_pool(POSTGRES_CONNECTIONS).connect_with(options.clone()).await {
        // The pool tries until its time is up and does not tell what it met; one more try does.
        Err(sqlx::Error::PoolTimedOut) => {
            timeout(PATIENCE, PgConnection::connect_with(&options))
                .await
                .map_err(|_elapsed| sqlx::Error::PoolTimedOut)??;
            return Err(sqlx::Error::PoolTimedOut);
        }
        opened => opened?,
    };
    let logging = options.clone().options([("synchronous_commit", "off")]);
    let log = postgres_pool(1).connect_lazy_with(logging);
    let notices = postgres_pool(1).connect_lazy_with(options);
    let write = SqlxPostgresConnector::from_sqlx_postgres_pool(deciding);
    Ok(Pools {
        read: write.clone(),
        write,
        log: SqlxPostgresConnector::from_sqlx_postgres_pool(log),
        notices: Some(notices),
        direct: None,
    })
}

fn postgres_pool(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .before_acquire(|connection, state| {
            Box::pin(async move {
                if state.idle_for >= IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
}
