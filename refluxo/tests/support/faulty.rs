//! A store that fails, in every way that a store may fail.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::stream::BoxStream;
use refluxo::{
    store::{
        Claim, Claimed, Commit, Committed, Created, Delivered, Depth, Entry, Filter, Lease, Listed, Message,
        NewRun, Operation, Page, Query, Record, Renewed, RunId, Stamped, Store, StoreError, StoreFuture,
        Wake,
    },
    time::Timestamp,
};
use tokio::sync::Semaphore;

use super::random::Random;

/// Hands on to another store, unless an operation meets a fault.
pub struct Faulty {
    inner: Arc<dyn Store>,
    /// What the next operation meets.
    next: Box<dyn Fn() -> Option<Fault> + Send + Sync>,
    doorman: Option<Arc<Doorman>>,
    name: Arc<str>,
}

/// What an operation meets.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Nothing was written, and that is known.
    Before,
    /// Nothing was written, and that is not known.
    Never,
    /// It was written, and that is not known.
    Unheard,
    /// Nothing was written, and there is no answer.
    Silence,
    /// It was written, and there is no answer.
    SilenceAfter,
    /// It was written, and the answer takes so long.
    Late(Duration),
}

/// Who refuses commits for good.
pub struct Doorman {
    /// Which ones.
    refuses: Box<dyn Fn(&Commit) -> bool + Send + Sync>,
    /// How many he has refused, and one permit for each that waits for his answer.
    refused: AtomicU32,
    at_door: Semaphore,
    /// One permit for each answer that he may give.
    answers: Semaphore,
    is_off: AtomicBool,
}

impl Doorman {
    pub fn new(refuses: impl Fn(&Commit) -> bool + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            refuses: Box::new(refuses),
            refused: AtomicU32::new(0),
            at_door: Semaphore::new(0),
            answers: Semaphore::new(0),
            is_off: AtomicBool::new(false),
        })
    }

    /// Waits until a commit is about to be refused.
    pub async fn somebody_at_the_door(&self) {
        self.at_door.acquire().await.expect("never closed").forget();
    }

    /// Lets him refuse all that waits and will come.
    pub fn answer(&self) {
        self.answers.add_permits(1_000_000);
    }

    /// Sends him home: nothing is refused any more.
    pub fn send_home(&self) {
        self.is_off.store(true, Ordering::Relaxed);
    }

    /// How many commits he has refused.
    pub fn refused(&self) -> u32 {
        self.refused.load(Ordering::Relaxed)
    }

    async fn lets_in(&self, commit: &Commit) -> bool {
        if self.is_off.load(Ordering::Relaxed) || !(self.refuses)(commit) {
            return true;
        }
        self.at_door.add_permits(1);
        self.answers.acquire().await.expect("never closed").forget();
        self.refused.fetch_add(1, Ordering::Relaxed);
        false
    }
}

