//! What SQLite's errors mean to a caller.

use rusqlite::{Error, ErrorCode};

use crate::store::nature::Nature;

impl From<&Error> for Nature {
    /// The nature of an error after which nothing was written.
    fn from(error: &Error) -> Self {
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
