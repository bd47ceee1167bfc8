//! Where runs are kept: the [`Store`] trait, its types and its implementations.
//!
//! # The protocol
//!
//! A run is one record with one writer. Whoever holds its lease alone changes its state, by [commits](Commit) that are
//! fenced by the claim's random token and the run's revision. Everything that others want of a run is a [`Message`] in
//! its inbox, applied by the holder at a commit. What a commit does outside its run is an [`Effect`], applied if the commit is.
//!
//! A message can't be missed: a delivery appends it, raises [`Row::inbox_last`] and makes a resting run due in one atomic
//! write of the run's record, and a commit that rests is due at once if `inbox_last` is above what its author had
//! [seen](Commit::seen).
//!
//! The store's clock decides what is due and when a lease ends; clocks of workers are never compared with it. Every answer
//! tells its time ([`Stamped::now`]).
//!
//! A store compares the columns of a [`Row`]; heads' bodies, states, parts, messages and entries are bytes to it.

mod attribute;
mod coded;
mod commit;
#[cfg(feature = "conformance")]
pub mod conformance;
mod create;
mod cursor;
mod error;
mod ids;
mod lease;
mod limits;
mod memory;
mod message;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod nature;
#[cfg(feature = "postgres")]
mod postgres;
mod query;
mod record;
mod session;
mod shared;
#[cfg(feature = "sqlite")]
mod sqlite;
mod transaction;
mod wake;

use std::{any::Any, fmt, pin::Pin, time::Duration};

use futures_util::stream::BoxStream;

pub(crate) use self::coded::sealed;
#[cfg(feature = "postgres")]
pub use self::postgres::{PostgresOpenError, PostgresStore, PostgresStoreBuilder, PostgresTransaction};
pub(crate) use self::session::Sight;
#[cfg(feature = "sqlite")]
pub use self::sqlite::{SqliteOpenError, SqliteStore, SqliteStoreBuilder, SqliteTransaction, Synchronous};
pub use self::{
    attribute::{AttrValue, Attribute, InvalidAttribute},
    coded::{Codec, CodecError, Coded, NotEncoded, Place, What},
    commit::{AttrOp, Commit, Committed, Effect, EffectId, InvalidCommit, Owed, PartOp, Then},
    create::{Created, NewRun, Start},
    cursor::{InvalidCursor, ListCursor},
    error::{Failure, Operation, StoreError},
    ids::{InvalidRunId, Revision, RunId, Seq, Token, Uid},
    lease::{Claim, Claimed, Gate, Lease, Rate, Renewed, Want},
    limits::Limits,
    memory::{MemoryStore, MemoryStoreBuilder},
    message::{Delivered, Message, Received},
    query::{Depth, Entry, EntryId, Filter, Listed, Page, Query},
    record::{Due, Head, InputHash, Lane, ListedRow, Part, Record, Row, Status},
    session::{Session, SessionId, SessionWatch},
    transaction::{OpenFuture, OpenTransaction, TransactionWork},
    wake::Wake,
};
use crate::{suspend::TransactionType, time::Timestamp};

/// An answer with the store's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamped<T> {
    /// What the store's clock said when it answered.
    pub now: Timestamp,
    /// The answer.
    pub value: T,
}

/// The future of a store's operation.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<Stamped<T>, StoreError>> + Send + 'a>>;

