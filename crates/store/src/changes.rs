//! Changes: a counter that tells every process that something it may have read is different now.

use std::{convert::Infallible, error::Error, time::Duration};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, EntityTrait, QuerySelect,
    sea_query::{Expr, ExprTrait},
    sqlx::{PgPool, postgres::PgListener},
};
use tokio::{sync::watch, time};

use crate::connection::sealed::Handles as _;
use crate::{Connection, Result, Transaction, error::connection_error};

mod entity {
    //! The table of the one counter.

    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "changes")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: i32,
        pub(crate) counter: i64,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// PostgreSQL's channel.
const CHANNEL: &str = "mcpbox_changes";
/// How often SQLite is asked, which tells nobody by itself.
const SQLITE_INTERVAL: Duration = Duration::from_millis(150);
/// How often PostgreSQL is asked in case a notice was lost.
const POSTGRES_INTERVAL: Duration = Duration::from_secs(5);
/// What [`current`] asks, as SQLite takes it.
const QUERY: &str = "SELECT counter FROM changes";
/// How long to wait after a failure.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Tells every process on this database that something changed, once the transaction is committed.
/// It comes last in a transaction: others that publish wait for it to end.
pub async fn publish(db: &impl Connection) -> Result<()> {
    let db = db.writer();
    entity::Entity::update_many()
        .col_expr(entity::Column::Counter, Expr::col(entity::Column::Counter).add(1))
        .exec(&db)
        .await?;
    if db.get_database_backend() == DbBackend::Postgres {
        db.execute_unprepared(&format!("NOTIFY {CHANNEL}")).await?;
    }
    Ok(())
}

/// Makes other transactions that publish, or add to the audit log, wait until this one ends.
pub async fn hold(db: &Transaction) -> Result<()> {
    let db = db.writer();
    // On SQLite one write transaction is open at a time as it is.
    if db.get_database_backend() == DbBackend::Postgres {
        db.execute_unprepared("SELECT counter FROM changes WHERE id = 1 FOR UPDATE").await?;
    }
    Ok(())
}

/// The counter as it is now: whatever was read after it did not change as long as it stays the same.
pub async fn counter(db: &impl Connection) -> Result<i64> {
    if let Some(counter) = db.direct().and_then(|direct| direct.number(QUERY)) {
        return Ok(counter);
    }
    Ok(current(&db.reader()).await?)
}

/// The counter as it is now.
pub(crate) async fn current<C: ConnectionTrait>(db: &C) -> Result<i64, DbErr> {
    let row: Option<i64> = entity::Entity::find()
        .select_only()
        .column(entity::Column::Counter)
        .into_tuple()
        .one(db)
        .await?;
    row.ok_or_else(|| DbErr::RecordNotFound("the counter of changes".to_owned()))
}

/// Keeps `counter` at the database's until `stop` changes or its other end is gone. A failure is
/// logged and tried again.
pub(crate) async fn watch(
    db: DatabaseConnection,
    notices: Option<PgPool>,
    counter: watch::Sender<i64>,
    mut stop: watch::Receiver<bool>,
) {
    let follow = async {
        loop {
            let Err(error) = match &notices {
                Some(notices) => listen(&db, notices, &counter).await,
                None => poll(&db, &counter).await,
            };
            tracing::warn!(
                error = &error as &dyn Error,
                "cannot see what other processes change; trying again"
            );
            time::sleep(RETRY_INTERVAL).await;
        }
    };
    tokio::select! {
        () = follow => {}
        _ = stop.changed() => {}
    }
}

async fn poll(db: &DatabaseConnection, counter: &watch::Sender<i64>) -> Result<Infallible, DbErr> {
    loop {
        show(current(db).await?, counter);
        time::sleep(SQLITE_INTERVAL).await;
    }
}

async fn listen(
    db: &DatabaseConnection,
    notices: &PgPool,
    counter: &watch::Sender<i64>,
) -> Result<Infallible, DbErr> {
    let mut listener = PgListener::connect_with(notices).await.map_err(connection_error)?;
    listener.listen(CHANNEL).await.map_err(connection_error)?;
    loop {
        show(current(db).await?, counter);
        // What the notice says does not matter, nor that the connection was lost and made again:
        // the counter is read in each case.
        if let Ok(Err(error)) = time::timeout(POSTGRES_INTERVAL, listener.try_recv()).await {
            return Err(connection_error(error));
        }
    }
}

fn show(now: i64, counter: &watch::Sender<i64>) {
    counter.send_if_modified(|shown| std::mem::replace(shown, now) != now);
}
