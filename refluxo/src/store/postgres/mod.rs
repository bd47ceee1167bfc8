//! A store in a schema of a PostgreSQL database.
//!
//! # How it works
//!
//! Whatever is to be written is gathered into batches ([`writer`]), and a batch is one statement: a call of the schema's
//! function `write`, whose arguments are arrays. In there rows are locked in one order for all. Each query of the function sees
//! what was committed before it began, and so the truth about what it holds the locks of; sub-selects of a single query would
//! keep the snapshot from before they waited for a lock, and lose wake-ups.
//!
//! The server's clock decides what is due. Hints travel by `NOTIFY`, in the transaction of what they tell of; a connection of
//! its own listens ([`listen`]), and by its advisory locks it shows other processes that the sessions of this one live.

mod arrays;
mod batch;
mod borrow;
mod failure;
mod filter;
mod item;
mod lend;
mod listen;
mod open;
mod purge;
mod read;
mod rows;
mod schema;
mod sessions;
mod statements;
mod transaction;
mod writer;

use std::{any::Any, fmt, sync::Arc, time::Duration};

use futures_util::stream::BoxStream;
use sqlx::{Error, PgConnection, PgPool};
use tokio::{runtime::Handle, sync::oneshot};

use self::{
    item::{Answer, Item},
    sessions::Sessions,
    statements::Statements,
    writer::{Reply, Writer},
};
pub use self::{
    open::{PostgresOpenError, PostgresStoreBuilder},
    transaction::PostgresTransaction,
};
use super::{
    Claim, Claimed, Commit, Committed, Created, Delivered, Depth, Entry, Filter, Lease, Limits, Listed,
    Message, NewRun, OpenFuture, OpenTransaction, Operation, Page, Query, Record, Renewed, RunId, Session,
    Stamped, Start, Store, StoreError, StoreFuture, Wake, wake::Bells,
};
use crate::store::nature::{Nature, store_error};
use crate::suspend::TransactionType;

/// Keeps runs in a schema of a PostgreSQL database, version 14 or later.
///
/// What many runs want to write shares a statement, and each of them is as durable as the server makes a transaction. Any number of processes may use
/// one schema: they hear of each other's writes at once, and within half a second that one has died, whose runs they take over
/// without waiting for its leases. The connection that listens must reach the server itself, since a pooler that hands
/// connections on with each transaction keeps neither `LISTEN` nor locks.
///
/// Clones are handles on the same connections. The store does its work on the runtime in which it was opened.
#[derive(Clone)]
pub struct PostgresStore {
    handle: Arc<Shared>,
}

/// What the handles and the tasks share.
struct Shared {
    name: Arc<str>,
    pool: PgPool,
    /// Whether others use the pool too: it is theirs.
    others_borrow: bool,
    runtime: Handle,
    limits: Limits,
    statements: Arc<Statements>,
    /// The channel of notifications.
    channel: Arc<str>,
    /// The name of this store in notifications.
    sender: Arc<str>,
    /// The first key of this schema's advisory locks.
    lock_class: i32,
    bells: Arc<Bells>,
    sessions: Sessions,
    writer: Writer,
}

/// The task that wrote is gone, as with its runtime.
#[derive(Debug, thiserror::Error)]
#[error("the store's task is gone: the runtime in which it was opened may have ended")]
struct Gone;

impl PostgresStore {
    /// Opens the schema `refluxo` of a database, and makes it if it is not there.
    ///
    /// # Errors
    ///
    /// If the server can't be reached or refuses something, and if the schema was changed by a later release or belongs to
    /// another program.
    ///
    /// # Cancel safety
    ///
    /// The schema may be made or not.
    pub async fn connect(url: impl Into<String>) -> Result<Self, PostgresOpenError> {
        Self::builder().url(url).connect().await
    }

    /// For other settings.
    pub fn builder() -> PostgresStoreBuilder {
        PostgresStoreBuilder::new()
    }

    /// Queues items and waits for their answers.
    fn write<T: Send + 'static>(
        &self,
        operation: Operation,
        items: Vec<Item>,
        answer: fn(Answer) -> Option<T>,
    ) -> StoreFuture<'_, Vec<T>> {
        let answers = writer::submit(&self.handle, items);
        Box::pin(async move {
            let Stamped { now, value } = self.wait(operation, answers).await?;
            Ok(Stamped { now, value: value.into_iter().filter_map(answer).collect() })
        })
    }

    async fn wait(&self, operation: Operation, answers: oneshot::Receiver<Reply>) -> Reply {
        answers.await.unwrap_or_else(|_| Err(StoreError::unknown(&self.handle.name, operation, Gone)))
    }

    /// Does something on a connection; the error of one that reads says that nothing was written.
    async fn on_connection<T>(
        &self,
        operation: Operation,
        writes: bool,
        act: impl AsyncFnOnce(&mut PgConnection, &Shared) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let shared = &*self.handle;
        let error = |nature, cause| store_error(&shared.name, operation, nature, Arc::new(cause));
        let acquired = shared.acquire().await;
        let mut connection = acquired.map_err(|cause| error(Nature::of_connecting(&cause), cause))?;
        act(&mut connection, shared).await.map_err(|cause| match Nature::from(&cause) {
            Nature::Unknown if !writes => error(Nature::Retry, cause),
            nature => error(nature, cause),
        })
    }

    /// Shows the others that a session lives, before it gets its first lease.
    async fn hold(&self, operation: Operation, session: &Session) -> Result<(), StoreError> {
        let held = self.handle.sessions.hold(session).await;
        held.map_err(|cause| StoreError::retry(&self.handle.name, operation, cause))
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresStore").field(&self.handle.name).finish()
    }
}

