//! A store in one SQLite file, without a server.
//!
//! # How it works
//!
//! A thread owns the connection that writes, and takes all that is queued into one transaction ([`thread`]); a task of the runtime
//! then sends the answers ([`answers`]). Another thread reads, so that no read waits for the disk. The file is in WAL mode: readers
//! and the writer don't block each other, also between processes.
//!
//! Several processes may use one file. They look every 25 ms whether another one has written (`PRAGMA data_version`, which
//! reads no table), as long as somebody listens to hints. Each worker's session locks a file beside the database, so that the
//! runs of a process that died are taken over at once: idle workers look at the locks four times a second. The file must be on a local disk: network file systems have no
//! locks that can be relied on.

mod answers;
mod commit;
mod create;
mod create_in;
mod deliver;
mod effects;
mod entries;
mod failure;
mod filter;
mod gates;
mod idle;
mod lend;
mod open;
mod purge;
mod rates;
mod read;
mod reader;
mod rows;
mod schema;
mod sessions;
mod statement;
mod task;
mod thread;
mod transaction;
mod tx;

use std::{
    any::Any,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, mpsc::Sender},
    thread::JoinHandle,
    time::Duration,
};

use futures_util::stream::BoxStream;
use rusqlite::Connection;
use tokio::sync::oneshot;

use self::{
    lend::Claiming,
    reader::Reading,
    sessions::Sessions,
    task::{Answer, Job, Nothing, Plain, Task},
    thread::Queued,
    tx::Tx,
};
pub use self::{
    open::{SqliteStoreBuilder, Synchronous},
    schema::SqliteOpenError,
    transaction::SqliteTransaction,
};
use super::{
    Claim, Claimed, Commit, Committed, Created, Delivered, Depth, Entry, Filter, Lease, Limits, Listed,
    Message, NewRun, OpenFuture, OpenTransaction, Operation, Page, Query, Record, Renewed, RunId, Stamped,
    Store, StoreError, StoreFuture, Wake, wake::Bells,
};
use crate::{
    suspend::TransactionType,
    time::{Clock, Timestamp},
};

/// Keeps runs in one SQLite file, without a server.
///
/// What many runs want to write shares a transaction, and each of them is as durable as if alone. Several processes may use
/// one file: they notice within 25 ms that another one has written, and within 250 ms that one has died, whose runs they
/// take over without waiting for its leases. The file must be on a local disk, since network file systems have no locks
/// that can be relied on; beside it lie SQLite's own `-wal` and `-shm` files and a lock file for each worker.
///
/// Clones are handles on the same connections; the last one to be dropped closes the file, after everything that was queued
/// has been written, and waits for that.
#[derive(Clone)]
pub struct SqliteStore {
    handle: Arc<Handle>,
}

/// What the handles and the threads share.
struct Shared {
    name: Arc<str>,
    /// The file, by its real name.
    path: PathBuf,
    clock: Arc<dyn Clock>,
    limits: Limits,
    synchronous: Synchronous,
    sessions: Sessions,
    bells: Bells,
}

/// The two threads. Dropping it ends them.
struct Handle {
    shared: Arc<Shared>,
    writer: Worker<Queued>,
    reader: Worker<Reading>,
}

/// A thread and its queue, until both are closed.
struct Worker<T>(Option<(Sender<T>, JoinHandle<()>)>);

impl<T> Worker<T> {
    /// Queues an item; tells whether the thread will come to it.
    fn queue(&self, item: T) -> bool {
        self.0.as_ref().is_some_and(|(queue, _)| queue.send(item).is_ok())
    }

    /// Lets the thread finish what is queued, and waits for that.
    fn close(&mut self) {
        let Some((queue, thread)) = self.0.take() else { return };
        drop(queue);
        if thread.thread().id() != std::thread::current().id() {
            // A panic in the thread was told to those who waited for it.
            let _ = thread.join();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // One after the other: the last connection to be closed tidies the file up, and if both are closed at once, neither
        // is the last.
        self.reader.close();
        self.writer.close();
    }
}

/// The store's threads are gone: one of them has panicked.
#[derive(Debug, thiserror::Error)]
#[error("the store's thread is gone")]
struct Gone;

impl SqliteStore {
    /// Opens the file, and makes it if there is none: with `synchronous = FULL`, the wall clock and the usual limits.
    ///
    /// # Errors
    ///
    /// If the file can't be opened, was written by a later release or belongs to another program.
    ///
    /// # Cancel safety
    ///
    /// The file may be opened or not; nothing in it changes but the schema.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, SqliteOpenError> {
        Self::builder(path).open().await
    }

    /// For other settings.
    pub fn builder(path: impl AsRef<Path>) -> SqliteStoreBuilder {
        SqliteStoreBuilder::new(path.as_ref())
    }

