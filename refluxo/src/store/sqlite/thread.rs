//! The writer's thread: it owns a connection, and all that is queued shares a transaction.
//!
//! The basic idea is as follows: while one transaction waits for the disk, what others want to write queues up, and the
//! next transaction takes all of it. So throughput grows with concurrency, and each write is as durable as if alone.

use std::{
    cell::RefCell,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    },
    time::{Duration, Instant},
};

use super::{
    Shared, Synchronous,
    answers::Answers,
    idle::{Idle, file_version},
    statement::run,
    task::{Batch, Work},
    transaction::{Opening, SqliteTransaction},
    tx::Tx,
};
use crate::{
    store::{
        Wake,
        nature::{Nature, store_error},
    },
    time::Timestamp,
};

/// How long the writer waits for one more of those that shared the last transaction: a tenth of what the disk takes.
const PATIENCE: Duration = Duration::from_micros(15);

/// How often the file is looked at for writes of other processes while somebody listens for hints.
const DOORBELL: Duration = Duration::from_millis(25);

/// How often the locks of other sessions are looked at while this process is idle.
const LIVENESS: Duration = Duration::from_millis(250);

/// How many requests share a transaction at most, which bounds how long the first of them waits for the last.
const MOST_TOGETHER: usize = 512;

/// What is queued for the writer.
pub(super) enum Queued {
    /// What shares a transaction with others.
    Work(Box<dyn Work>),
    /// A transaction for one run and its step.
    Transaction(Opening),
}

/// The writer.
pub(super) struct Writer {
    pub(super) db: SqliteTransaction,
    pub(super) shared: Arc<Shared>,
    pub(super) queue: Receiver<Queued>,
    /// The file's version as this connection last saw it; it changes when another connection writes.
    version: i64,
    looked_at: Instant,
    /// When the locks of other sessions were last looked at.
    checked_at: Instant,
    /// What the last claim found, if that was nothing and nothing was written since.
    pub(super) idle: RefCell<Option<Idle>>,
    /// How many requests shared the last transaction.
    together: usize,
    /// Whether a commit now waits for the disk, as far as the store was told to.
    waits_for_disk: bool,
    answers: Answers,
}

/// How an attempt to write a batch failed.
enum Failed {
    /// Before the end of the transaction: nothing was written.
    Within(rusqlite::Error),
    /// At its end: it may have been written.
    AtCommit(rusqlite::Error),
}

impl Writer {
    pub(super) fn new(
        db: SqliteTransaction,
        shared: Arc<Shared>,
        queue: Receiver<Queued>,
        answers: Answers,
    ) -> Self {
        let now = Instant::now();
        let idle = RefCell::new(None);
        Self {
            db,
            shared,
            queue,
            version: 0,
            looked_at: now,
            checked_at: now,
            idle,
            together: 1,
            waits_for_disk: true,
            answers,
        }
    }

    /// Works until the store is dropped.
    pub(super) fn run(mut self) {
        while let Some((batch, transaction)) = self.next_batch() {
            if !batch.is_empty() {
                self.together = batch.len();
                self.handle(batch);
            }
            if let Some(transaction) = transaction {
                self.transact(transaction);
            }
            self.look_at_file();
        }
    }

    /// Waits for requests; none if it is only time to look at the file or after answers. A transaction that comes ends the batch.
    fn next_batch(&mut self) -> Option<(Batch, Option<Opening>)> {
        let doorbell = self.shared.bells.has_listeners().then_some(DOORBELL);
        let first = match self.answers.look_after().into_iter().chain(doorbell).min() {
            Some(most) => match self.queue.recv_timeout(most) {
                Ok(first) => first,
                Err(RecvTimeoutError::Timeout) => return Some((Vec::new(), None)),
                Err(RecvTimeoutError::Disconnected) => return None,
            },
            None => self.queue.recv().ok()?,
        };
        let mut batch = match first {
            Queued::Work(first) => vec![first],
            Queued::Transaction(opening) => return Some((Vec::new(), Some(opening))),
        };
        let transaction = self.gather(&mut batch);
        Some((batch, transaction))
    }

    /// Takes what is queued, and what is about to be.
    ///
    /// Those whose answers came together will ask again together. To go with the first of them alone would cost all the
    /// others a wait for the disk, so the writer gives way to them for as long as they keep coming.
    fn gather(&self, batch: &mut Batch) -> Option<Opening> {
        let start = Instant::now();
        let mut last = start;
        while batch.len() < MOST_TOGETHER {
            match self.queue.try_recv() {
                Ok(Queued::Work(next)) => {
                    batch.push(next);
                    last = Instant::now();
                }
                Ok(Queued::Transaction(opening)) => return Some(opening),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {
                    let enough = batch.len() >= self.together;
                    if enough || last.elapsed() > PATIENCE || start.elapsed() > PATIENCE * 8 {
                        return None;
                    }
                    std::thread::yield_now();
                }
            }
        }
        None
    }

