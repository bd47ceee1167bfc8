//! What a store's own errors mean to a caller.

use std::{error::Error, sync::Arc};

use super::{Failure, Operation, StoreError};

/// What a caller may conclude from an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nature {
    /// Nothing was written; it may work later.
    Retry,
    /// It may have been written.
    Unknown,
    /// Nothing was written, and it won't work.
    Fatal,
}

/// The error as the store's callers get it.
pub(super) fn store_error(
    store: &Arc<str>,
    operation: Operation,
    nature: Nature,
    cause: Arc<dyn Error + Send + Sync>,
) -> StoreError {
    let failure = Failure { store: store.clone(), operation, cause };
    match nature {
        Nature::Retry => StoreError::Retry(failure),
        Nature::Unknown => StoreError::Unknown(failure),
        Nature::Fatal => StoreError::Fatal(failure),
    }
}
