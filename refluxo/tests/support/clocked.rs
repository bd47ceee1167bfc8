//! A store on a server whose clock the test sets: it tells the time as a store in this process does.

use std::{sync::Arc, time::Duration};

use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use refluxo::{
    store::{
        Claim, Claimed, Commit, Committed, Created, Delivered, Depth, Entry, Filter, Lease, Listed, Message,
        NewRun, Page, Query, Record, Renewed, RunId, Store, StoreFuture, Wake,
    },
    time::{Clock, ManualClock, Timestamp},
};
use tokio::sync::watch;

/// Hands on to another store, and rings when the clock was set.
#[derive(Debug)]
pub struct Clocked {
    inner: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    jumps: watch::Receiver<()>,
}

impl Clocked {
    pub fn new(inner: impl Store, clock: Arc<ManualClock>) -> Self {
        let (jumped, jumps) = watch::channel(());
        clock.on_jump(Box::new(move || jumped.send(()).is_ok()));
        Self { inner: Arc::new(inner), clock, jumps }
    }
}

impl Store for Clocked {
    fn create(&self, batch: Vec<NewRun>) -> StoreFuture<'_, Vec<Created>> {
        self.inner.create(batch)
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'_, Claimed> {
        self.inner.claim(claim)
    }

    fn renew(&self, leases: Vec<Lease>, keep: Duration) -> StoreFuture<'_, Vec<Renewed>> {
        self.inner.renew(leases, keep)
    }

    fn commit(&self, batch: Vec<Commit>) -> StoreFuture<'_, Vec<Committed>> {
        self.inner.commit(batch)
    }

    fn deliver(&self, batch: Vec<Message>) -> StoreFuture<'_, Vec<Delivered>> {
        self.inner.deliver(batch)
    }

    fn load<'a>(&'a self, id: &'a RunId, depth: Depth) -> StoreFuture<'a, Option<Record>> {
        self.inner.load(id, depth)
    }

    fn history<'a>(&'a self, id: &'a RunId, page: Page) -> StoreFuture<'a, Vec<Entry>> {
        self.inner.history(id, page)
    }

    fn list(&self, query: Query) -> StoreFuture<'_, Listed> {
        self.inner.list(query)
    }

    fn purge(&self, filter: Filter, limit: u32) -> StoreFuture<'_, u32> {
        self.inner.purge(filter, limit)
    }

    fn wakes(&self) -> BoxStream<'static, Wake> {
        let jumps = stream::unfold(self.jumps.clone(), async |mut jumps| {
            jumps.changed().await.ok().map(|()| (Wake::Any, jumps))
        });
        stream::select(self.inner.wakes(), jumps).boxed()
    }

    fn clock(&self) -> Option<Timestamp> {
        Some(self.clock.now())
    }
}