impl std::fmt::Debug for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Faulty").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl Faulty {
    /// Fails one time in `one_in`, in every way that a store may fail and still answer.
    pub fn at_random(inner: Arc<dyn Store>, seed: u64, one_in: u64) -> Self {
        let random = Mutex::new(Random::seeded(seed));
        let next = move || {
            let mut random = random.lock().unwrap();
            (random.below(one_in) == 0).then(|| match random.below(3) {
                0 => Fault::Before,
                1 => Fault::Never,
                _ => Fault::Unheard,
            })
        };
        Self { inner, next: Box::new(next), doorman: None, name: "faulty".into() }
    }

    /// Meets `fault` at the operation of this number, and silence from then on. Tells whether it came so far.
    pub fn dies_at(inner: Arc<dyn Store>, number: u32, fault: Fault) -> (Self, Arc<AtomicBool>) {
        let (count, died) = (AtomicU32::new(0), Arc::new(AtomicBool::new(false)));
        let tell = died.clone();
        let next = move || match count.fetch_add(1, Ordering::Relaxed).cmp(&number) {
            std::cmp::Ordering::Less => None,
            std::cmp::Ordering::Equal => {
                tell.store(true, Ordering::Relaxed);
                Some(fault)
            }
            std::cmp::Ordering::Greater => Some(Fault::Silence),
        };
        (Self { inner, next: Box::new(next), doorman: None, name: "faulty".into() }, died)
    }

    /// Refuses commits for good.
    pub fn with_doorman(inner: Arc<dyn Store>, doorman: Arc<Doorman>) -> Self {
        Self { inner, next: Box::new(|| None), doorman: Some(doorman), name: "faulty".into() }
    }

    /// Gives the answer to the first operation so late.
    pub fn late_at_first(inner: Arc<dyn Store>, delay: Duration) -> Self {
        let is_first = AtomicBool::new(true);
        let next = move || is_first.swap(false, Ordering::Relaxed).then_some(Fault::Late(delay));
        Self { inner, next: Box::new(next), doorman: None, name: "faulty".into() }
    }

    /// Does so many operations as `fuse` says, and fails from then on, until more are allowed.
    pub fn burns_out(inner: Arc<dyn Store>, fuse: Arc<AtomicU32>) -> Self {
        let next = move || {
            let left = fuse.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            left.is_err().then_some(Fault::Before)
        };
        Self { inner, next: Box::new(next), doorman: None, name: "faulty".into() }
    }

    /// Runs an operation with what it meets.
    fn with<'a, T: Send + 'a>(
        &'a self,
        operation: Operation,
        run: impl FnOnce(&'a dyn Store) -> StoreFuture<'a, T> + Send + 'a,
    ) -> StoreFuture<'a, T> {
        let fault = (self.next)();
        Box::pin(async move {
            let lost = || io::Error::other("the line is dead");
            match fault {
                None => run(&*self.inner).await,
                Some(Fault::Before) => Err(StoreError::retry(&self.name, operation, lost())),
                Some(Fault::Never) => Err(StoreError::unknown(&self.name, operation, lost())),
                Some(Fault::Unheard) => {
                    run(&*self.inner).await?;
                    Err(StoreError::unknown(&self.name, operation, lost()))
                }
                Some(Fault::Silence) => std::future::pending().await,
                Some(Fault::Late(delay)) => {
                    let answer = run(&*self.inner).await;
                    tokio::time::sleep(delay).await;
                    answer
                }
                Some(Fault::SilenceAfter) => {
                    run(&*self.inner).await?;
                    std::future::pending().await
                }
            }
        })
    }
}

impl Store for Faulty {
    fn create(&self, batch: Vec<NewRun>) -> StoreFuture<'_, Vec<Created>> {
        self.with(Operation::Create, |store| store.create(batch))
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'_, Claimed> {
        self.with(Operation::Claim, |store| store.claim(claim))
    }

    fn renew(&self, leases: Vec<Lease>, keep: Duration) -> StoreFuture<'_, Vec<Renewed>> {
        self.with(Operation::Renew, move |store| store.renew(leases, keep))
    }

    fn commit(&self, batch: Vec<Commit>) -> StoreFuture<'_, Vec<Committed>> {
        self.with(Operation::Commit, move |store| {
            Box::pin(async move {
                if let (Some(doorman), [commit]) = (&self.doorman, &batch[..])
                    && !doorman.lets_in(commit).await
                {
                    let cause = io::Error::other("it is not wanted");
                    let refused = StoreError::fatal(&self.name, Operation::Commit, cause);
                    let Stamped { now, .. } = store.commit(Vec::new()).await?;
                    return Ok(Stamped { value: vec![Committed::Rejected(refused)], now });
                }
                store.commit(batch).await
            })
        })
    }

    fn deliver(&self, batch: Vec<Message>) -> StoreFuture<'_, Vec<Delivered>> {
        self.with(Operation::Deliver, |store| store.deliver(batch))
    }

    fn load<'a>(&'a self, id: &'a RunId, depth: Depth) -> StoreFuture<'a, Option<Record>> {
        self.with(Operation::Load, move |store| store.load(id, depth))
    }

    fn history<'a>(&'a self, id: &'a RunId, page: Page) -> StoreFuture<'a, Vec<Entry>> {
        self.with(Operation::History, move |store| store.history(id, page))
    }

    fn list(&self, query: Query) -> StoreFuture<'_, Listed> {
        self.with(Operation::List, |store| store.list(query))
    }

    fn purge(&self, filter: Filter, limit: u32) -> StoreFuture<'_, u32> {
        self.with(Operation::Purge, move |store| store.purge(filter, limit))
    }

    fn wakes(&self) -> BoxStream<'static, Wake> {
        self.inner.wakes()
    }

    fn clock(&self) -> Option<Timestamp> {
        self.inner.clock()
    }
}
