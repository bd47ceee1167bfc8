//! A store in memory: the executable specification, for tests and for runs that need not outlive their process.

mod claims;
mod gates;
mod run;
mod table;

use std::{
    fmt,
    future::ready,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::stream::BoxStream;

use self::table::Table;
use super::{
    Claim, Claimed, Commit, Committed, Created, Delivered, Depth, Entry, Filter, Lease, Limits, Listed,
    Message, NewRun, Operation, Page, Query, Record, Renewed, RunId, Stamped, Store, StoreError, StoreFuture,
    Token, Wake, wake::Bells,
};
use crate::time::{Clock, SystemClock, Timestamp};

/// Keeps runs in memory. Clones are handles on the same runs.
///
/// Each operation is one critical section, so it is the plainest statement of what the [`Store`] trait asks for. A claim
/// looks only at runs that are due, however many sleep.
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

struct Shared {
    table: Mutex<Table>,
    clock: Arc<dyn Clock>,
    bells: Arc<Bells>,
    name: Arc<str>,
}

/// Settings of a [`MemoryStore`].
#[must_use]
pub struct MemoryStoreBuilder {
    clock: Arc<dyn Clock>,
    limits: Limits,
    hands_back_effects: bool,
    tokens: Box<dyn FnMut() -> Token + Send>,
}

impl MemoryStoreBuilder {
    /// Takes the time from `clock`; without it, from the wall clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the bounds of what is kept of one run.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Leaves the effects of commits to the holder of the run, as a store does that can't write two records at once:
    /// a driver that works with both kinds of store can be tested against both.
    pub fn hand_back_effects(mut self) -> Self {
        self.hands_back_effects = true;
        self
    }

    /// Takes the tokens of claims from `source`, for tests that are run from a seed. Tokens must never repeat.
    pub fn tokens(mut self, source: impl FnMut() -> Token + Send + 'static) -> Self {
        self.tokens = Box::new(source);
        self
    }

    /// The store, empty.
    #[must_use]
    pub fn build(self) -> MemoryStore {
        let bells = Arc::new(Bells::new());
        let listeners = Arc::downgrade(&bells);
        self.clock
            .on_jump(Box::new(move || listeners.upgrade().map(|bells| bells.ring([Wake::Any])).is_some()));
        let table = Table::new(self.limits, self.hands_back_effects, self.tokens);
        let (table, clock, name) = (Mutex::new(table), self.clock, Arc::from("memory"));
        MemoryStore { shared: Arc::new(Shared { table, clock, bells, name }) }
    }
}

impl MemoryStore {
    /// An empty store with the wall clock and the usual limits.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// For other settings.
    pub fn builder() -> MemoryStoreBuilder {
        MemoryStoreBuilder {
            clock: Arc::new(SystemClock),
            limits: Limits::default(),
            hands_back_effects: false,
            tokens: Box::new(Token::random),
        }
    }

    /// Runs one operation in the critical section and rings afterwards.
    fn with<'a, T: Send + 'a>(
        &self,
        operation: impl FnOnce(&mut Table, Timestamp) -> T,
    ) -> StoreFuture<'a, T> {
        let now = self.shared.clock.now();
        let (value, wakes) = {
            // A panic under the lock would be a bug here, and each change of a run is small: go on with what there is.
            let mut table = self.shared.table.lock().unwrap_or_else(PoisonError::into_inner);
            let value = operation(&mut table, now);
            (value, std::mem::take(&mut table.wakes))
        };
        self.shared.bells.ring(wakes);
        Box::pin(ready(Ok(Stamped { now, value })))
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    fn create(&self, batch: Vec<NewRun>) -> StoreFuture<'_, Vec<Created>> {
        self.with(|table, now| batch.into_iter().map(|new| table.create(new, now)).collect())
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'_, Claimed> {
        self.with(|table, now| table.claim(&claim, now))
    }

    fn renew(&self, leases: Vec<Lease>, keep: Duration) -> StoreFuture<'_, Vec<Renewed>> {
        self.with(|table, now| {
            let until = now.saturating_add(keep);
            leases.iter().map(|lease| table.renew(lease, until, now)).collect()
        })
    }

    fn commit(&self, batch: Vec<Commit>) -> StoreFuture<'_, Vec<Committed>> {
        let rejected =
            |invalid| Committed::Rejected(StoreError::fatal(&self.shared.name, Operation::Commit, invalid));
        self.with(|table, now| {
            batch.into_iter().map(|commit| table.commit(commit, now).unwrap_or_else(rejected)).collect()
        })
    }

    fn deliver(&self, batch: Vec<Message>) -> StoreFuture<'_, Vec<Delivered>> {
        self.with(|table, now| batch.into_iter().map(|message| table.deliver(message, true, now)).collect())
    }

    fn load<'a>(&'a self, id: &'a RunId, depth: Depth) -> StoreFuture<'a, Option<Record>> {
        self.with(|table, _| table.get(id).map(|run| run.record(depth)))
    }

    fn history<'a>(&'a self, id: &'a RunId, page: Page) -> StoreFuture<'a, Vec<Entry>> {
        self.with(|table, _| {
            table.get(id).map(|run| run.history(page.before, page.limit)).unwrap_or_default()
        })
    }

    fn list(&self, query: Query) -> StoreFuture<'_, Listed> {
        self.with(|table, _| table.list(&query))
    }

    fn purge(&self, filter: Filter, limit: u32) -> StoreFuture<'_, u32> {
        self.with(|table, _| table.purge(&filter, limit))
    }

    fn wakes(&self) -> BoxStream<'static, Wake> {
        self.shared.bells.listen()
    }

    fn clock(&self) -> Option<Timestamp> {
        Some(self.shared.clock.now())
    }
}
