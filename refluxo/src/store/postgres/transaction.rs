//! A transaction that a step of the user's shares with its run.
//!
//! Nothing of the run is locked before the commit: a message to it, or the renewal of the lease, does not wait for the step.
//! All lock their own rows first and runs after them, so that transactions don't wait for each other in a circle.

use std::{
    any::Any,
    ops::{Deref, DerefMut},
    pin::Pin,
    sync::Arc,
};

use sqlx::{Error, Executor, PgConnection, Postgres, SqlSafeStr, Transaction, error::DatabaseError};
use tokio::sync::oneshot;

use super::{
    Gone, PostgresStore, Shared,
    batch::{self, Written},
    item::{Answer, Item},
};
use crate::{
    store::{
        Commit, Committed, Created, NewRun, OpenTransaction, Operation, Stamped, StoreError, StoreFuture,
        TransactionWork, Wake,
        nature::{Nature, store_error},
        transaction::{Ended, Failed, NoTransactions},
    },
    suspend::AsyncTransaction,
};

/// The transaction of a [`PostgresStore`] that a step writes in: see `#[step(transaction)]`.
///
/// It is a connection of sqlx's, inside of a transaction: `query.execute(&mut **tx)`. The end of the transaction is the engine's;
/// a savepoint of your own is `tx.begin()` of [`sqlx::Connection`]. It is a connection of the store's pool, to the store's
/// database.
#[derive(Debug)]
pub struct PostgresTransaction {
    open: Transaction<'static, Postgres>,
}

impl Deref for PostgresTransaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.open
    }
}

impl DerefMut for PostgresTransaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.open
    }
}

impl AsyncTransaction for PostgresTransaction {}

/// Opens a transaction that can be told from another one.
const BEGIN: &str = "BEGIN; SAVEPOINT refluxo";

/// Fails if the transaction is over, or another one: the savepoint goes with it.
const STILL_OPEN: &str = "RELEASE SAVEPOINT refluxo";

/// The holder's end of a transaction.
pub(super) struct Open {
    transaction: PostgresTransaction,
    shared: Arc<Shared>,
}

/// Opens a transaction on a connection that is in none.
async fn begin(shared: &Shared) -> Result<Transaction<'static, Postgres>, Error> {
    let connection = shared.acquire().await?;
    Transaction::begin(connection, Some(BEGIN.into_sql_str())).await
}

impl Open {
    /// Opens a transaction.
    pub(super) async fn begin(store: &PostgresStore) -> Result<Self, StoreError> {
        let shared = store.handle.clone();
        let (reply, opened) = oneshot::channel();
        let here = shared.clone();
        // Dropped halfway, sqlx would leave the connection in the transaction, and the pool would lend it to others so.
        shared.runtime.spawn(async move { drop(reply.send(begin(&here).await)) });
        let opened = opened.await.map_err(|_| StoreError::retry(&shared.name, Operation::Begin, Gone))?;
        let open = opened.map_err(|cause| {
            let nature = Nature::of_connecting(&cause);
            store_error(&shared.name, Operation::Begin, nature, Arc::new(cause))
        })?;
        Ok(Self { transaction: PostgresTransaction { open }, shared })
    }

    /// Makes sure that it is the same transaction still.
    async fn check(&mut self) -> Result<(), StoreError> {
        let Self { transaction, shared } = self;
        let Err(cause) = transaction.execute(STILL_OPEN).await else { return Ok(()) };
        let code = cause.as_database_error().and_then(DatabaseError::code);
        Err(match code.as_deref() {
            // There is no such savepoint, or no transaction.
            Some("3B001" | "25P01") => StoreError::fatal(&shared.name, Operation::Commit, Ended),
            Some("25P02") => StoreError::fatal(&shared.name, Operation::Commit, Failed),
            _ => store_error(&shared.name, Operation::Commit, Nature::of_connecting(&cause), Arc::new(cause)),
        })
    }

    /// Stores a commit with what was written before it.
    async fn close(mut self, commit: Commit) -> Result<Stamped<Committed>, StoreError> {
        self.check().await?;
        let Self { mut transaction, shared } = self;
        let error = |nature, cause| store_error(&shared.name, Operation::Commit, nature, Arc::new(cause));
        let item = Item::Commit(Box::new(commit));
        let written = batch::write(&mut transaction, &shared, &shared.sender, &[&item]).await;
        // Whatever was lost then, the transaction was not yet committed.
        let Written { now, answers, wakes } =
            written.map_err(|cause| error(Nature::of_connecting(&cause), cause))?;
        let value = answers.into_iter().find_map(|answer| match answer {
            Answer::Committed(committed) => Some(committed),
            Answer::Created(_) | Answer::Delivered(_) => None,
        });
        let value = value.ok_or_else(|| error(Nature::Fatal, Error::RowNotFound))?;
        if let Committed::Done { .. } = value {
            if let Err(cause) = transaction.open.commit().await {
                let nature = Nature::from(&cause);
                if nature == Nature::Unknown {
                    shared.bells.ring([Wake::Any]);
                }
                return Err(error(nature, cause));
            }
            shared.bells.ring(wakes);
        }
        Ok(Stamped { now, value })
    }
}

/// Creates a run in the transaction that is open on this connection.
pub(super) async fn create_in(
    shared: &Shared,
    connection: &mut (dyn Any + Send),
    run: NewRun,
) -> Result<Stamped<Created>, StoreError> {
    let Some(connection) = connection.downcast_mut::<PgConnection>() else {
        return Err(StoreError::fatal(&shared.name, Operation::Create, NoTransactions));
    };
    let item = Item::Create(Box::new(run));
    // In nobody's name: this store too hears of it when it is committed.
    let written = batch::write(connection, shared, "", &[&item]).await;
    let Written { now, answers, .. } = written.map_err(|cause| {
        store_error(&shared.name, Operation::Create, Nature::of_connecting(&cause), Arc::new(cause))
    })?;
    let value = answers.into_iter().find_map(|answer| match answer {
        Answer::Created(created) => Some(created),
        Answer::Committed(_) | Answer::Delivered(_) => None,
    });
    Ok(Stamped { now, value: value.unwrap_or(Created::New { lease: None }) })
}

impl OpenTransaction for Open {
    fn run(&mut self, work: TransactionWork) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        work(&mut self.transaction)
    }

    fn commit(self: Box<Self>, commit: Commit) -> StoreFuture<'static, Committed> {
        Box::pin(async move {
            if let Err(invalid) = commit.check() {
                return Err(StoreError::fatal(&self.shared.name, Operation::Commit, invalid));
            }
            self.close(commit).await
        })
    }
}
