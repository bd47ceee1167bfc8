//! What engines ask of their stores while nothing happens.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::stream::BoxStream;
use refluxo::{
    engine::ResultError,
    store::{
        Claim, Claimed, Commit, Committed, Created, Delivered, Depth, Entry, Filter, Lease, Listed, Message,
        NewRun, Page, Query, Record, Renewed, RunId, Store, StoreFuture, Wake,
    },
    time::Timestamp,
};
use support::{
    Place, build,
    script::{Line, Script, script},
    soon, step,
};

/// Counts what is asked of another store.
#[derive(Clone, Debug)]
struct Counting {
    inner: Arc<dyn Store>,
    asked: Arc<AtomicU32>,
    /// How often leases were renewed.
    renewed: Arc<AtomicU32>,
}

impl Counting {
    async fn of(place: &Place) -> Self {
        Self { inner: place.store().await, asked: Arc::default(), renewed: Arc::default() }
    }

    fn ask(&self) -> &dyn Store {
        self.asked.fetch_add(1, Ordering::Relaxed);
        &*self.inner
    }
}

impl Store for Counting {
    fn create(&self, batch: Vec<NewRun>) -> StoreFuture<'_, Vec<Created>> {
        self.ask().create(batch)
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'_, Claimed> {
        self.ask().claim(claim)
    }

    fn renew(&self, leases: Vec<Lease>, keep: Duration) -> StoreFuture<'_, Vec<Renewed>> {
        self.renewed.fetch_add(1, Ordering::Relaxed);
        self.ask().renew(leases, keep)
    }

    fn commit(&self, batch: Vec<Commit>) -> StoreFuture<'_, Vec<Committed>> {
        self.ask().commit(batch)
    }

    fn deliver(&self, batch: Vec<Message>) -> StoreFuture<'_, Vec<Delivered>> {
        self.ask().deliver(batch)
    }

    fn load<'a>(&'a self, id: &'a RunId, depth: Depth) -> StoreFuture<'a, Option<Record>> {
        self.ask().load(id, depth)
    }

    fn history<'a>(&'a self, id: &'a RunId, page: Page) -> StoreFuture<'a, Vec<Entry>> {
        self.ask().history(id, page)
    }

    fn list(&self, query: Query) -> StoreFuture<'_, Listed> {
        self.ask().list(query)
    }

    fn purge(&self, filter: Filter, limit: u32) -> StoreFuture<'_, u32> {
        self.ask().purge(filter, limit)
    }

    fn wakes(&self) -> BoxStream<'static, Wake> {
        self.inner.wakes()
    }

    fn clock(&self) -> Option<Timestamp> {
        self.inner.clock()
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_engine_asks_its_store_once_in_thirty_seconds() {
    let place = Place::memory();
    let store = Counting::of(&place).await;
    let engine = build(place.builder(store.clone())).await;
    // Runs that sleep or wait are idle too.
    engine.start("sleeps", script([Line::Sleep(86_400)])).await.unwrap();
    engine.start("waits", script([Line::Listen])).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;

    let before = store.asked.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_mins(10)).await;
    let asked = store.asked.load(Ordering::Relaxed) - before;
    assert!(asked <= 20, "the store was asked {asked} times in ten minutes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_on_one_file_do_not_have_each_other_renew_their_leases() {
    let place = Place::sqlite();
    let mut workers = Vec::new();
    for id in ["a", "b"] {
        let store = Counting::of(&place).await;
        let engine = build(place.builder(store.clone()).lease(Duration::from_mins(1))).await;
        engine.start(id, script([step("gate")])).await.unwrap();
        soon(place.world.somebody_at_the_gate()).await;
        workers.push((engine, store));
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    for (_, store) in &workers {
        assert_eq!(store.renewed.load(Ordering::Relaxed), 0, "the leases last for a minute");
    }
    // And yet each hears what comes to its run in the other's process.
    let other = workers[0].0.run::<Script>("b").await.unwrap();
    other.abort().await.unwrap();
    assert!(matches!(soon(other.result()).await, Err(ResultError::Cancelled { .. })));
}
