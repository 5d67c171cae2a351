//! The store: a database, its connections and the two tasks that serve it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{sync::watch, task::JoinHandle};

use crate::{
    Location, Observer, Result, Transaction,
    calls::writer::{self, CallWriter},
    changes, migrations,
    open::Pools,
};

/// An open database; clones share it.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    pools: Pools,
    calls: CallWriter,
    changes: watch::Receiver<i64>,
    /// Ends the tasks: by a message, or by going away with the last clone of the store.
    stop: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Store {
    /// Opens the database, makes it where there is none (a SQLite file readable by its owner
    /// alone), and brings its tables up to date. Any number of processes may do so at once.
    pub async fn open(location: &Location) -> Result<Self> {
        Self::open_observed(location, None).await
    }

    /// The same; `observer` is told of every statement.
    pub async fn open_observed(location: &Location, observer: Option<Observer>) -> Result<Self> {
        let pools = Pools::open(location, observer).await?;
        migrations::run(&pools.write).await?;
        let counter = changes::current(&pools.read).await?;
        let (stop, stopped) = watch::channel(false);
        let (counter, changes) = watch::channel(counter);
        let (calls, write_calls) =
            writer::start(pools.log.clone(), pools.direct.clone(), stopped.clone());
        let watch_changes =
            changes::watch(pools.read.clone(), pools.notices.clone(), counter, stopped);
        let tasks = Mutex::new(vec![tokio::spawn(write_calls), tokio::spawn(watch_changes)]);
        Ok(Self { shared: Arc::new(Shared { pools, calls, changes, stop, tasks }) })
    }

    /// Starts a write transaction; what is not committed is rolled back when it is dropped.
    pub async fn begin(&self) -> Result<Transaction> {
        Transaction::begin(self).await
    }

    /// Whether the database answers.
    pub async fn check(&self) -> Result<()> {
        changes::current(&self.pools().read).await?;
        Ok(())
    }

    /// A counter that rises soon after [`changes::publish`] in any process
    /// on this database; several changes can show as one.
    pub fn changes(&self) -> watch::Receiver<i64> {
        self.shared.changes.clone()
    }

    /// Empties what connections keep so that the next statement is faster: for when none is expected soon.
    pub async fn empty_caches(&self) {
        self.pools().empty_caches().await;
    }

    /// Writes the calls that wait to be recorded and ends all connections, those of clones too.
    /// Later queries fail.
    pub async fn close(self) {
        self.shared.stop.send_replace(true);
        let tasks = {
            let mut tasks = self.shared.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *tasks)
        };
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a task of the store failed"
                );
            }
        }
        self.pools().close().await;
    }

    pub(crate) fn pools(&self) -> &Pools {
        &self.shared.pools
    }

    pub(crate) fn call_writer(&self) -> &CallWriter {
        &self.shared.calls
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Store").finish_non_exhaustive()
    }
}
