//! How a run stands, as a snapshot shows it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::store::Status;

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RunStatus {
    /// It can go on, and waits for a worker.
    Ready,
    /// A worker holds it.
    Running,
    /// It waits for a time or a message.
    Waiting,
    /// An operator stopped it.
    Paused,
    /// It can't go on until something is mended: its state is kept and nothing was undone.
    Parked,
    /// It is being cancelled.
    Cancelling,
    /// Its function returned.
    Completed,
    /// Its function returned an `Err`.
    Failed,
    /// It was cancelled.
    Cancelled,
}

impl RunStatus {
    /// What a store's record shows: its status, or [`RunStatus::Running`] while a worker holds the run.
    #[must_use]
    pub fn of(status: Status, is_running: bool) -> Self {
        match status {
            Status::Ready | Status::Waiting if is_running => Self::Running,
            Status::Ready => Self::Ready,
            Status::Waiting => Self::Waiting,
            Status::Paused => Self::Paused,
            Status::Parked => Self::Parked,
            Status::Cancelling => Self::Cancelling,
            Status::Completed => Self::Completed,
            Status::Failed => Self::Failed,
            Status::Cancelled => Self::Cancelled,
        }
    }

    /// What a store keeps of it: that a worker holds the run is not written down.
    #[must_use]
    pub fn stored(self) -> Status {
        match self {
            Self::Ready | Self::Running => Status::Ready,
            Self::Waiting => Status::Waiting,
            Self::Paused => Status::Paused,
            Self::Parked => Status::Parked,
            Self::Cancelling => Status::Cancelling,
            Self::Completed => Status::Completed,
            Self::Failed => Status::Failed,
            Self::Cancelled => Status::Cancelled,
        }
    }

    /// Whether the run is over.
    #[must_use]
    pub fn is_ended(self) -> bool {
        self.stored().is_ended()
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => f.write_str("running"),
            Self::Ready
            | Self::Waiting
            | Self::Paused
            | Self::Parked
            | Self::Cancelling
            | Self::Completed
            | Self::Failed
            | Self::Cancelled => f.write_str(self.stored().as_str()),
        }
    }
}
