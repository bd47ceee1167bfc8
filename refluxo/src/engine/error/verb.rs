//! An order that a run would not heed.

use std::fmt;

use thiserror::Error;

use crate::store::{InvalidRunId, RunId, Status, StoreError};

/// An order that a run would not heed.
#[derive(Debug, Error)]
pub enum VerbError {
    /// The id is not one.
    #[error(transparent)]
    InvalidId(#[from] InvalidRunId),
    /// There is no such run.
    #[error("there is no run {id} in this store to {verb}")]
    Unknown {
        /// The id.
        id: RunId,
        /// What it was to do.
        verb: &'static str,
    },
    /// The run is over.
    #[error("the run {id} is {} and can't {verb} any more: fork it, or start another run", Over(*status))]
    Ended {
        /// The id.
        id: RunId,
        /// What it was to do.
        verb: &'static str,
        /// How it ended, if that is known.
        status: Option<Status>,
    },
    /// The run is not parked.
    #[error(
        "the run {id} is {status} and not parked, so there is nothing to retry: a step is retried as its `retry(…)` says, and a run that failed is to be forked"
    )]
    NotParked {
        /// The id.
        id: RunId,
        /// How it stands.
        status: Status,
    },
    /// The run is not paused.
    #[error(
        "the run {id} is {status} and not paused, so there is nothing to resume: if it is parked, retry it"
    )]
    NotPaused {
        /// The id.
        id: RunId,
        /// How it stands.
        status: Status,
    },
    /// The run's inbox is full.
    #[error(
        "the inbox of the run {id} is full, so it can't be told to {verb}: let it take the signals that wait"
    )]
    Full {
        /// The id.
        id: RunId,
        /// What it was to do.
        verb: &'static str,
    },
    /// The store failed.
    #[error(
        "the run {id} was not told to {verb}, or that was not confirmed: {cause}; to say it again is safe"
    )]
    Store {
        /// The id.
        id: RunId,
        /// What it was to do.
        verb: &'static str,
        /// What the store says.
        #[source]
        cause: StoreError,
    },
}

/// How a run ended, as far as that is known.
struct Over(Option<Status>);

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(status) => status.fmt(f),
            None => f.write_str("over"),
        }
    }
}
