//! A store that fails, in every way that a store may fail.

use std::{
    io,
    pin::Pin,
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
        NewRun, OpenFuture, OpenTransaction, Operation, Page, Query, Record, Renewed, RunId, Stamped, Store,
        StoreError, StoreFuture, TransactionWork, Wake,
    },
    suspend::TransactionType,
    time::Timestamp,
};
use tokio::sync::Semaphore;

use super::random::Random;

/// Hands on to another store, unless an operation meets a fault.
pub struct Faulty {
    inner: Arc<dyn Store>,
    /// What the next operation meets.
    next: Next,
    /// Which operations meet nothing.
    spares: fn(Operation) -> bool,
    doorman: Option<Arc<Doorman>>,
    name: Arc<str>,
}

/// Tells what the next operation meets.
type Next = Arc<dyn Fn() -> Option<Fault> + Send + Sync>;

/// An operation under way.
type Operating<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

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
    /// Nothing was written, and that it is not known is told when there is a permit.
    NeverUntil(&'static Semaphore),
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
    /// Has the next operation meet what this says.
    fn meeting(inner: Arc<dyn Store>, next: impl Fn() -> Option<Fault> + Send + Sync + 'static) -> Self {
        Self { inner, next: Arc::new(next), spares: |_| false, doorman: None, name: "faulty".into() }
    }

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
        Self::meeting(inner, next)
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
        (Self::meeting(inner, next), died)
    }

    /// Refuses commits for good.
    pub fn with_doorman(inner: Arc<dyn Store>, doorman: Arc<Doorman>) -> Self {
        Self { doorman: Some(doorman), ..Self::meeting(inner, || None) }
    }

    /// Meets `fault` at the operation of this number, claims aside, and nothing before or after. Tells whether it came so far.
    pub fn fails_at(inner: Arc<dyn Store>, number: u32, fault: Fault) -> (Self, Arc<AtomicBool>) {
        let (count, failed) = (AtomicU32::new(0), Arc::new(AtomicBool::new(false)));
        let tell = failed.clone();
        let next = move || {
            (count.fetch_add(1, Ordering::Relaxed) == number).then(|| {
                tell.store(true, Ordering::Relaxed);
                fault
            })
        };
        // A run whose claim is lost rests until its lease ends.
        let spares = |operation| operation == Operation::Claim;
        (Self { spares, ..Self::meeting(inner, next) }, failed)
    }

    /// Meets `fault` at the commit of this number, counting what is done in transactions too, and nothing else.
    pub fn fails_at_commit(inner: Arc<dyn Store>, number: u32, fault: Fault) -> Self {
        let count = AtomicU32::new(0);
        let next = move || (count.fetch_add(1, Ordering::Relaxed) == number).then_some(fault);
        Self { spares: |operation| operation != Operation::Commit, ..Self::meeting(inner, next) }
    }

    /// Renews no lease for so long.
    pub fn renews_nothing(inner: Arc<dyn Store>, time: Duration) -> Self {
        let until = tokio::time::Instant::now() + time;
        let next = move || (tokio::time::Instant::now() < until).then_some(Fault::Before);
        Self { spares: |operation| operation != Operation::Renew, ..Self::meeting(inner, next) }
    }

    /// Opens no transaction for as long as this holds.
    pub fn opens_none_while(inner: Arc<dyn Store>, holds: Arc<AtomicBool>) -> Self {
        let next = move || holds.load(Ordering::Relaxed).then_some(Fault::Before);
        Self { spares: |operation| operation != Operation::Begin, ..Self::meeting(inner, next) }
    }

    /// Gives the answer to the first operation so late.
    pub fn late_at_first(inner: Arc<dyn Store>, delay: Duration) -> Self {
        let is_first = AtomicBool::new(true);
        let next = move || is_first.swap(false, Ordering::Relaxed).then_some(Fault::Late(delay));
        Self::meeting(inner, next)
    }

    /// Does so many operations as `fuse` says, and fails from then on, until more are allowed.
    pub fn burns_out(inner: Arc<dyn Store>, fuse: Arc<AtomicU32>) -> Self {
        let next = move || {
            let left = fuse.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            left.is_err().then_some(Fault::Before)
        };
        Self::meeting(inner, next)
    }

    /// Runs an operation with what it meets.
    fn with<'a, T: Send + 'a>(
        &'a self,
        operation: Operation,
        run: impl FnOnce(&'a dyn Store) -> Operating<'a, T> + Send + 'a,
    ) -> Operating<'a, T> {
        let fault = if (self.spares)(operation) { None } else { (self.next)() };
        Box::pin(meet(fault, self.name.clone(), operation, move || run(&*self.inner)))
    }
}

/// Runs an operation with what it meets.
async fn meet<'a, T>(
    fault: Option<Fault>,
    name: Arc<str>,
    operation: Operation,
    run: impl FnOnce() -> Operating<'a, T> + Send,
) -> Result<T, StoreError> {
    let lost = || io::Error::other("the line is dead");
    match fault {
        None => run().await,
        Some(Fault::Before) => Err(StoreError::retry(&name, operation, lost())),
        Some(Fault::Never) => Err(StoreError::unknown(&name, operation, lost())),
        Some(Fault::Unheard) => {
            run().await?;
            Err(StoreError::unknown(&name, operation, lost()))
        }
        Some(Fault::Silence) => std::future::pending().await,
        Some(Fault::SilenceAfter) => {
            run().await?;
            std::future::pending().await
        }
        Some(Fault::Late(delay)) => {
            let answer = run().await;
            tokio::time::sleep(delay).await;
            answer
        }
        Some(Fault::NeverUntil(told)) => {
            drop(run);
            told.acquire().await.expect("never closed").forget();
            Err(StoreError::unknown(&name, operation, lost()))
        }
    }
}

/// A transaction whose end meets faults.
struct FaultyTransaction {
    inner: Box<dyn OpenTransaction>,
    next: Next,
    spares: fn(Operation) -> bool,
    name: Arc<str>,
}

impl OpenTransaction for FaultyTransaction {
    fn run(&mut self, work: TransactionWork) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let fault = if (self.spares)(Operation::Commit) { None } else { (self.next)() };
        Box::pin(async move {
            match fault {
                Some(Fault::Silence) => std::future::pending().await,
                Some(Fault::Late(delay)) => {
                    self.inner.run(work).await;
                    tokio::time::sleep(delay).await;
                }
                Some(Fault::SilenceAfter) => {
                    self.inner.run(work).await;
                    std::future::pending::<()>().await;
                }
                // What came of the work does not travel over the line.
                Some(Fault::Before | Fault::Never | Fault::Unheard | Fault::NeverUntil(_)) | None => {
                    self.inner.run(work).await;
                }
            }
        })
    }

    fn commit(self: Box<Self>, commit: Commit) -> StoreFuture<'static, Committed> {
        let Self { inner, next, spares, name } = *self;
        let fault = if spares(Operation::Commit) { None } else { next() };
        Box::pin(meet(fault, name, Operation::Commit, move || inner.commit(commit)))
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

    fn transaction(&self) -> Option<TransactionType> {
        self.inner.transaction()
    }

    fn begin(&self) -> OpenFuture<'_> {
        let open = self.with(Operation::Begin, |store| store.begin());
        Box::pin(async move {
            let (next, spares, name) = (self.next.clone(), self.spares, self.name.clone());
            let transaction = FaultyTransaction { inner: open.await?, next, spares, name };
            Ok(Box::new(transaction) as Box<dyn OpenTransaction>)
        })
    }
}
