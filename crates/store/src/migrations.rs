//! The tables, brought up to date step by step; a step that was released never changes.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, TransactionTrait};
use sea_orm_migration::{MigrationTrait, MigratorTrait, async_trait};

use crate::{Error, Result, connection::IMMEDIATE};

mod m0001_initial;
mod m0002_secrets;
mod m0003_policy_and_audit;
mod m0004_client_sessions;
mod m0005_external_sources;

struct Migrations;

#[async_trait::async_trait]
impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_initial::Migration),
            Box::new(m0002_secrets::Migration),
            Box::new(m0003_policy_and_audit::Migration),
            Box::new(m0004_client_sessions::Migration),
            Box::new(m0005_external_sources::Migration),
        ]
    }
}

/// Names the lock that PostgreSQL keeps for the time of the migration: "mcpbox" in ASCII.
const LOCK: i64 = 0x6d63_7062_6f78;

/// Brings the tables up to date, all steps or none. A second process waits for the first and then
/// finds nothing to do.
pub(crate) async fn run(db: &DatabaseConnection) -> Result<()> {
    let transaction = db.begin_with_options(IMMEDIATE).await.map_err(Error::Migrate)?;
    if db.get_database_backend() == DbBackend::Postgres {
        let lock = format!("SELECT pg_advisory_xact_lock({LOCK})");
        transaction.execute_unprepared(&lock).await.map_err(Error::Migrate)?;
    }
    Migrations::up(&transaction, None).await.map_err(Error::Migrate)?;
    transaction.commit().await.map_err(Error::Migrate)
}

/// How many steps are still to be taken.
pub(crate) async fn pending(db: &DatabaseConnection) -> Result<usize> {
    let transaction = db.begin().await.map_err(Error::Migrate)?;
    // Asking makes the table of the steps, which is taken back.
    let pending = Migrations::get_pending_migrations(&transaction).await.map_err(Error::Migrate)?;
    transaction.rollback().await.map_err(Error::Migrate)?;
    Ok(pending.len())
}
