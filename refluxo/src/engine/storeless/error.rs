//! Why a snapshot could not be moved on.

use std::fmt;

use thiserror::Error;

use crate::{
    core::{Life, Run},
    engine::NotAwaited,
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
    /// The run waits for the first of several things.
    #[error(
        "the run {id} waits {}: advance it when one of them is there",
        Things { until: *until, signals, child: child.as_deref() }
    )]
    Waits {
        /// The run, or its child that waits.
        id: RunId,
        /// When it goes on at the latest.
        until: Option<Timestamp>,
        /// The signals that it waits for.
        signals: Vec<String>,
        /// What the first of its children waits for.
        child: Option<Box<Self>>,
    },
    /// The run is paused.
    #[error("the run {id} is paused: resume it, then advance")]
    Paused {
        /// The run, or its child that is paused.
        id: RunId,
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
    /// Whether a run waits for something: there is no fault.
    pub(super) fn is_wait(&self) -> bool {
        match self {
            Self::NotDue { .. }
            | Self::NoSignal { .. }
            | Self::Waits { .. }
            | Self::Paused { .. }
            | Self::Parked { .. }
            | Self::Ended { .. } => true,
            Self::InvalidId(_)
            | Self::NotRegistered { .. }
            | Self::NoChild { .. }
            | Self::Arguments { .. }
            | Self::Unreadable(_)
            | Self::Deliver(_)
            | Self::Defect { .. } => false,
        }
    }

    /// Why a run that has nothing to do before `due` can't be advanced now; what its first child waits for is given.
    pub(super) fn waits(snapshot: &Snapshot, run: &Run, due: Option<Timestamp>, child: Option<Self>) -> Self {
        let id = snapshot.id.clone();
        if let Some(reason) = &run.parked {
            return Self::Parked { id, reason: reason.clone() };
        }
        if let Life::Ended { status, .. } = &run.life {
            return Self::Ended { id, status: *status };
        }
        if run.paused {
            return Self::Paused { id };
        }
        let calls = run.calls();
        let signals = calls.iter().filter_map(|call| match &call.waiting_for {
            WaitingFor::Signal { name } => Some(name.clone()),
            WaitingFor::Start
            | WaitingFor::Step { .. }
            | WaitingFor::Timer { .. }
            | WaitingFor::Child { .. }
            | WaitingFor::Spawn { .. }
            | WaitingFor::Group(_) => None,
        });
        match (&signals.collect::<Vec<_>>()[..], due, child) {
            ([], None, Some(child)) => child,
            ([], Some(until), None) => Self::NotDue { id, until },
            ([signal], None, None) => Self::NoSignal { id, signal: signal.clone() },
            (signals, until, child) => {
                Self::Waits { id, until, signals: signals.to_vec(), child: child.map(Box::new) }
            }
        }
    }
}

/// The things that a run waits for, in words.
struct Things<'a> {
    until: Option<Timestamp>,
    signals: &'a [String],
    child: Option<&'a AdvanceError>,
}

impl fmt::Display for Things<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.until.map(|until| format!("until {until}"));
        let signals = self.signals.iter().map(|signal| format!("for the signal `{signal}`"));
        let child = self.child.map(|child| format!("for a child ({child})"));
        let things: Vec<String> = time.into_iter().chain(signals).chain(child).collect();
        f.write_str(&things.join(" or "))
    }
}

/// Why a snapshot was not copied.
#[derive(Debug, Error)]
pub enum CopyError {
    /// The id of the copy is not one.
    #[error(transparent)]
    InvalidId(#[from] InvalidRunId),
    /// The run is over, or undoes what it did.
    #[error(
        "the run {id} is {status}, and some of what it did may have been undone: fork a snapshot of it from before"
    )]
    Over {
        /// The id of the run that is to be copied.
        id: RunId,
        /// How it stands.
        status: Status,
    },
    /// Today's code can't read the snapshot.
    #[error("the run {id} can't be forked: {reason}")]
    Unreadable {
        /// The id of the run that is to be copied.
        id: RunId,
        /// What can't be read, and what to do about it.
        reason: ParkReason,
    },
    /// The copy can't enter the calls that the run is at.
    #[error(transparent)]
    Advance(#[from] AdvanceError),
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
    #[error(transparent)]
    NotAwaited(#[from] NotAwaited),
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
