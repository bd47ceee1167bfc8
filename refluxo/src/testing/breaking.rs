//! A store whose line to the engine breaks at a commit.

use std::{
    fmt,
    future::pending,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::stream::BoxStream;
use serde::Deserialize;
use tokio::sync::oneshot;

use super::recording::Recorder;
use crate::{
    store::{
        Claim, Claimed, Commit, Committed, Created, Delivered, Depth, Entry, Filter, Lease, Listed,
        MemoryStore, Message, NewRun, Page, Query, Record, Renewed, RunId, Store, StoreFuture, Wake,
    },
    time::Timestamp,
};

/// Where an engine crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Crash {
    /// The number of the commit, from 0.
    pub(super) number: usize,
    pub(super) side: Side,
}

/// Whether the commit at a crash is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// It is not.
    Before,
    /// It is, and the engine does not come to know.
    After,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before => "before",
            Self::After => "after",
        })
    }
}

/// The commits of a store, over all engines that are connected to it.
pub(super) struct Breaking {
    inner: MemoryStore,
    recorder: Arc<Recorder>,
    commits: Arc<Mutex<Commits>>,
}

/// The commits that were stored.
#[derive(Clone, Debug, Default)]
pub(super) struct Commits {
    pub(super) count: usize,
    /// The calls whose outcomes were among them.
    pub(super) settled: Vec<Settled>,
}

/// A call whose outcome is stored.
#[derive(Clone, Debug)]
pub(super) struct Settled {
    pub(super) key: String,
    pub(super) attempt: u32,
    /// How many calls had been recorded by then.
    pub(super) calls: usize,
}

/// One engine's line to the store.
pub(super) struct Line {
    inner: MemoryStore,
    recorder: Arc<Recorder>,
    commits: Arc<Mutex<Commits>>,
    crash: Option<Crash>,
    /// Nothing comes through any more.
    is_dead: AtomicBool,
    broke: Mutex<Option<oneshot::Sender<()>>>,
}

impl Breaking {
    pub(super) fn new(inner: MemoryStore, recorder: Arc<Recorder>) -> Self {
        Self { inner, recorder, commits: Arc::default() }
    }

    /// A line that breaks at this crash, and what is ready when it has broken.
    pub(super) fn connect(&self, crash: Option<Crash>) -> (Line, BoxedBreak) {
        let (tell, told) = oneshot::channel();
        let line = Line {
            inner: self.inner.clone(),
            recorder: self.recorder.clone(),
            commits: self.commits.clone(),
            crash,
            is_dead: AtomicBool::new(false),
            broke: Mutex::new(Some(tell)),
        };
        let broken = Box::pin(async {
            if told.await.is_err() {
                // The line ended whole.
                pending::<()>().await;
            }
        });
        (line, broken)
    }

    /// What was stored.
    pub(super) fn stored(&self) -> Commits {
        lock(&self.commits).clone()
    }
}

/// Is ready when a line has broken.
pub(super) type BoxedBreak = futures_util::future::BoxFuture<'static, ()>;

impl Line {
    /// Does something unless the line is dead.
    fn through<'a, T: Send + 'a>(
        &'a self,
        operation: impl FnOnce(&'a MemoryStore) -> StoreFuture<'a, T>,
    ) -> StoreFuture<'a, T> {
        if self.is_dead.load(Ordering::Relaxed) { Box::pin(pending()) } else { operation(&self.inner) }
    }

    /// Breaks it.
    fn die(&self) {
        self.is_dead.store(true, Ordering::Relaxed);
        if let Some(tell) = lock(&self.broke).take() {
            // Nobody hears it once the test is over.
            let _ = tell.send(());
        }
    }

    /// Stores commits and counts them.
    fn store(&self, batch: Vec<Commit>) -> StoreFuture<'_, Vec<Committed>> {
        let mut commits = lock(&self.commits);
        commits.count += 1;
        let calls = self.recorder.read().calls.len();
        for entry in batch.iter().flat_map(|commit| &commit.entries) {
            if let Ok(Told { key, attempt, parked: None }) = serde_json::from_slice(entry) {
                commits.settled.push(Settled { key, attempt, calls });
            }
        }
        self.inner.commit(batch)
    }
}

/// What an entry of a run's history tells of a call.
#[derive(Deserialize)]
struct Told {
    key: String,
    attempt: u32,
    /// The call is made again when the run goes on.
    parked: Option<serde::de::IgnoredAny>,
}

impl Store for Line {
    fn create(&self, batch: Vec<NewRun>) -> StoreFuture<'_, Vec<Created>> {
        self.through(|store| store.create(batch))
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'_, Claimed> {
        self.through(|store| store.claim(claim))
    }

    fn renew(&self, leases: Vec<Lease>, keep: Duration) -> StoreFuture<'_, Vec<Renewed>> {
        self.through(|store| store.renew(leases, keep))
    }

    fn commit(&self, batch: Vec<Commit>) -> StoreFuture<'_, Vec<Committed>> {
        let number = lock(&self.commits).count;
        match self.crash.filter(|crash| crash.number == number) {
            Some(crash) if !self.is_dead.load(Ordering::Relaxed) => {
                if crash.side == Side::After {
                    drop(self.store(batch));
                }
                self.die();
                Box::pin(pending())
            }
            Some(_) | None => self.through(|_| self.store(batch)),
        }
    }

    fn deliver(&self, batch: Vec<Message>) -> StoreFuture<'_, Vec<Delivered>> {
        self.through(|store| store.deliver(batch))
    }

    fn load<'a>(&'a self, id: &'a RunId, depth: Depth) -> StoreFuture<'a, Option<Record>> {
        self.through(|store| store.load(id, depth))
    }

    fn history<'a>(&'a self, id: &'a RunId, page: Page) -> StoreFuture<'a, Vec<Entry>> {
        self.through(|store| store.history(id, page))
    }

    fn list(&self, query: Query) -> StoreFuture<'_, Listed> {
        self.through(|store| store.list(query))
    }

    fn purge(&self, filter: Filter, limit: u32) -> StoreFuture<'_, u32> {
        self.through(|store| store.purge(filter, limit))
    }

    fn wakes(&self) -> BoxStream<'static, Wake> {
        self.inner.wakes()
    }

    fn clock(&self) -> Option<Timestamp> {
        self.inner.clock()
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("crash", &self.crash).finish_non_exhaustive()
    }
}

/// The value behind a mutex, under which nothing panics.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
