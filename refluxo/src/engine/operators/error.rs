//! What can go wrong with many runs at once.

use thiserror::Error;

use super::Bulk;
use crate::store::{InvalidRunId, ListCursor, StoreError};

/// Runs that can't be listed or counted.
#[derive(Debug, Error)]
pub enum QueryError {
    /// The parent's id is not one.
    #[error(transparent)]
    InvalidId(#[from] InvalidRunId),
    /// The store failed.
    #[error("the runs can't be looked up: {cause}")]
    Store {
        /// What the store says.
        #[source]
        cause: StoreError,
    },
}

/// Runs that were not all told what they were to do.
#[derive(Debug, Error)]
pub enum BulkError {
    /// The parent's id is not one; nothing was told.
    #[error(transparent)]
    InvalidId(#[from] InvalidRunId),
    /// The store failed. Those that come first were told.
    #[error(
        "not all of the runs were told to {verb}: {} were, and then {cause}; go on with `.after(…)` and the error's `next`, or \
         tell all of them again, which does no harm",
        done.told
    )]
    Store {
        /// What they were to do.
        verb: &'static str,
        /// What was done.
        done: Bulk,
        /// The place after the last run that was told; none if that is the first one.
        next: Option<ListCursor>,
        /// What the store says.
        #[source]
        cause: StoreError,
    },
}

/// Runs that were not all removed.
#[derive(Debug, Error)]
pub enum PurgeError {
    /// The parent's id is not one; nothing was removed.
    #[error(transparent)]
    InvalidId(#[from] InvalidRunId),
    /// The store failed.
    #[error("{removed} runs were removed, and then {cause}; to purge again is safe")]
    Store {
        /// How many are known to have been removed.
        removed: u64,
        /// What the store says.
        #[source]
        cause: StoreError,
    },
}
