//! What the server's errors, and those of the way to it, mean to a caller.

use std::sync::Arc;

use sqlx::Error;

use crate::store::{Failure, Operation, StoreError};

/// What a caller may conclude from an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nature {
    /// Nothing was written; it may work later.
    Retry,
    /// It may have been written.
    Unknown,
    /// Nothing was written, and it won't work.
    Fatal,
}

impl Nature {
    /// The nature of an error of a statement that was sent. Each statement is a transaction.
    pub(super) fn of(error: &Error) -> Self {
        match error {
            Error::Database(error) => error.code().map_or(Self::Unknown, |code| Self::of_code(&code)),
            // The pool gave no connection, so nothing was sent.
            Error::PoolTimedOut | Error::PoolClosed | Error::Configuration(_) => Self::Retry,
            Error::Encode(_)
            | Error::Decode(_)
            | Error::ColumnDecode { .. }
            | Error::ColumnNotFound(_)
            | Error::ColumnIndexOutOfBounds { .. }
            | Error::TypeNotFound { .. }
            | Error::InvalidArgument(_)
            | Error::RowNotFound => Self::Fatal,
            // The connection was lost, before the statement or after it.
            _ => Self::Unknown,
        }
    }

    /// The nature of an error before anything was sent: of a connection that could not be had.
    pub(super) fn of_connecting(error: &Error) -> Self {
        match Self::of(error) {
            Self::Unknown => Self::Retry,
            nature => nature,
        }
    }

    /// By the classes of SQLSTATE.
    fn of_code(code: &str) -> Self {
        match code {
            // The server was stopped. It may have been just after the commit.
            "57P01" | "57P02" | "57P05" => Self::Unknown,
            // Serialization failures and deadlocks, want of memory, disk or connections, locks, starting up or read-only (a
            // standby), and errors of the system.
            "25006" | "40001" | "40P01" | "55P03" => Self::Retry,
            _ => match &code[..code.len().min(2)] {
                "08" | "40" => Self::Unknown,
                "53" | "57" | "58" => Self::Retry,
                _ => Self::Fatal,
            },
        }
    }
}

/// The error as the store's callers get it.
pub(super) fn store_error(
    store: &Arc<str>,
    operation: Operation,
    nature: Nature,
    cause: Arc<dyn std::error::Error + Send + Sync>,
) -> StoreError {
    let failure = Failure { store: store.clone(), operation, cause };
    match nature {
        Nature::Retry => StoreError::Retry(failure),
        Nature::Unknown => StoreError::Unknown(failure),
        Nature::Fatal => StoreError::Fatal(failure),
    }
}
