//! One worker's line to the store.

use std::{
    fmt,
    future::pending,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, future::BoxFuture, stream, stream::BoxStream};
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    air::{Air, Fault},
    events::{Detail, Who},
};
use crate::{
    store::{
        Claim, Claimed, Commit, Committed, Created, Delivered, Depth, Entry, Filter, Lease, Listed, Message,
        NewRun, Operation, Page, Query, Record, Renewed, RunId, Stamped, Store, StoreError, StoreFuture,
        Wake,
    },
    time::Timestamp,
};

/// A line to the store, in bad weather. Clones are the same line.
#[derive(Clone)]
pub(super) struct Line {
    air: Arc<Air>,
    who: Who,
    condition: Arc<Condition>,
}

/// What has become of a line.
struct Condition {
    /// Nothing comes through any more.
    is_dead: AtomicBool,
    /// Nothing comes through until then.
    cut_off: Mutex<Instant>,
}

/// The future of an operation on the store itself.
type Done<'a, T> = BoxFuture<'a, Result<Stamped<T>, StoreError>>;

impl Line {
    pub(super) fn new(air: Arc<Air>, who: Who) -> Self {
        let condition = Condition { is_dead: AtomicBool::new(false), cut_off: Mutex::new(Instant::now()) };
        Self { air, who, condition: Arc::new(condition) }
    }

    /// Lets nothing through for a while, as if the worker were stopped, or the cable cut.
    pub(super) fn cut_off(&self) {
        *self.condition.cut_off.lock().unwrap_or_else(PoisonError::into_inner) = self.air.cut_off();
    }

    /// Does something, as far as the weather lets it.
    fn through<'a, T: Send + 'a>(
        &'a self,
        operation: Operation,
        run: Option<RunId>,
        act: impl FnOnce() -> Done<'a, T> + Send + 'a,
    ) -> StoreFuture<'a, T> {
        Box::pin(async move {
            let fate = self.air.fate(self.who, operation);
            self.pass(fate.before).await;
            match fate.fault {
                Some(Fault::NotDone) => {
                    self.tell(operation, "fails to", run.as_ref());
                    return Err(StoreError::retry(&"simulated".into(), operation, lost()));
                }
                Some(Fault::DiesBefore) => self.die(operation, "dies before it can").await,
                Some(Fault::Unheard | Fault::DiesAfter) | None => {}
            }
            let answer = act().await;
            match fate.fault {
                Some(Fault::Unheard) => {
                    self.tell(operation, "gets no answer to", run.as_ref());
                    self.pass(fate.after).await;
                    return Err(StoreError::unknown(&"simulated".into(), operation, lost()));
                }
                Some(Fault::DiesAfter) => self.die(operation, "dies after it could").await,
                Some(Fault::NotDone | Fault::DiesBefore) | None => {}
            }
            self.pass(fate.after).await;
            answer
        })
    }

    /// Is on the way for so long.
    async fn pass(&self, delay: Duration) {
        if !delay.is_zero() {
            sleep(delay).await;
        }
        loop {
            if self.condition.is_dead.load(Ordering::Relaxed) {
                pending::<()>().await;
            }
            let until = *self.condition.cut_off.lock().unwrap_or_else(PoisonError::into_inner);
            if until <= Instant::now() || self.air.is_calm() {
                return;
            }
            sleep_until(until).await;
        }
    }

    /// Has the worker die here.
    async fn die(&self, operation: Operation, when: &'static str) {
        self.tell(operation, when, None);
        self.condition.is_dead.store(true, Ordering::Relaxed);
        if let Who::Worker(number) = self.who {
            // Nobody hears it once the simulation is over.
            let _ = self.air.deaths.send(number);
        }
        pending::<()>().await;
    }

    fn tell(&self, operation: Operation, what: &'static str, run: Option<&RunId>) {
        self.air.oracle.events.tell(self.who, what, run, Detail::Text(operation.name().into()));
    }
}

/// What an operation meets that fails.
fn lost() -> io::Error {
    io::Error::other("the line is bad")
}

