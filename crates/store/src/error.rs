//! What can go wrong between a query and the database.

use std::{io, path::PathBuf};

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr, SqlErr, sqlx};
use uuid::Uuid;

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a query, or the opening of the store, failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file of the SQLite database could not be made.
    #[error("cannot create the database file {path}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::sync::Arc<io::Error>,
    },
    /// The database could not be reached or refused the connection.
    #[error("cannot open the database {database}")]
    Open {
        /// The file, or `PostgreSQL`; the URL is left out because it can hold a password.
        database: String,
        /// What the database said.
        source: DbErr,
    },
    /// The tables could not be brought to the form this version needs.
    #[error("cannot bring the tables of the database up to date")]
    Migrate(#[source] DbErr),
    /// A statement failed.
    #[error("the database could not answer")]
    Query(#[from] DbErr),
    /// The row to change is gone.
    #[error("there is no {noun} {id} to change")]
    Missing {
        /// What kind of row.
        noun: &'static str,
        /// Its id.
        id: Uuid,
    },
    /// The store was closed before this could be written.
    #[error("the store is closed")]
    Closed,
}

impl Error {
    /// Whether a row with the same name, hash or id exists already.
    pub fn is_duplicate(&self) -> bool {
        matches!(
            self.database().and_then(DbErr::sql_err),
            Some(SqlErr::UniqueConstraintViolation(_))
        )
    }

    /// Whether something that this belongs to, or that it was to change, was deleted meanwhile.
    pub fn is_gone(&self) -> bool {
        let is_orphan = matches!(
            self.database().and_then(DbErr::sql_err),
            Some(SqlErr::ForeignKeyConstraintViolation(_))
        );
        is_orphan || matches!(self, Self::Missing { .. })
    }

    /// Whether the database was locked or overloaded, so that the same may work a moment later.
    pub fn is_busy(&self) -> bool {
        match self.database() {
            Some(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)) => true,
            Some(
                DbErr::Conn(RuntimeErr::SqlxError(error))
                | DbErr::Exec(RuntimeErr::SqlxError(error))
                | DbErr::Query(RuntimeErr::SqlxError(error)),
            ) => driver_is_busy(error),
            _ => false,
        }
    }

    /// Whether the connection failed, rather than what was sent over it.
    pub(crate) fn is_connection(&self) -> bool {
        match self.database() {
            Some(DbErr::ConnectionAcquire(_) | DbErr::Conn(_)) => true,
            Some(
                DbErr::Exec(RuntimeErr::SqlxError(error))
                | DbErr::Query(RuntimeErr::SqlxError(error)),
            ) => driver_lost_connection(error),
            _ => false,
        }
    }

    fn database(&self) -> Option<&DbErr> {
        match self {
            Self::Open { source, .. } | Self::Migrate(source) | Self::Query(source) => Some(source),
            Self::File { .. } | Self::Missing { .. } | Self::Closed => None,
        }
    }
}

/// Whether the driver says that the database is locked or overloaded.
pub(crate) fn driver_is_busy(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
                // The low byte of SQLite's extended code names its kind: SQLITE_BUSY, SQLITE_LOCKED.
                matches!(code.parse::<u32>().map(|code| code & 0xff), Ok(5 | 6))
            } else {
                // Serialization failure, deadlock, lock not available, too many connections,
                // still starting.
                matches!(&*code, "40001" | "40P01" | "55P03" | "53300" | "57P03")
            }
        }
        _ => false,
    }
}

fn driver_lost_connection(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Encode(_) => false,
        // PostgreSQL's last words before it ends a connection: shutdown, crash, not started yet.
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            code.starts_with("57P") || code.starts_with("08")
        }
        _ => true,
    }
}

/// A driver's error from outside sea-orm, in sea-orm's form.
pub(crate) fn connection_error(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}