    /// Queues a write and waits for its answer.
    fn write<J: Job + 'static>(
        &self,
        operation: Operation,
        durable: bool,
        job: J,
    ) -> StoreFuture<'static, J::Output> {
        let (reply, answer) = oneshot::channel();
        let task = Task { operation, durable, job, output: None, reply };
        let queued = self.handle.writer.queue(Queued::Work(Box::new(task)));
        let name = self.handle.shared.name.clone();
        Box::pin(async move {
            if !queued {
                return Err(StoreError::fatal(&name, operation, Gone));
            }
            answer.await.unwrap_or_else(|_| Err(StoreError::unknown(&name, operation, Gone)))
        })
    }

    /// Queues a read and waits for its answer.
    fn read<T: Send + 'static>(
        &self,
        operation: Operation,
        read: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> StoreFuture<'static, T> {
        let (reply, answer) = oneshot::channel::<Answer<T>>();
        let reading = reader::reading(operation, read, reply);
        let name = self.handle.shared.name.clone();
        let queued = self.handle.reader.queue(reading);
        Box::pin(async move {
            let answer = if queued { answer.await.ok() } else { None };
            answer.unwrap_or_else(|| Err(StoreError::fatal(&name, operation, Gone)))
        })
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqliteStore").field(&self.handle.shared.name).finish()
    }
}

impl Store for SqliteStore {
    fn create(&self, batch: Vec<NewRun>) -> StoreFuture<'_, Vec<Created>> {
        let job =
            move |tx: &mut Tx<'_>| tx.each(&batch, Operation::Create, Created::Rejected, create::create);
        self.write(Operation::Create, true, Plain(job))
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'_, Claimed> {
        self.write(Operation::Claim, false, Claiming(claim))
    }

    fn renew(&self, leases: Vec<Lease>, keep: Duration) -> StoreFuture<'_, Vec<Renewed>> {
        let job = move |tx: &mut Tx<'_>| leases.iter().map(|lease| lend::renew(tx, lease, keep)).collect();
        self.write(Operation::Renew, false, Plain(job))
    }

    fn commit(&self, batch: Vec<Commit>) -> StoreFuture<'_, Vec<Committed>> {
        let job =
            move |tx: &mut Tx<'_>| tx.each(&batch, Operation::Commit, Committed::Rejected, commit::commit);
        self.write(Operation::Commit, true, Plain(job))
    }

    fn deliver(&self, batch: Vec<Message>) -> StoreFuture<'_, Vec<Delivered>> {
        let job = move |tx: &mut Tx<'_>| {
            tx.each(&batch, Operation::Deliver, Delivered::Rejected, deliver::deliver_within_bounds)
        };
        self.write(Operation::Deliver, true, Plain(job))
    }

    fn load<'a>(&'a self, id: &'a RunId, depth: Depth) -> StoreFuture<'a, Option<Record>> {
        let id = id.clone();
        self.read(Operation::Load, move |db| read::load_record(db, &id, depth))
    }

    fn history<'a>(&'a self, id: &'a RunId, page: Page) -> StoreFuture<'a, Vec<Entry>> {
        let id = id.clone();
        self.read(Operation::History, move |db| entries::history(db, &id, page))
    }

    fn list(&self, query: Query) -> StoreFuture<'_, Listed> {
        self.read(Operation::List, move |db| read::list(db, &query))
    }

    fn purge(&self, filter: Filter, limit: u32) -> StoreFuture<'_, u32> {
        let job = move |tx: &mut Tx<'_>| purge::purge(tx, &filter, limit);
        self.write(Operation::Purge, true, Plain(job))
    }

    fn wakes(&self) -> BoxStream<'static, Wake> {
        let wakes = self.handle.shared.bells.listen();
        // The writer may be waiting for requests without an eye on the file.
        drop(self.write(Operation::Claim, false, Nothing));
        wakes
    }

    fn clock(&self) -> Option<Timestamp> {
        Some(self.handle.shared.clock.now())
    }

    fn connection(&self) -> Option<TransactionType> {
        Some(TransactionType::of::<Connection>())
    }

    fn create_in_blocking(&self, connection: &dyn Any, run: NewRun) -> Result<Stamped<Created>, StoreError> {
        create_in::create_in(&self.handle.shared, connection, &run)
    }

    fn transaction(&self) -> Option<TransactionType> {
        Some(TransactionType::of::<SqliteTransaction>())
    }

    fn begin(&self) -> OpenFuture<'_> {
        let opening = transaction::Open::begin(self.clone());
        Box::pin(async move { Ok(Box::new(opening.await?) as Box<dyn OpenTransaction>) })
    }
}
