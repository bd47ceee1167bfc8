//! A store whose bytes are compressed or encrypted.

mod codec;
mod coding;
pub(crate) mod sealed;
mod transaction;

use std::{any::Any, fmt, sync::Arc, time::Duration};

use futures_util::stream::BoxStream;

pub use self::{
    codec::{Codec, CodecError, Place, What},
    coding::NotEncoded,
};
use self::{
    coding::{Coding, open_body, open_entries, open_owed, open_record},
    transaction::CodedTransaction,
};
use super::{
    Claim, Claimed, Commit, Committed, Created, Delivered, Depth, Entry, Filter, Lease, Listed, ListedRow,
    Message, NewRun, OpenFuture, OpenTransaction, Operation, Page, Query, Record, Renewed, RunId, Stamped,
    Store, StoreError, StoreFuture, Wake,
};
use crate::{suspend::TransactionType, time::Timestamp};

/// A store that keeps what a [`Codec`] makes of the bytes of runs: states and their parts, envelopes, messages, outputs and
/// histories.
///
/// What a store looks for it sees as it is: ids, the names of workflows and states, statuses, times, attributes, the keys of
/// senders and the kinds of messages. Don't put into these what nobody may read. The hash of the arguments, by which two starts
/// are compared, is no secret either: whoever can guess them can check the guess.
///
/// What a step with `#[step(transaction)]` writes in tables of the program's own is the program's, and stays as it is.
///
/// What can't be decoded harms no other run. It is handed on *sealed*: whoever reads the run is told
/// [`LoadError::Coded`](crate::snapshot::LoadError::Coded), which names the run, the place and the key; a worker parks the run
/// and leaves what is kept of it as it is. Once the codec has the key again, the run can be retried. What can't be encoded is
/// refused, with [`NotEncoded`] as the cause.
///
/// Take the same codec in every process that uses the store, from the first run on: it does not read what was stored without it.
///
/// ```
/// use bytes::Bytes;
/// use refluxo::{
///     MemoryStore,
///     store::{Coded, Codec, CodecError, Place},
/// };
///
/// /// Turns the bits around. It hides nothing.
/// struct Turned;
///
/// impl Codec for Turned {
///     fn encode(&self, _: &Place<'_>, plain: Bytes) -> Result<Bytes, CodecError> {
///         Ok(plain.iter().map(|byte| !byte).collect())
///     }
///     fn decode(&self, place: &Place<'_>, coded: Bytes) -> Result<Bytes, CodecError> {
///         self.encode(place, coded)
///     }
/// }
///
/// let store = Coded::new(MemoryStore::new(), Turned);
/// ```
#[derive(Clone)]
pub struct Coded<S> {
    store: S,
    codec: Arc<dyn Codec>,
    name: Arc<str>,
}

impl<S: Store> Coded<S> {
    /// Puts a codec before a store.
    pub fn new(store: S, codec: impl Codec) -> Self {
        Self { store, codec: Arc::new(codec), name: "the codec".into() }
    }

    /// The store behind the codec.
    pub fn store(&self) -> &S {
        &self.store
    }

    fn coding(&self, operation: Operation) -> Coding<'_> {
        Coding { codec: &*self.codec, store: &self.name, operation }
    }
}

