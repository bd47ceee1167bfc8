//! What SQLite's errors mean to a caller.

use std::{error::Error, sync::Arc};

use rusqlite::ErrorCode;

use crate::store::{Failure, Operation, StoreError};

/// What a caller may conclude from an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nature {
    /// It may work later.
    Retry,
    /// It may have been written.
    Unknown,
    /// It won't work.
    Fatal,
}

impl Nature {
    /// The nature of an error after which nothing was written.
    pub(super) fn of(error: &rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::OutOfMemory
                | ErrorCode::OperationInterrupted
                | ErrorCode::FileLockingProtocolFailed,
            ) => Self::Retry,
            Some(_) | None => Self::Fatal,
        }
    }
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