impl Store for Line {
    fn create(&self, batch: Vec<NewRun>) -> StoreFuture<'_, Vec<Created>> {
        let run = batch.first().map(|new| new.id.clone());
        let Air { oracle, store, .. } = &*self.air;
        self.through(Operation::Create, run, || Box::pin(oracle.create(self.who, &**store, batch)))
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'_, Claimed> {
        let Air { oracle, store, .. } = &*self.air;
        self.through(Operation::Claim, None, || Box::pin(oracle.claim(self.who, &**store, claim)))
    }

    fn renew(&self, leases: Vec<Lease>, keep: Duration) -> StoreFuture<'_, Vec<Renewed>> {
        let run = leases.first().map(|lease| lease.run.clone());
        let Air { oracle, store, .. } = &*self.air;
        self.through(Operation::Renew, run, move || Box::pin(oracle.renew(self.who, &**store, leases, keep)))
    }

    fn commit(&self, batch: Vec<Commit>) -> StoreFuture<'_, Vec<Committed>> {
        let run = batch.first().map(|commit| commit.lease.run.clone());
        let Air { oracle, store, .. } = &*self.air;
        self.through(Operation::Commit, run, move || {
            Box::pin(async move {
                let effects: Vec<_> = batch.iter().map(|commit| commit.effects.clone()).collect();
                let answers = oracle.commit(self.who, &**store, batch).await?;
                for (effects, committed) in effects.iter().zip(&answers.value) {
                    if let Committed::Done { .. } = committed {
                        self.air.repeat(effects);
                    }
                }
                Ok(answers)
            })
        })
    }

    fn deliver(&self, batch: Vec<Message>) -> StoreFuture<'_, Vec<Delivered>> {
        let run = batch.first().map(|message| message.to.clone());
        let Air { oracle, store, .. } = &*self.air;
        self.through(Operation::Deliver, run, move || {
            Box::pin(async move {
                let answers = oracle.deliver(self.who, &**store, batch.clone()).await?;
                for message in &batch {
                    self.air.send_again(message);
                }
                Ok(answers)
            })
        })
    }

    fn load<'a>(&'a self, id: &'a RunId, depth: Depth) -> StoreFuture<'a, Option<Record>> {
        let store = &self.air.store;
        self.through(Operation::Load, Some(id.clone()), move || store.load(id, depth))
    }

    fn history<'a>(&'a self, id: &'a RunId, page: Page) -> StoreFuture<'a, Vec<Entry>> {
        let store = &self.air.store;
        self.through(Operation::History, Some(id.clone()), move || store.history(id, page))
    }

    fn list(&self, query: Query) -> StoreFuture<'_, Listed> {
        let store = &self.air.store;
        self.through(Operation::List, None, move || store.list(query))
    }

    fn purge(&self, filter: Filter, limit: u32) -> StoreFuture<'_, u32> {
        let store = &self.air.store;
        self.through(Operation::Purge, None, move || store.purge(filter, limit))
    }

    fn wakes(&self) -> BoxStream<'static, Wake> {
        let hints = self.air.store.wakes();
        stream::unfold((hints, None, self.air.clone()), next_hint).boxed()
    }

    fn clock(&self) -> Option<Timestamp> {
        self.air.weather.tells_time.then(|| self.air.clock.now())
    }
}

/// The hints of a store, the one that is to be repeated, and what they come through.
type Hints = (BoxStream<'static, Wake>, Option<Wake>, Arc<Air>);

/// The next hint that comes through.
async fn next_hint((mut hints, mut again, air): Hints) -> Option<(Wake, Hints)> {
    if let Some(hint) = again.take() {
        return Some((hint, (hints, None, air)));
    }
    loop {
        let hint = hints.next().await?;
        if air.once_in(air.weather.deaf) {
            continue;
        }
        if air.once_in(air.weather.deaf) {
            sleep(air.chance.up_to(Duration::from_secs(2))).await;
        }
        let again = air.once_in(air.weather.deaf).then(|| hint.clone());
        return Some((hint, (hints, again, air)));
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("who", &self.who).finish_non_exhaustive()
    }
}