impl Store for PostgresStore {
    fn create(&self, batch: Vec<NewRun>) -> StoreFuture<'_, Vec<Created>> {
        Box::pin(async move {
            for new in &batch {
                if let Start::Lent { session, .. } = &new.start {
                    self.hold(Operation::Create, session).await?;
                }
            }
            let items = batch.into_iter().map(|new| Item::Create(Box::new(new))).collect();
            self.write(Operation::Create, items, |answer| match answer {
                Answer::Created(created) => Some(created),
                Answer::Committed(_) | Answer::Delivered(_) => None,
            })
            .await
        })
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'_, Claimed> {
        Box::pin(async move {
            self.hold(Operation::Claim, &claim.session).await?;
            lend::claim_for_a_listener(self, claim).await
        })
    }

    fn renew(&self, leases: Vec<Lease>, keep: Duration) -> StoreFuture<'_, Vec<Renewed>> {
        Box::pin(async move {
            self.on_connection(Operation::Renew, true, async |connection, shared| {
                lend::renew(connection, shared, &leases, keep).await
            })
            .await
        })
    }

    fn commit(&self, batch: Vec<Commit>) -> StoreFuture<'_, Vec<Committed>> {
        Box::pin(async move {
            // What contradicts itself is refused before it is sent.
            let mut refused = Vec::new();
            let mut items = Vec::with_capacity(batch.len());
            for (index, commit) in batch.into_iter().enumerate() {
                match commit.check() {
                    Ok(()) => items.push(Item::Commit(Box::new(commit))),
                    Err(invalid) => {
                        let error = StoreError::fatal(&self.handle.name, Operation::Commit, invalid);
                        refused.push((index, Committed::Rejected(error)));
                    }
                }
            }
            let answers = self.write(Operation::Commit, items, |answer| match answer {
                Answer::Committed(committed) => Some(committed),
                Answer::Created(_) | Answer::Delivered(_) => None,
            });
            let Stamped { now, mut value } = answers.await?;
            for (index, rejected) in refused {
                value.insert(index, rejected);
            }
            Ok(Stamped { now, value })
        })
    }

    fn deliver(&self, batch: Vec<Message>) -> StoreFuture<'_, Vec<Delivered>> {
        let items = batch.into_iter().map(Item::Deliver).collect();
        self.write(Operation::Deliver, items, |answer| match answer {
            Answer::Delivered(delivered) => Some(delivered),
            Answer::Created(_) | Answer::Committed(_) => None,
        })
    }

    fn load<'a>(&'a self, id: &'a RunId, depth: Depth) -> StoreFuture<'a, Option<Record>> {
        Box::pin(async move {
            self.on_connection(Operation::Load, false, async |connection, shared| {
                read::load(connection, shared, id, depth).await
            })
            .await
        })
    }

    fn history<'a>(&'a self, id: &'a RunId, page: Page) -> StoreFuture<'a, Vec<Entry>> {
        Box::pin(async move {
            self.on_connection(Operation::History, false, async |connection, shared| {
                read::history(connection, shared, id, page).await
            })
            .await
        })
    }

    fn list(&self, query: Query) -> StoreFuture<'_, Listed> {
        Box::pin(async move {
            self.on_connection(Operation::List, false, async |connection, shared| {
                read::list(connection, shared, &query).await
            })
            .await
        })
    }

    fn purge(&self, filter: Filter, limit: u32) -> StoreFuture<'_, u32> {
        Box::pin(async move {
            self.on_connection(Operation::Purge, true, async |connection, shared| {
                purge::purge(connection, shared, &filter, limit).await
            })
            .await
        })
    }

    fn wakes(&self) -> BoxStream<'static, Wake> {
        self.handle.bells.listen()
    }

    fn connection(&self) -> Option<TransactionType> {
        Some(TransactionType::of::<PgConnection>())
    }

    fn create_in<'a>(
        &'a self,
        connection: &'a mut (dyn Any + Send),
        run: NewRun,
    ) -> StoreFuture<'a, Created> {
        Box::pin(transaction::create_in(&self.handle, connection, run))
    }

    fn transaction(&self) -> Option<TransactionType> {
        Some(TransactionType::of::<PostgresTransaction>())
    }

    fn begin(&self) -> OpenFuture<'_> {
        Box::pin(async {
            let open = transaction::Open::begin(self).await?;
            Ok(Box::new(open) as Box<dyn OpenTransaction>)
        })
    }
}
