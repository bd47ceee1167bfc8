//! A run that can't be read, or has no result.

use thiserror::Error;

use crate::{
    snapshot::{LoadError, ParkReason},
    store::{InvalidRunId, RunId, Status, StoreError},
};

/// A run that can't be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The id is not one.
    #[error(transparent)]
    InvalidId(#[from] InvalidRunId),
    /// There is no such run.
    #[error("there is no run {id} in this store")]
    Unknown {
        /// The id.
        id: RunId,
    },
    /// The run is one of another workflow.
    #[error("the run {id} is a run of the workflow `{found}`, not of `{wanted}`")]
    OtherWorkflow {
        /// The id.
        id: RunId,
        /// Its workflow.
        found: String,
        /// The workflow that was asked for.
        wanted: &'static str,
    },
    /// The run is over, so it has no state.
    #[error("the run {id} is {status} and has no state any more: ask for its result")]
    Ended {
        /// The id.
        id: RunId,
        /// How it ended.
        status: Status,
    },
    /// What is stored can't be read by today's code.
    #[error("the run {id} can't be read: {cause}")]
    Unreadable {
        /// The id.
        id: RunId,
        /// What can't be read, with the state and the field.
        #[source]
        cause: LoadError,
    },
    /// The store failed.
    #[error("the run {id} can't be read: {cause}")]
    Store {
        /// The id.
        id: RunId,
        /// What the store says.
        #[source]
        cause: StoreError,
    },
}

/// A run without a result.
#[derive(Debug, Error)]
pub enum ResultError {
    /// The run is parked: it can't go on until something is mended.
    #[error("the run {id} is parked: {reason}")]
    Parked {
        /// The id.
        id: RunId,
        /// Why, and what to do about it.
        reason: ParkReason,
    },
    /// The run was cancelled, so its function never returned.
    #[error("the run {id} was cancelled; start another run if it is wanted after all")]
    Cancelled {
        /// The id.
        id: RunId,
    },
    /// What it returned can't be read by today's code.
    #[error("the output of the run {id} can't be read as a `{expected}`: {cause}")]
    Output {
        /// The id.
        id: RunId,
        /// The type that was asked for.
        expected: &'static str,
        /// What the parser says.
        #[source]
        cause: serde_json::Error,
    },
    /// The run can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}
