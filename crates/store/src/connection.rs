//! What a query runs on: the store, where each statement stands alone, or a transaction.

use sea_orm::{
    DatabaseExecutor, DatabaseTransaction, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};

use crate::{Result, Store, direct::Direct};

/// A [`Store`] or a [`Transaction`]; implemented for nothing else.
pub trait Connection: sealed::Handles {}

impl<T: sealed::Handles> Connection for T {}

/// A write transaction: nothing of it is kept unless [`commit`](Self::commit) succeeds.
///
/// On SQLite only one is open at a time. Whoever holds one writes through it alone: a write through
/// the [`Store`] would wait for it to end.
#[derive(Debug)]
pub struct Transaction {
    inner: DatabaseTransaction,
}

impl Transaction {
    pub(crate) async fn begin(store: &Store) -> Result<Self> {
        let inner = sealed::Handles::begin(store).await?;
        Ok(Self { inner })
    }

    /// Keeps what was done; after an error nothing of it is kept.
    pub async fn commit(self) -> Result<()> {
        Ok(self.inner.commit().await?)
    }
}

pub(crate) mod sealed {
    //! What the queries need of a connection, out of reach of other crates.

    use super::{DatabaseExecutor, DatabaseTransaction, Direct, Result};

    pub trait Handles: Sync {
        /// Runs statements that only read.
        fn reader(&self) -> DatabaseExecutor<'_>;
        /// A way to what is committed that needs no other thread, where there is one.
        fn direct(&self) -> Option<&Direct> {
            None
        }
        /// Runs statements that write.
        fn writer(&self) -> DatabaseExecutor<'_>;
        /// A write transaction, or a part of the one that is open that can fail alone.
        fn begin(&self) -> impl Future<Output = Result<DatabaseTransaction>> + Send;
    }
}

impl sealed::Handles for Store {
    fn reader(&self) -> DatabaseExecutor<'_> {
        DatabaseExecutor::Connection(&self.pools().read)
    }

    fn direct(&self) -> Option<&Direct> {
        self.pools().direct.as_deref()
    }

    fn writer(&self) -> DatabaseExecutor<'_> {
        DatabaseExecutor::Connection(&self.pools().write)
    }

    async fn begin(&self) -> Result<DatabaseTransaction> {
        Ok(self.pools().write.begin_with_options(IMMEDIATE).await?)
    }
}

impl sealed::Handles for Transaction {
    fn reader(&self) -> DatabaseExecutor<'_> {
        DatabaseExecutor::Transaction(&self.inner)
    }

    fn writer(&self) -> DatabaseExecutor<'_> {
        DatabaseExecutor::Transaction(&self.inner)
    }

    async fn begin(&self) -> Result<DatabaseTransaction> {
        Ok(self.inner.begin().await?)
    }
}

/// SQLite takes its write lock at the start: a transaction that has read first and then wants to
/// write would be refused at once instead of waiting its turn.
pub(crate) const IMMEDIATE: TransactionOptions = TransactionOptions {
    isolation_level: None,
    access_mode: None,
    sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
};