impl<S: Store> Store for Coded<S> {
    fn create(&self, batch: Vec<NewRun>) -> StoreFuture<'_, Vec<Created>> {
        let coding = self.coding(Operation::Create);
        let sorted = Sorted::of(batch.into_iter().map(|run| coding.run(run)));
        Box::pin(async move {
            let answer = self.store.create(sorted.good).await?;
            Ok(map(answer, |answers| put_back(answers, sorted.bad, Created::Rejected)))
        })
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'_, Claimed> {
        Box::pin(async move {
            let mut answer = self.store.claim(claim).await?;
            answer.value.runs.iter_mut().for_each(|(_, record)| open_record(&*self.codec, record));
            Ok(answer)
        })
    }

    fn renew(&self, leases: Vec<Lease>, keep: Duration) -> StoreFuture<'_, Vec<Renewed>> {
        self.store.renew(leases, keep)
    }

    fn commit(&self, batch: Vec<Commit>) -> StoreFuture<'_, Vec<Committed>> {
        let coding = self.coding(Operation::Commit);
        let sorted = Sorted::of(batch.into_iter().map(|commit| coding.commit(commit)));
        Box::pin(async move {
            let mut answer = self.store.commit(sorted.good).await?;
            for committed in &mut answer.value {
                match committed {
                    Committed::Done { owed, .. } => open_owed(&*self.codec, owed),
                    Committed::Lost | Committed::Rejected(_) => {}
                }
            }
            Ok(map(answer, |answers| put_back(answers, sorted.bad, Committed::Rejected)))
        })
    }

    fn deliver(&self, batch: Vec<Message>) -> StoreFuture<'_, Vec<Delivered>> {
        let coding = self.coding(Operation::Deliver);
        let sorted = Sorted::of(batch.into_iter().map(|message| coding.message(message)));
        Box::pin(async move {
            let answer = self.store.deliver(sorted.good).await?;
            Ok(map(answer, |answers| put_back(answers, sorted.bad, Delivered::Rejected)))
        })
    }

    fn load<'a>(&'a self, id: &'a RunId, depth: Depth) -> StoreFuture<'a, Option<Record>> {
        Box::pin(async move {
            let mut answer = self.store.load(id, depth).await?;
            answer.value.iter_mut().for_each(|record| open_record(&*self.codec, record));
            Ok(answer)
        })
    }

    fn history<'a>(&'a self, id: &'a RunId, page: Page) -> StoreFuture<'a, Vec<Entry>> {
        Box::pin(async move {
            let mut answer = self.store.history(id, page).await?;
            open_entries(&*self.codec, id, &mut answer.value);
            Ok(answer)
        })
    }

    fn list(&self, query: Query) -> StoreFuture<'_, Listed> {
        Box::pin(async move {
            let mut answer = self.store.list(query).await?;
            match &mut answer.value {
                Listed::Rows { rows, .. } => {
                    for ListedRow { row, .. } in rows {
                        open_body(&*self.codec, &row.id, What::Head, &mut row.head.body);
                    }
                }
                Listed::Count { .. } => {}
            }
            Ok(answer)
        })
    }

    fn purge(&self, filter: Filter, limit: u32) -> StoreFuture<'_, u32> {
        self.store.purge(filter, limit)
    }

    fn wakes(&self) -> BoxStream<'static, Wake> {
        self.store.wakes()
    }

    fn clock(&self) -> Option<Timestamp> {
        self.store.clock()
    }

    fn connection(&self) -> Option<TransactionType> {
        self.store.connection()
    }

    fn create_in_blocking(&self, connection: &dyn Any, run: NewRun) -> Result<Stamped<Created>, StoreError> {
        self.store.create_in_blocking(connection, self.coding(Operation::Create).run(run)?)
    }

    fn create_in<'a>(
        &'a self,
        connection: &'a mut (dyn Any + Send),
        run: NewRun,
    ) -> StoreFuture<'a, Created> {
        Box::pin(
            async move { self.store.create_in(connection, self.coding(Operation::Create).run(run)?).await },
        )
    }

    fn transaction(&self) -> Option<TransactionType> {
        self.store.transaction()
    }

    fn begin(&self) -> OpenFuture<'_> {
        Box::pin(async {
            let store = self.store.begin().await?;
            let transaction = CodedTransaction { store, codec: self.codec.clone(), name: self.name.clone() };
            Ok(Box::new(transaction) as Box<dyn OpenTransaction>)
        })
    }
}

impl<S: fmt::Debug> fmt::Debug for Coded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Coded").field(&self.store).finish()
    }
}

/// The items of a batch that could be encoded, and the others with their places.
struct Sorted<T> {
    good: Vec<T>,
    bad: Vec<(usize, StoreError)>,
}

impl<T> Sorted<T> {
    fn of(items: impl Iterator<Item = Result<T, StoreError>>) -> Self {
        let mut sorted = Self { good: Vec::new(), bad: Vec::new() };
        for (place, item) in items.enumerate() {
            match item {
                Ok(item) => sorted.good.push(item),
                Err(error) => sorted.bad.push((place, error)),
            }
        }
        sorted
    }
}

/// The answers of a batch, those among them that the store was not asked for.
fn put_back<A>(mut answers: Vec<A>, bad: Vec<(usize, StoreError)>, rejected: fn(StoreError) -> A) -> Vec<A> {
    for (place, error) in bad {
        answers.insert(place.min(answers.len()), rejected(error));
    }
    answers
}

/// The answer with something done to its value.
fn map<T>(answer: Stamped<T>, change: impl FnOnce(T) -> T) -> Stamped<T> {
    Stamped { now: answer.now, value: change(answer.value) }
}
