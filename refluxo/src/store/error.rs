//! What can go wrong between a run and its store.

use std::{error::Error, fmt, sync::Arc};

/// Which operation of the store failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Opening the store, with its migrations.
    Open,
    /// [`Store::create`](super::Store::create).
    Create,
    /// [`Store::claim`](super::Store::claim).
    Claim,
    /// [`Store::renew`](super::Store::renew).
    Renew,
    /// [`Store::commit`](super::Store::commit).
    Commit,
    /// [`Store::begin`](super::Store::begin).
    Begin,
    /// [`Store::deliver`](super::Store::deliver).
    Deliver,
    /// [`Store::load`](super::Store::load).
    Load,
    /// [`Store::history`](super::Store::history).
    History,
    /// [`Store::list`](super::Store::list).
    List,
    /// [`Store::purge`](super::Store::purge).
    Purge,
}

impl Operation {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 11] = [
        Self::Open,
        Self::Create,
        Self::Claim,
        Self::Renew,
        Self::Commit,
        Self::Begin,
        Self::Deliver,
        Self::Load,
        Self::History,
        Self::List,
        Self::Purge,
    ];

    /// Its name, as it is told.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Create => "create",
            Self::Claim => "claim",
            Self::Renew => "renew",
            Self::Commit => "commit",
            Self::Begin => "begin",
            Self::Deliver => "deliver",
            Self::Load => "load",
            Self::History => "history",
            Self::List => "list",
            Self::Purge => "purge",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which store failed, at what, and why.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{store}: {operation}: {cause}")]
pub struct Failure {
    /// The store as a person would name it: `SQLite (shop.db)`.
    pub store: Arc<str>,
    /// What it was asked for.
    pub operation: Operation,
    /// What it ran into.
    #[source]
    pub cause: Arc<dyn Error + Send + Sync>,
}

/// An operation that failed. The variant says what the caller may conclude.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing was written and the cause may pass: the same call may succeed in a while.
    #[error("{0} (nothing was written; it may work later)")]
    Retry(#[source] Failure),
    /// The answer was lost: it may have been written or not. Every write of a store may be sent again as it was, and
    /// the answer to that tells.
    #[error("{0} (it may have been written)")]
    Unknown(#[source] Failure),
    /// Nothing was written, and the same call will fail again until somebody mends the cause.
    #[error("{0}")]
    Fatal(#[source] Failure),
}

impl StoreError {
    /// Nothing was written; try again later.
    pub fn retry(store: &Arc<str>, operation: Operation, cause: impl Error + Send + Sync + 'static) -> Self {
        Self::Retry(Failure { store: store.clone(), operation, cause: Arc::new(cause) })
    }

    /// It may have been written.
    pub fn unknown(
        store: &Arc<str>,
        operation: Operation,
        cause: impl Error + Send + Sync + 'static,
    ) -> Self {
        Self::Unknown(Failure { store: store.clone(), operation, cause: Arc::new(cause) })
    }

    /// Nothing was written, and trying again won't help.
    pub fn fatal(store: &Arc<str>, operation: Operation, cause: impl Error + Send + Sync + 'static) -> Self {
        Self::Fatal(Failure { store: store.clone(), operation, cause: Arc::new(cause) })
    }

    /// Which store, which operation, which cause.
    #[must_use]
    pub fn failure(&self) -> &Failure {
        match self {
            Self::Retry(failure) | Self::Unknown(failure) | Self::Fatal(failure) => failure,
        }
    }
}
