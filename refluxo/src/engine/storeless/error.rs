//! Why a snapshot could not be moved on.

use thiserror::Error;

use crate::{
    core::Life,
    engine::error::Names,
    snapshot::{LoadError, ParkReason, SaveError, Snapshot, WaitingFor},
    store::{InvalidRunId, RunId, Status},
    time::Timestamp,
};

/// Why a snapshot was not advanced. It stays as it was.
#[derive(Debug, Error)]
pub enum AdvanceError {
    /// The id is not one.
    #[error(transparent)]
    InvalidId(#[from] InvalidRunId),
    /// The run sleeps.
    #[error("the run {id} sleeps until {until}: advance it then")]
    NotDue {
        /// The run, or its child that sleeps.
        id: RunId,
        /// When it goes on.
        until: Timestamp,
    },
    /// The run waits for a signal.
    #[error("the run {id} waits for the signal `{signal}`: deliver it, then advance")]
    NoSignal {
        /// The run, or its child that waits.
        id: RunId,
        /// The signal's name.
        signal: String,
    },
    /// The run is parked.
    #[error("the run {id} is parked: {reason}")]
    Parked {
        /// The run, or its child that is parked.
        id: RunId,
        /// Why, and what to do about it.
        reason: ParkReason,
    },
    /// The run is over.
    #[error("the run {id} is {status}: there is nothing to be advanced")]
    Ended {
        /// The run's id.
        id: RunId,
        /// How it ended.
        status: Status,
    },
    /// The engine does not know the workflow.
    #[error(
        "the run {id} is one of the workflow `{workflow}`: add `.register::<…>()` to the engine's builder"
    )]
    NotRegistered {
        /// The run's id.
        id: RunId,
        /// The workflow's name.
        workflow: String,
    },
    /// The snapshot lacks the child that it waits for.
    #[error("the snapshot of the run {id} lacks its child {child}: keep `children` with it")]
    NoChild {
        /// The run's id.
        id: RunId,
        /// The child's id.
        child: RunId,
    },
    /// The arguments can't be saved.
    #[error("the arguments of the run {id} can't be saved: {cause}")]
    Arguments {
        /// The run's id.
        id: RunId,
        /// Which field, and why.
        #[source]
        cause: SaveError,
    },
    /// The snapshot can't be read.
    #[error("the snapshot can't be read: {0}")]
    Unreadable(#[from] LoadError),
    /// What a child returned could not be handed to its parent.
    #[error(transparent)]
    Deliver(#[from] DeliverError),
    /// The library contradicts itself.
    #[error("the run {id}: {message}")]
    Defect {
        /// The run's id.
        id: RunId,
        /// What does not fit.
        message: String,
    },
}

impl AdvanceError {
    /// Why a run that rests can't be advanced now.
    pub(super) fn waits(snapshot: &Snapshot, life: &Life) -> Self {
        let id = snapshot.id.clone();
        match life {
            Life::At { call, .. } => match &call.waiting_for {
                WaitingFor::Timer { until } => Self::NotDue { id, until: *until },
                WaitingFor::Signal { name } => Self::NoSignal { id, signal: name.clone() },
                WaitingFor::Child { id: child } => Self::NoChild { id, child: child.clone() },
                WaitingFor::Start | WaitingFor::Step { .. } => {
                    Self::Defect { id, message: "a run that can go on does not".to_owned() }
                }
            },
            Life::Parked { reason, .. } => Self::Parked { id, reason: reason.clone() },
            Life::Ended { status, .. } => Self::Ended { id, status: *status },
        }
    }
}

/// Why a message was not put into a snapshot.
#[derive(Debug, Error)]
pub enum DeliverError {
    /// The run is over.
    #[error("the run {id} is over and takes no message `{kind}` any more")]
    Finished {
        /// The run's id.
        id: RunId,
        /// The message's kind.
        kind: String,
    },
    /// The workflow has no await that takes the signal.
    #[error(
        "the workflow `{workflow}` of the run {id} never awaits a signal `{signal}`; it awaits {}",
        Names(known)
    )]
    NotAwaited {
        /// The run's id.
        id: RunId,
        /// The workflow's name.
        workflow: String,
        /// The signal's name.
        signal: String,
        /// The signals that it awaits.
        known: Vec<&'static str>,
    },
    /// The value has no JSON that reads back as the same value.
    #[error("the signal `{signal}` can't be delivered: {cause}")]
    Unsaved {
        /// The signal's name.
        signal: String,
        /// What the serializer says.
        #[source]
        cause: serde_json::Error,
    },
    /// The snapshot can't be read.
    #[error("the snapshot can't be read: {0}")]
    Unreadable(#[from] LoadError),
}
