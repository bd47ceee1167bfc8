//! A transaction that a step of the user's shares with its run.
//!
//! The writer's thread does nothing else while it is open: it waits for the step's body, which runs on this very thread, and for
//! the commit. If the requests end without one, all is rolled back.

use std::{
    cell::RefCell,
    future::ready,
    ops::Deref,
    pin::Pin,
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
};

use futures_util::FutureExt;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{Gone, SqliteStore, commit, statement::run, task::Answer, thread::Writer, tx::Tx};
use crate::{
    store::{
        Commit, Committed, OpenTransaction, Operation, Stamped, StoreError, StoreFuture, TransactionWork,
        Wake,
        nature::{Nature, store_error},
        transaction::Ended,
    },
    suspend::BlockingTransaction,
};

/// The transaction of a [`SqliteStore`] that a step writes in: see `#[step(transaction)]`.
///
/// It is rusqlite's connection to the store's own file, inside of a transaction: whatever rusqlite does with a `&Connection`
/// goes, but the beginning and the end of the transaction, which are the engine's. The store's own tables are no place for other
/// programs; tables of your own stand beside them.
#[derive(Debug)]
pub struct SqliteTransaction {
    db: Connection,
    /// What listeners are to be told once it is committed, beside what the commit tells them.
    wakes: RefCell<Vec<Wake>>,
}

impl SqliteTransaction {
    /// On this connection. The writer's is always one: it needs no other to lend it to a step.
    pub(super) fn new(db: Connection) -> Self {
        Self { db, wakes: RefCell::default() }
    }

    /// Has listeners told of something if the transaction is committed.
    pub(super) fn wake_later(&self, wakes: Vec<Wake>) {
        self.wakes.borrow_mut().extend(wakes);
    }
}

impl Deref for SqliteTransaction {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.db
    }
}

impl BlockingTransaction for SqliteTransaction {}

/// Somebody waits for a transaction.
pub(super) struct Opening {
    pub(super) reply: oneshot::Sender<Result<(), StoreError>>,
    pub(super) requests: Receiver<Request>,
}

/// What is to be done in a transaction that is open.
pub(super) enum Request {
    Run(TransactionWork, oneshot::Sender<()>),
    Commit(Box<Commit>, oneshot::Sender<Answer<Committed>>),
}

/// The holder's end of a transaction.
pub(super) struct Open {
    // Before the store: that waits for the thread, which waits for requests.
    requests: Sender<Request>,
    store: SqliteStore,
}

impl Open {
    /// Opens a transaction.
    pub(super) async fn begin(store: SqliteStore) -> Result<Self, StoreError> {
        let (reply, opened) = oneshot::channel();
        let (requests, served) = mpsc::channel();
        let gone = |_| StoreError::fatal(&store.handle.shared.name, Operation::Begin, Gone);
        // If it can't be queued, the reply is dropped.
        store.handle.writer.queue(super::thread::Queued::Transaction(Opening { reply, requests: served }));
        opened.await.map_err(gone)??;
        Ok(Self { requests, store })
    }
}

impl OpenTransaction for Open {
    fn run(&mut self, work: TransactionWork) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let (done, ran) = oneshot::channel();
        // Who waits for what the work says hears that it was dropped, if the thread is gone.
        drop(self.requests.send(Request::Run(work, done)));
        Box::pin(ran.map(drop))
    }

    fn commit(self: Box<Self>, commit: Commit) -> StoreFuture<'static, Committed> {
        let Self { requests, store } = *self;
        let (reply, answer) = oneshot::channel();
        let name = store.handle.shared.name.clone();
        if requests.send(Request::Commit(Box::new(commit), reply)).is_err() {
            return Box::pin(ready(Err(StoreError::fatal(&name, Operation::Commit, Gone))));
        }
        Box::pin(async move {
            // It keeps the file open until the answer is here.
            let _store = store;
            answer.await.unwrap_or_else(|_| Err(StoreError::unknown(&name, Operation::Commit, Gone)))
        })
    }
}

impl Writer {
    /// Opens a transaction and does what its holder says, until that commits it or lets go of it.
    pub(super) fn transact(&mut self, opening: Opening) {
        let Opening { reply, requests } = opening;
        if reply.is_closed() {
            return;
        }
        if let Err(cause) = self.open() {
            let nature = Nature::from(&cause);
            // Nobody may be waiting any more.
            let _ =
                reply.send(Err(store_error(&self.shared.name, Operation::Begin, nature, Arc::new(cause))));
            return;
        }
        if reply.send(Ok(())).is_ok() {
            self.serve(&requests);
        }
        self.roll_back();
    }

    fn open(&mut self) -> rusqlite::Result<()> {
        self.wait_for_disk(true)?;
        self.idle.take();
        run(&self.db, "BEGIN IMMEDIATE", []).map(drop)
    }

    fn serve(&mut self, requests: &Receiver<Request>) {
        while let Ok(request) = requests.recv() {
            match request {
                Request::Run(work, done) => {
                    // It is a plain function, and so it is ready when it is first asked.
                    let _ = work(&mut self.db).now_or_never();
                    let _ = done.send(());
                }
                Request::Commit(commit, reply) => {
                    let (answer, wakes) = self.close(&commit);
                    self.roll_back();
                    // Those who wait for an answer come before those who are told of something.
                    let _ = reply.send(answer);
                    self.shared.bells.ring(wakes);
                    return;
                }
            }
        }
    }

    /// Stores a commit with what was written before it.
    fn close(&self, commit: &Commit) -> (Answer<Committed>, Vec<Wake>) {
        let name = &self.shared.name;
        let now = self.shared.clock.now();
        let rejected = |error| (Ok(Stamped { now, value: Committed::Rejected(error) }), Vec::new());
        if self.db.is_autocommit() {
            return rejected(StoreError::fatal(name, Operation::Commit, Ended));
        }
        let mut tx = Tx::new(&self.db, &self.shared, &self.idle, now, false);
        let value = match commit::commit(&mut tx, commit) {
            Ok(done @ Committed::Done { .. }) => done,
            Ok(other) => return (Ok(Stamped { now, value: other }), Vec::new()),
            Err(error) => return rejected(tx.error(Operation::Commit, error)),
        };
        let mut wakes = tx.wakes;
        wakes.append(&mut self.db.wakes.borrow_mut());
        match run(&self.db, "COMMIT", []) {
            Ok(_) => (Ok(Stamped { now, value }), wakes),
            Err(cause) => {
                let nature = match Nature::from(&cause) {
                    // A constraint that was looked at no sooner.
                    Nature::Fatal => Nature::Fatal,
                    Nature::Retry | Nature::Unknown => Nature::Unknown,
                };
                (Err(store_error(name, Operation::Commit, nature, Arc::new(cause))), Vec::new())
            }
        }
    }

    /// Undoes what was not committed.
    fn roll_back(&self) {
        self.db.wakes.borrow_mut().clear();
        if !self.db.is_autocommit() {
            // It can only fail if the transaction is gone already.
            let _ = run(&self.db, "ROLLBACK", []);
        }
    }
}