/// Where runs are kept.
///
/// Batches: the answers stand in the order of the items. Items are applied in that order, and each one is atomic and alone:
/// one that is lost or rejected changes nothing for the others. An `Err` of the operation itself speaks of all its items.
///
/// Errors: [`StoreError::Retry`] and [`StoreError::Fatal`] say that nothing was written, [`StoreError::Unknown`] that it may
/// have been. Every write may be sent again as it was.
///
/// Cancel safety: a future that is dropped before it is ready leaves its operation done or not done, like an answer that was
/// lost, and never half done.
///
/// The engine hands over each run's writes as they come. Where a transaction is dear, as it is to a disk or over a network, the
/// store gathers those that are under way at once into one.
///
/// Any third-party implementation is held to the same guarantees by the cases of the conformance suite.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Creates runs.
    ///
    /// A run is there with its state, parts, attributes and entries or not at all, and it is due at [`NewRun::start`].
    /// Idempotent by id: where it is in use, nothing changes, and [`Created::Exists`] tells by whom. The same
    /// [`NewRun::uid`] again is the same `create` sent again and answers [`Created::New`] again. With [`Start::Lent`] the
    /// run is born with a lease of the caller's, which counts as its first claim; one with a [key](Lane::key) is not, for only
    /// a claim knows its limit, and is due at once.
    ///
    /// # Errors
    ///
    /// As the trait says; an item that fails alone is [`Created::Rejected`].
    ///
    /// # Cancel safety
    ///
    /// A run may be left behind, and with [`Start::Lent`] in the caller's hands: send it again with the same uid.
    fn create(&self, batch: Vec<NewRun>) -> StoreFuture<'_, Vec<Created>>;

    /// Takes due runs, each under a lease with a fresh random token, with all that a turn needs.
    ///
    /// A run is due when its time has come by the store's clock, when it has messages that no commit has seen, when its
    /// holder's lease ended, and, where the store can tell, when its holder's session is over. It is given to one caller
    /// only. Runs of other workflows or of a higher version than wanted are left alone. Of those of one workflow the ones with the
    /// highest [priority](Lane::priority) come first. Each claim raises [`Row::claims`].
    ///
    /// Where a want has a [`Gate`], no more runs are lent than it lets through: those that were claimed through a gate and whose
    /// leases last are counted, whoever holds them and however many ask at the same time. A due run whose key has no place left
    /// becomes [blocked](Due::Blocked), so that later claims need not look at it. Whenever a run that came through a gate, or that
    /// has a key, is given back, rests, ends or loses its holder's session, the first run that is blocked by its key becomes due, of
    /// each version, and [`Wake::Due`] is told; so it is when a run with a key is lent and there is a place left. The order is that of
    /// claims. A message makes a blocked run due too, but lets it through no gate.
    ///
    /// Where the gate has a [`Rate`], a due run that has not begun and finds that no more may becomes blocked too. It leaves its turn
    /// to the next of its key that has begun; the others of its version follow when it has had its turn. When more may begin, those
    /// of the highest priority become due with a claim; [`Wake::Due`] and [`Claimed::next_due`] tell when that will be. A commit by
    /// which a run has [not begun](Commit::unbegun) leaves its start to another, and is told as [`Wake::Due`].
    ///
    /// An ended run that owes effects is due like any other, until a commit with [`Then::End`] settles them.
    /// The record is as of one moment: no message that its `inbox` lacks is below its [`Record::seen`].
    ///
    /// # Errors
    ///
    /// As the trait says. After [`StoreError::Unknown`] runs may be leased to nobody; they come back when the lease ends.
    ///
    /// # Cancel safety
    ///
    /// Runs may be left leased to nobody; they come back when the lease or the session ends, if not at once.
    fn claim(&self, claim: Claim) -> StoreFuture<'_, Claimed>;

    /// Extends leases to `keep` from now, or gives them back if `keep` is zero.
    ///
    /// It compares tokens only, since a commit may be on its way. A lease that is given back makes its run due at once and
    /// takes back what the claim added to [`Row::claims`]. Neither needs to survive a power cut.
    ///
    /// # Errors
    ///
    /// As the trait says.
    ///
    /// # Cancel safety
    ///
    /// As the trait says.
    fn renew(&self, leases: Vec<Lease>, keep: Duration) -> StoreFuture<'_, Vec<Renewed>>;

    /// Stores transitions.
    ///
    /// A commit applies iff the run has the lease's token and revision; then everything in it is stored durably, the revision
    /// is one higher, and `claims` is 0. It does not matter whether the lease's time is over, nor which messages came: a busy
    /// sender can't starve a run. Effects are applied in the same transaction, or kept and handed back as
    /// [owed](Committed::Done::owed); a run that rests owing effects is due at once. A run that rests is due at once too if
    /// there are messages above [`Commit::seen`].
    ///
    /// A commit that was applied and is sent again answers [`Committed::Done`] and changes nothing, as long as nobody has
    /// claimed the run since: the run has its token and the next revision. The caller must not send another commit with the
    /// same lease unless it knows that the first was not applied.
    ///
    /// # Errors
    ///
    /// As the trait says; an item that fails alone is [`Committed::Rejected`], one that [`Commit::check`] refuses too.
    ///
    /// # Cancel safety
    ///
    /// As the trait says: send the same commit again to learn what became of it.
    fn commit(&self, batch: Vec<Commit>) -> StoreFuture<'_, Vec<Committed>>;

    /// Delivers messages.
    ///
    /// A stored message is durable, has the next place in its run's inbox and makes a resting run due at once, all in one
    /// atomic write. It changes neither a lease nor the revision. Idempotent by [`Message::key`], from the delivery until
    /// [`Limits::key_memory`] after its consumption. Messages of one batch to one run are stored in the batch's order.
    ///
    /// # Errors
    ///
    /// As the trait says; an item that fails alone is [`Delivered::Rejected`].
    ///
    /// # Cancel safety
    ///
    /// As the trait says: with a key the message can be sent again.
    fn deliver(&self, batch: Vec<Message>) -> StoreFuture<'_, Vec<Delivered>>;

    /// Reads a run, without a lease. It sees every write that was answered before.
    ///
    /// # Errors
    ///
    /// As the trait says.
    ///
    /// # Cancel safety
    ///
    /// It writes nothing.
    fn load<'a>(&'a self, id: &'a RunId, depth: Depth) -> StoreFuture<'a, Option<Record>>;

    /// Reads a run's history, the newest entry first. A run that there is not has none.
    ///
    /// # Errors
    ///
    /// As the trait says.
    ///
    /// # Cancel safety
    ///
    /// It writes nothing.
    fn history<'a>(&'a self, id: &'a RunId, page: Page) -> StoreFuture<'a, Vec<Entry>>;

    /// Lists runs with their attributes, or counts them. A page is of one moment; pages together are not, but no run that is there all the while is
    /// left out or shown twice.
    ///
    /// # Errors
    ///
    /// As the trait says.
    ///
    /// # Cancel safety
    ///
    /// It writes nothing.
    fn list(&self, query: Query) -> StoreFuture<'_, Listed>;

    /// Removes up to `limit` runs that the filter holds for, those that ended first, with all that belongs to them, and tells
    /// how many.
    ///
    /// Several callers may do so at once: each run is counted by one of them. To find that there is nothing to be removed costs
    /// no more than a look into an index of the ended runs by their ends: it is asked again and again.
    ///
    /// Only ended runs go that owe nothing, and none that a living run names as its [parent](Row::parent). Their ids are
    /// free again.
    ///
    /// # Errors
    ///
    /// As the trait says.
    ///
    /// # Cancel safety
    ///
    /// As the trait says; a repeated purge goes on where the first stopped.
    fn purge(&self, filter: Filter, limit: u32) -> StoreFuture<'_, u32>;

    /// Hints from now on: see [`Wake`]. The stream does not end while the store lives.
    fn wakes(&self) -> BoxStream<'static, Wake>;

    /// The time by the store's clock, where it can be told at once, without asking a server: of a store in this process.
    ///
    /// Of the others the caller goes by the last answer's [`Stamped::now`] and what has passed since.
    fn clock(&self) -> Option<Timestamp> {
        None
    }

    /// The type of connection in whose transactions of the caller's own runs can be created; `None` if this store has none.
    fn connection(&self) -> Option<TransactionType> {
        None
    }

    /// Creates a run in a transaction that is the caller's, on a [`connection`](Self::connection) or in a
    /// [`transaction`](Self::transaction) of a type whose calls block: the run is there and due once that is committed, and never if
    /// it is rolled back. No lease is given. Workers are woken by the commit.
    ///
    /// # Errors
    ///
    /// As the trait says, if it is another type of connection, and if no transaction is open. What the caller wrote stays.
    fn create_in_blocking(&self, connection: &dyn Any, run: NewRun) -> Result<Stamped<Created>, StoreError> {
        let _ = (connection, run);
        Err(StoreError::fatal(&format!("{self:?}").into(), Operation::Create, transaction::NoTransactions))
    }

    /// As [`create_in_blocking`](Self::create_in_blocking), on a connection to a server.
    ///
    /// # Errors
    ///
    /// As the trait says, and if it is another type of connection. The server may have given the transaction up.
    ///
    /// # Cancel safety
    ///
    /// The run may be created or not: roll the transaction back.
    fn create_in<'a>(
        &'a self,
        connection: &'a mut (dyn Any + Send),
        run: NewRun,
    ) -> StoreFuture<'a, Created> {
        let _ = (connection, run);
        let store = format!("{self:?}").into();
        let error = StoreError::fatal(&store, Operation::Create, transaction::NoTransactions);
        Box::pin(std::future::ready(Err(error)))
    }

    /// The type of transaction that steps with `#[step(transaction)]` write in; `None` if this store has none for them.
    fn transaction(&self) -> Option<TransactionType> {
        None
    }

    /// Opens a transaction in which a step writes and a run's transition is stored, all of it or nothing.
    ///
    /// It locks no run before its [`commit`](OpenTransaction::commit): a step that takes its time in it must keep
    /// neither messages from being delivered nor leases from being renewed.
    ///
    /// # Errors
    ///
    /// As the trait says. A store without transactions answers [`StoreError::Fatal`].
    ///
    /// # Cancel safety
    ///
    /// It writes nothing.
    fn begin(&self) -> OpenFuture<'_> {
        let store = format!("{self:?}").into();
        let error = StoreError::fatal(&store, Operation::Begin, transaction::NoTransactions);
        Box::pin(std::future::ready(Err(error)))
    }
}
