//! What the server's errors, and those of the way to it, mean to a caller.

use sqlx::Error;

use crate::store::nature::Nature;

impl From<&Error> for Nature {
    /// The nature of an error of a statement that was sent. Each statement is a transaction.
    fn from(error: &Error) -> Self {
        match error {
            Error::Database(error) => error.code().map_or(Self::Unknown, |code| of_code(&code)),
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
}

impl Nature {
    /// The nature of an error before anything was sent: of a connection that could not be had.
    pub(super) fn of_connecting(error: &Error) -> Self {
        match Self::from(error) {
            Self::Unknown => Self::Retry,
            nature => nature,
        }
    }
}

/// By the classes of SQLSTATE.
fn of_code(code: &str) -> Nature {
    match code {
        // The server was stopped. It may have been just after the commit.
        "57P01" | "57P02" | "57P05" => Nature::Unknown,
        // Serialization failures and deadlocks, want of memory, disk or connections, locks, starting up or read-only (a
        // standby), and errors of the system.
        "25006" | "40001" | "40P01" | "55P03" => Nature::Retry,
        _ => match &code[..code.len().min(2)] {
            "08" | "40" => Nature::Unknown,
            "53" | "57" | "58" => Nature::Retry,
            _ => Nature::Fatal,
        },
    }
}
