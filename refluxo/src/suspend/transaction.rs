//! Steps whose body writes in the store's own transaction.

use std::{
    any::{Any, TypeId, type_name},
    fmt,
    pin::Pin,
};

use crate::machine::Outcome;

/// A transaction of a store whose body is a plain `fn`.
#[diagnostic::on_unimplemented(
    message = "a step that is a plain `fn` can't write in a `{Self}`",
    label = "not a transaction of a store that calls a plain `fn`",
    note = "a plain `fn` takes a `&mut SqliteTransaction`; the transaction of a server is taken by an `async fn`"
)]
pub trait BlockingTransaction: Any + Send {}

/// A transaction of a store whose body is an `async fn`.
#[diagnostic::on_unimplemented(
    message = "a step that is an `async fn` can't write in a `{Self}`",
    label = "not a transaction of a store that calls an `async fn`",
    note = "a step with a `&mut SqliteTransaction` is a plain `fn`, since it runs on the thread that writes the file"
)]
pub trait AsyncTransaction: Any + Send {}

/// The future of a step's body in a transaction.
pub type TransactionFuture<'t, T> = Pin<Box<dyn Future<Output = T> + Send + 't>>;

/// The type of a transaction, to compare what a step takes with what a store has.
#[derive(Clone, Copy)]
pub struct TransactionType {
    id: TypeId,
    name: &'static str,
}

impl TransactionType {
    /// The type `T`.
    #[must_use]
    pub fn of<T: Any>() -> Self {
        Self { id: TypeId::of::<T>(), name: type_name::<T>() }
    }

    /// The type in words.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl PartialEq for TransactionType {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for TransactionType {}

impl fmt::Debug for TransactionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The store's transaction, for a body that is a plain `fn`.
pub fn in_blocking<T: BlockingTransaction>(transaction: &mut (dyn Any + Send)) -> &mut T {
    known(transaction)
}

/// The store's transaction, for a body that is an `async fn`.
pub fn in_async<T: AsyncTransaction>(transaction: &mut (dyn Any + Send)) -> &mut T {
    known(transaction)
}

/// A transaction by its type.
fn known<T: Any>(transaction: &mut (dyn Any + Send)) -> &mut T {
    match transaction.downcast_mut() {
        Some(transaction) => transaction,
        // `Engine::build` has compared the types.
        None => panic!("the store's transaction is not a `{}`", type_name::<T>()),
    }
}

/// What a body says that was to run without a transaction.
///
/// # Panics
///
/// Always: only an engine on a store with transactions runs such a step, and a test that has a mock for it.
#[must_use]
pub fn no_transaction(step: &str) -> Outcome {
    panic!("the step `{step}` runs in the store's transaction, and there is none here")
}
