//! The writer of the execution log: whatever waits is committed in one transaction.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sea_orm::{
    DatabaseConnection, DbBackend, EntityTrait, InsertMany, IntoActiveModel, QueryTrait,
    sea_query::{OnConflict, SqliteQueryBuilder},
};
use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot, watch,
};

use super::entity::{ActiveModel, Column, Entity, Model};
use crate::{Error, Result, direct::Direct};

/// The most rows in one transaction.
const BATCH: usize = 256;
/// The most rows that are written without handing them to another thread.
const DIRECT_ROWS: usize = 16;
/// The rows that may wait before callers have to.
const QUEUE: usize = 4 * BATCH;
/// How long the writer may keep SQLite's write lock to itself while rows keep waiting, and how long
/// it then leaves it to others: they look for it at intervals and would find it taken every time.
const TURN: Duration = Duration::from_millis(5);
const PAUSE: Duration = Duration::from_millis(1);

struct Entry {
    row: Model,
    done: oneshot::Sender<Result<()>>,
}

/// Hands rows to the task that [`start`] started.
pub(crate) struct CallWriter {
    queue: mpsc::Sender<Entry>,
}

impl CallWriter {
    /// Has the row written, whether the answer is waited for or not.
    pub(crate) fn record(&self, row: Model) -> impl Future<Output = Result<()>> + Send + use<> {
        let (done, outcome) = oneshot::channel();
        if let Err(TrySendError::Full(entry)) = self.queue.try_send(Entry { row, done }) {
            let queue = self.queue.clone();
            drop(tokio::spawn(async move { drop(queue.send(entry).await) }));
        }
        async move { outcome.await.map_err(closed)? }
    }
}

fn closed<T>(_: T) -> Error {
    Error::Closed
}

/// The writer's two ends. The task ends once `stop` changes, or the other end is gone, and every
/// row that waited is written.
pub(crate) fn start(
    db: DatabaseConnection,
    direct: Option<Arc<Direct>>,
    stop: watch::Receiver<bool>,
) -> (CallWriter, impl Future<Output = ()> + Send) {
    let (queue, waiting) = mpsc::channel(QUEUE);
    (CallWriter { queue }, run(db, direct, waiting, stop))
}

async fn run(
    db: DatabaseConnection,
    direct: Option<Arc<Direct>>,
    mut waiting: mpsc::Receiver<Entry>,
    mut stop: watch::Receiver<bool>,
) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut turn = Instant::now();
    loop {
        let idle = waiting.is_empty();
        let received = tokio::select! {
            biased;
            _ = stop.changed(), if !waiting.is_closed() => {
                waiting.close();
                continue;
            }
            received = waiting.recv_many(&mut batch, BATCH) => received,
        };
        if received == 0 {
            return;
        }
        if idle {
            turn = Instant::now();
        }
        write(&db, direct.as_deref(), std::mem::take(&mut batch)).await;
        let shared = db.get_database_backend() == DbBackend::Sqlite;
        if shared && !waiting.is_empty() && turn.elapsed() >= TURN {
            tokio::time::sleep(PAUSE).await;
            turn = Instant::now();
        }
    }
}

/// Writes the rows together, or, when one of them is refused, each alone.
async fn write(db: &DatabaseConnection, direct: Option<&Direct>, batch: Vec<Entry>) {
    let rows = || insertion(batch.iter().map(|entry| entry.row.clone()));
    if let Some(direct) = direct
        && batch.len() <= DIRECT_ROWS
    {
        let (statement, values) = rows().into_query().build(SqliteQueryBuilder);
        if direct.commit(&statement, values) {
            return batch.into_iter().for_each(|entry| answer(entry.done, Ok(())));
        }
    }
    let mut outcome = commit(db, rows()).await;
    if outcome.as_ref().is_err_and(is_passing) {
        // The connection may have been lost after the rows were kept: those are not refused now.
        let unless_kept = OnConflict::column(Column::Id).do_nothing().to_owned();
        outcome = commit(db, rows().on_conflict(unless_kept)).await;
    }
    match outcome {
        Err(error) if batch.len() > 1 && !is_passing(&error) => {
            for entry in batch {
                let outcome = commit(db, insertion([entry.row])).await;
                answer(entry.done, outcome);
            }
        }
        outcome => {
            for entry in batch {
                answer(entry.done, outcome.clone());
            }
        }
    }
}

/// A caller that no longer waits does not need the answer.
fn answer(done: oneshot::Sender<Result<()>>, outcome: Result<()>) {
    drop(done.send(outcome));
}

/// Whether the error is the database's state rather than a row's fault.
fn is_passing(error: &Error) -> bool {
    error.is_busy() || error.is_connection()
}

fn insertion(rows: impl IntoIterator<Item = Model>) -> InsertMany<ActiveModel> {
    Entity::insert_many(rows.into_iter().map(Model::into_active_model))
}

async fn commit(db: &DatabaseConnection, rows: InsertMany<ActiveModel>) -> Result<()> {
    // One statement, which is a transaction by itself.
    rows.exec_without_returning(db).await?;
    Ok(())
}
