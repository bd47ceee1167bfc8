//! Transactions that a run's commit shares with a step of the user's.

use std::{any::Any, pin::Pin};

use super::{Commit, Committed, StoreFuture};
use crate::suspend::TransactionFuture;

/// The future of opening a transaction.
pub type OpenFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Box<dyn OpenTransaction>, super::StoreError>> + Send + 'a>>;

/// What a step does in a transaction: a function of the store's own type of transaction, as
/// [`Store::transaction`](super::Store::transaction) names it. It catches its panics, and says itself what came of it.
pub type TransactionWork =
    Box<dyn for<'t> FnOnce(&'t mut (dyn Any + Send)) -> TransactionFuture<'t, ()> + Send>;

/// A transaction that is open: see [`Store::begin`](super::Store::begin). Dropped, it is rolled back.
pub trait OpenTransaction: Send {
    /// Does a step's work in it. A store whose transactions are [blocking](crate::suspend::BlockingTransaction) polls the
    /// work once, on its own thread.
    ///
    /// # Cancel safety
    ///
    /// The work may be done or not, or in part: drop the transaction.
    fn run(&mut self, work: TransactionWork) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Stores a transition with what was done in the transaction, all of it or nothing.
    ///
    /// The commit's fence is looked at here, as in [`Store::commit`](super::Store::commit). Unless the answer is
    /// [`Committed::Done`] everything is rolled back.
    ///
    /// # Errors
    ///
    /// [`StoreError::Retry`](super::StoreError::Retry) and [`StoreError::Fatal`](super::StoreError::Fatal) say that all is
    /// rolled back. After [`StoreError::Unknown`](super::StoreError::Unknown) [renew](super::Store::renew) the lease, which waits
    /// for the end of the transaction. If it is kept, the run's revision tells what became of the commit. If it is
    /// [lost](super::Renewed::Lost), the commit can't apply any more: the same one sent to
    /// [`Store::commit`](super::Store::commit) is answered with [`Committed::Done`] if it had applied, as long as nobody has claimed
    /// the run since.
    ///
    /// # Cancel safety
    ///
    /// As after [`StoreError::Unknown`](super::StoreError::Unknown).
    fn commit(self: Box<Self>, commit: Commit) -> StoreFuture<'static, Committed>;
}

/// A store without transactions for others, or with those of another type.
#[derive(Debug, thiserror::Error)]
#[error("this store has no transactions of that type for others")]
pub(super) struct NoTransactions;

/// The step went on after a statement that had failed.
#[cfg(feature = "postgres")]
#[derive(Debug, thiserror::Error)]
#[error(
    "a statement of the step has failed, and the step went on: PostgreSQL stores nothing of a transaction with such a statement; return \
     an `Err`, or run a statement that may fail in a savepoint (`tx.begin()`)"
)]
pub(super) struct Failed;

/// The step has ended the transaction that was not its own.
#[derive(Debug, thiserror::Error)]
#[error(
    "the step has ended the store's transaction, by `COMMIT`, `ROLLBACK` or an error that rolls everything back: what it \
     wrote may be stored without its run; leave the transaction to the engine, and return an `Err` to have it rolled back"
)]
pub(super) struct Ended;
