//! Looking at a database without changing it, for `mcpbox doctor`.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement};

use crate::installation::{self, Binding};
use crate::open::Pools;
use crate::{Location, Result, migrations};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examination {
    /// Which database it is, for instance `PostgreSQL 15.18` or `SQLite 3.51.2 at data/mcpbox.db`.
    pub version: String,
    /// How many changes of its tables this program would make before it uses it.
    pub pending: usize,
    /// The master keys that it is used with; `None` before its first use.
    pub binding: Option<Binding>,
}

/// Opens the database, which exists, and reads it through.
pub async fn examine(location: &Location) -> Result<Examination> {
    let pools = Pools::open(location, None).await?;
    let found = look(&pools.write, location).await;
    pools.close().await;
    found
}

async fn look(database: &DatabaseConnection, location: &Location) -> Result<Examination> {
    let version = match location {
        Location::Sqlite(path) => {
            sound(database).await?;
            let version = one(database, "SELECT sqlite_version()").await?;
            format!("SQLite {version} at {}", path.display())
        }
        Location::Postgres(_) => {
            let version = one(database, "SHOW server_version").await?;
            format!("PostgreSQL {version}")
        }
    };
    let pending = migrations::pending(database).await?;
    let binding = match pending {
        0 => installation::binding_at(database).await?,
        _ => None,
    };
    Ok(Examination { version, pending, binding })
}

/// Has SQLite read every page of the file.
async fn sound(database: &DatabaseConnection) -> Result<()> {
    match one(database, "PRAGMA quick_check(1)").await?.as_str() {
        "ok" => Ok(()),
        found => {
            Err(DbErr::Custom(format!("the file is damaged ({found}): restore it from a backup"))
                .into())
        }
    }
}

async fn one(database: &DatabaseConnection, statement: &'static str) -> Result<String> {
    let backend = database.get_database_backend();
    let row = database.query_one_raw(Statement::from_string(backend, statement)).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound(statement.to_owned()))?;
    Ok(row.try_get_by_index::<String>(0)?)
}
