//! What can go wrong between a caller and a schedule.

use std::fmt;

use crate::{
    engine::SignalError,
    snapshot::{LoadError, SaveError},
    store::{InvalidRunId, RunId, StoreError},
    time::Timestamp,
};

/// What can go wrong between a caller and a schedule.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// The name is not one.
    #[error("`{name}` can't be the name of a schedule: {cause}")]
    Name {
        /// The name.
        name: String,
        /// Why; where it speaks of an id's length, the name has to leave room for a tick.
        #[source]
        cause: InvalidRunId,
    },
    /// The engine does not know the workflow.
    #[error("the workflow `{workflow}` can't be scheduled: add `.register::<…>()` to the engine's builder")]
    NotRegistered {
        /// The workflow's name.
        workflow: &'static str,
    },
    /// The workflow's arguments can't be saved.
    #[error("the arguments of the schedule `{name}` can't be saved: {cause}")]
    Arguments {
        /// The schedule's name.
        name: String,
        /// Which field, and why.
        #[source]
        cause: SaveError,
    },
    /// There is no such schedule.
    #[error("there is no schedule `{name}` in this store, or it was deleted: make it with `engine.schedule`")]
    Unknown {
        /// The name.
        name: String,
    },
    /// The id that the schedule's own run is to have belongs to a run of another workflow.
    #[error("the run {id} is a run of the workflow `{found}` and no schedule: choose another name")]
    OtherWorkflow {
        /// The id.
        id: RunId,
        /// The workflow of the run that there is.
        found: String,
    },
    /// The schedule was deleted just now, and no worker has come to end it.
    #[error(
        "the schedule `{name}` is being deleted, and no worker has ended it yet: try again once one works"
    )]
    BeingDeleted {
        /// The name.
        name: String,
    },
    /// Too many orders wait to be carried out.
    #[error("{waiting} orders wait to be carried out by the schedule `{name}`: wait for them, or delete it")]
    Full {
        /// The name.
        name: String,
        /// How many there are.
        waiting: usize,
    },
    /// Nothing lies between the two ends of a backfill, or it is not over yet.
    #[error("{}", Span { name, from: *from, to: *to, now: *now })]
    Backfill {
        /// The name.
        name: String,
        /// Where it begins.
        from: Timestamp,
        /// Where it ends.
        to: Timestamp,
        /// The time by the store's clock.
        now: Timestamp,
    },
    /// What is stored of the schedule can't be read by today's code.
    #[error("the schedule `{name}` can't be read: {cause}")]
    Unreadable {
        /// The name.
        name: String,
        /// What can't be read.
        #[source]
        cause: LoadError,
    },
    /// The store failed.
    #[error("the schedule `{name}` was not reached, or that is not known: {cause}; doing it again is safe")]
    Store {
        /// The name.
        name: String,
        /// What the store says.
        #[source]
        cause: StoreError,
    },
    /// The store failed.
    #[error("the schedules can't be listed: {cause}")]
    List {
        /// What the store says.
        #[source]
        cause: StoreError,
    },
}

/// What is wrong with a span of time.
struct Span<'a> {
    name: &'a str,
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
}

impl fmt::Display for Span<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, from, to, now } = self;
        write!(f, "the schedule `{name}` can't make up the ticks from {from} to {to}: ")?;
        if from < to {
            write!(f, "it is {now}, and what is to come needs not be made up")
        } else {
            f.write_str("the end has to be after the beginning")
        }
    }
}

impl ScheduleError {
    /// Why a word did not reach the schedule of this name.
    pub(super) fn of_signal(name: &str, error: SignalError) -> Self {
        let name = name.to_owned();
        match error {
            SignalError::InvalidId(cause) => Self::Name { name, cause },
            SignalError::Unsaved { cause, .. } => {
                Self::Arguments { name, cause: SaveError::Envelope { cause } }
            }
            SignalError::TooLarge { cause, .. } => {
                Self::Arguments { name, cause: SaveError::TooLarge(cause) }
            }
            SignalError::Full { .. } => Self::Full { name, waiting: super::book::WAITING },
            SignalError::Store { cause, .. } => Self::Store { name, cause },
            SignalError::Finished { .. } | SignalError::Unknown { .. } | SignalError::NotAwaited { .. } => {
                Self::Unknown { name }
            }
        }
    }
}
