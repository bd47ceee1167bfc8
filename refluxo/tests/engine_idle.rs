//! What engines ask of their stores while nothing happens.

mod support;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::stream::BoxStream;
use refluxo::{
    MemoryStore,
    engine::{ResultError, Retention},
    store::{
        Claim, Claimed, Commit, Committed, Created, Delivered, Depth, Entry, Filter, Lease, Listed, Message,
        NewRun, Page, Query, Record, Renewed, RunId, Store, StoreFuture, Wake,
    },
    testing::VirtualClock,
    time::Timestamp,
};
use support::{
    Place, build,
    script::{Line, Script, script},
    soon, step,
};
use tokio::time::Instant;

/// Counts what is asked of another store.
#[derive(Clone, Debug)]
struct Counting {
    inner: Arc<dyn Store>,
    asked: Arc<Mutex<Vec<Instant>>>,
    /// How often leases were renewed.
    renewed: Arc<AtomicU32>,
    purges: Arc<AtomicU32>,
}

impl Counting {
    async fn of(place: &Place) -> Self {
        let inner = place.store().await;
        Self { inner, asked: Arc::default(), renewed: Arc::default(), purges: Arc::default() }
    }

    fn ask(&self) -> &dyn Store {
        self.asked.lock().unwrap().push(Instant::now());
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
        self.purges.fetch_add(1, Ordering::Relaxed);
        self.ask().purge(filter, limit)
    }

    fn wakes(&self) -> BoxStream<'static, Wake> {
        self.inner.wakes()
    }

    fn clock(&self) -> Option<Timestamp> {
        self.inner.clock()
    }
}

/// Asserts that nothing is asked of the store more often than once in thirty seconds, for so long.
async fn is_idle(store: &Counting, time: Duration) {
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = store.asked.lock().unwrap().len();
    tokio::time::sleep(time).await;
    let asked = store.asked.lock().unwrap();
    assert!(asked.len() > before, "it looks now and then: hints may be lost");
    for pair in asked[before..].windows(2) {
        let pause = pair[1] - pair[0];
        assert!(pause >= Duration::from_secs(30), "the store was asked twice within {pause:?}");
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
    is_idle(&store, Duration::from_mins(10)).await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_engine_that_purges_asks_no_more() {
    let place = Place::memory();
    let store = Counting::of(&place).await;
    let hour = Duration::from_hours(1);
    let retention = Retention::of(24 * hour).failed(48 * hour).cancelled(72 * hour);
    let engine = build(place.builder(store.clone()).retain(retention)).await;
    engine.start("waits", script([Line::Listen])).await.unwrap();
    engine.start("is over", script([])).await.unwrap();
    is_idle(&store, 5 * hour).await;
    let purges = store.purges.load(Ordering::Relaxed);
    assert!((3 * 3..=3 * 7).contains(&purges), "{purges} looks for three kinds of runs in five hours");
}

/// It is found in time though the look that would have found it was given away.
#[tokio::test(start_paused = true)]
async fn a_purge_delays_no_run_that_is_due() {
    let place = Place::memory();
    // Its time passes without telling anybody.
    let clock = VirtualClock::starting_at(Timestamp::EPOCH);
    let store = MemoryStore::builder().clock(Arc::new(clock)).build();
    let retention = Retention::of(Duration::from_hours(1));
    let engine = build(place.builder(store).retain(retention).purge_every(Duration::from_secs(1))).await;
    for seconds in [25, 31, 45, 59, 61, 75] {
        let began = Instant::now();
        let run = engine.start(format!("sleeps {seconds}"), script([Line::Sleep(seconds)])).await.unwrap();
        let end = tokio::time::timeout(Duration::from_mins(5), run.result()).await;
        end.expect("it does not sleep for ever").unwrap().unwrap();
        let took = began.elapsed().as_secs();
        assert!((seconds..=seconds + 2).contains(&took), "{seconds} s took {took}");
    }
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