    /// Rings if another process has written to the file, or has died. It reads no table.
    fn look_at_file(&mut self) {
        if self.looked_at.elapsed() < DOORBELL || !self.shared.bells.has_listeners() {
            return;
        }
        self.looked_at = Instant::now();
        // If the version can't be told, a hint is lost, which is allowed.
        if let Ok(version) = file_version(&self.db)
            && version != self.version
        {
            self.version = version;
            self.shared.bells.ring([Wake::Any]);
        }
        if self.checked_at.elapsed() >= LIVENESS {
            self.checked_at = Instant::now();
            self.look_for_orphans();
        }
    }

    /// Rings once if a session is over that held leases when a claim last found nothing. A busy worker claims anyway.
    fn look_for_orphans(&self) {
        let now = self.shared.clock.now();
        let tx = Tx::new(&self.db, &self.shared, &self.idle, now, false);
        if self.idle.borrow().as_ref().is_some_and(|idle| idle.has_orphans(&tx)) {
            self.idle.take();
            self.shared.bells.ring([Wake::Due(now)]);
        }
    }

    /// Carries out a batch and sends all answers.
    fn handle(&mut self, batch: Batch) {
        let mut undone = self.answer_by_reading(batch);
        if undone.is_empty() {
            return;
        }
        let result = match self.write(&mut undone, false) {
            // One item has failed, which must not hurt the others: again, and each of them alone this time.
            Err(Failed::Within(_)) => self.write(&mut undone, true),
            result => result,
        };
        match result {
            Ok((now, wakes)) => {
                // Those who wait for an answer come before those who are told of something.
                let take_back = self.answers.send(undone, now);
                self.shared.bells.ring(wakes);
                if !take_back.is_empty() {
                    self.handle(take_back);
                }
            }
            Err(failed) => {
                let (nature, cause) = match failed {
                    Failed::Within(cause) => (Nature::from(&cause), Arc::new(cause)),
                    Failed::AtCommit(cause) => (Nature::Unknown, Arc::new(cause)),
                };
                let error = |operation| store_error(&self.shared.name, operation, nature, cause.clone());
                for work in undone {
                    work.fail(&error);
                }
            }
        }
    }

    /// Answers what needs no transaction; returns the rest. A batch that writes anyway is not looked through.
    fn answer_by_reading(&self, batch: Batch) -> Batch {
        if batch.iter().any(|work| work.is_durable()) {
            return batch;
        }
        let now = self.shared.clock.now();
        let mut tx = Tx::new(&self.db, &self.shared, &self.idle, now, false);
        let mut rest = Vec::new();
        for mut work in batch {
            // An error will come again in the transaction, and is told from there.
            if matches!(work.peek(&mut tx), Ok(true)) {
                work.answer(now);
            } else {
                rest.push(work);
            }
        }
        rest
    }

    /// Writes a batch in one transaction. If `careful`, each item is undone alone if it fails.
    fn write(
        &mut self,
        batch: &mut [Box<dyn Work>],
        careful: bool,
    ) -> Result<(Timestamp, Vec<Wake>), Failed> {
        self.wait_for_disk(batch.iter().any(|work| work.is_durable())).map_err(Failed::Within)?;
        self.idle.take();
        run(&self.db, "BEGIN IMMEDIATE", []).map_err(Failed::Within)?;
        // Under the lock, so that times grow with the order of the transactions.
        let now = self.shared.clock.now();
        let mut tx = Tx::new(&self.db, &self.shared, &self.idle, now, careful);
        let done = batch.iter_mut().try_for_each(|work| work.run(&mut tx));
        let wakes = tx.wakes;
        let result = match done {
            Ok(()) => run(&self.db, "COMMIT", []).map_err(Failed::AtCommit),
            Err(error) => Err(Failed::Within(error)),
        };
        if result.is_err() && !self.db.is_autocommit() {
            // It can only fail if the transaction is gone already.
            let _ = run(&self.db, "ROLLBACK", []);
        }
        result.map(|_| (now, wakes))
    }

    /// Claims and renewals need not survive a power cut, so a transaction of nothing else does not wait for the disk. The
    /// next one that does takes them along.
    pub(super) fn wait_for_disk(&mut self, wait: bool) -> rusqlite::Result<()> {
        if self.shared.synchronous != Synchronous::Full || self.waits_for_disk == wait {
            return Ok(());
        }
        // A pragma takes effect when it is prepared, so it can't be cached.
        self.db.execute_batch(if wait {
            "PRAGMA synchronous = FULL"
        } else {
            "PRAGMA synchronous = NORMAL"
        })?;
        self.waits_for_disk = wait;
        Ok(())
    }
}
