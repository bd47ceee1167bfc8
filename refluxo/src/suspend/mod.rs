//! What a workflow can await.

mod branch;
#[doc(hidden)]
pub mod call;
mod child;
mod context;
mod detached;
mod group;
mod launch;
mod options;
mod signals;
mod step;
mod timeout;
mod timer;
mod together;
#[doc(hidden)]
pub mod transaction;

pub use branch::{Block, Branch, BranchOutput, Ending, Fallible, Keep, Kept, Leaf, One, Try};
pub use child::Child;
pub use context::{Interrupted, StepContext};
pub(crate) use context::{Pulse, Tether};
pub use detached::spawn;
pub use group::{AnyGroup, Group, Outcomes, Rule};
pub use launch::Launch;
pub(crate) use launch::Target;
pub use options::{Backoff, Judged, Retry, StepSpec, StepTimeout, TimedOut};
pub use signals::{Signal, signal};
#[cfg(feature = "testing")]
pub(crate) use step::Stage;
pub use step::{Resources, Step, StepFuture, StepTask};
pub use timeout::{Elapsed, Timeout};
pub use timer::{sleep, sleep_until};
pub use together::{Branches, Join, JoinAll, Ruled, Select, Together, TryJoin};
pub use transaction::{AsyncTransaction, BlockingTransaction, TransactionFuture, TransactionType};

use std::time::Duration;

use serde_json::value::RawValue;

use crate::{
    engine::AnyMachine,
    local::Saved,
    machine::{Description, Outcome},
    snapshot::LoadError,
    time::Timestamp,
};

/// A call that a workflow can await: a value that says what is to be done, and is saved before it is done.
///
/// Implemented by the structs that `#[step]` generates, by [`struct@sleep`], [`struct@sleep_until`], [`struct@signal`], [`Child`],
/// [`struct@spawn`] and [`Timeout`], and by what the forms `join!`, `try_join!`, `join_all!` and `select!` await.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be awaited in a workflow",
    label = "not a step, a timer, a signal or a workflow",
    note = "put `#[step]` on the function that is awaited here"
)]
pub trait Suspend: Saved {
    /// What awaiting the call gives.
    type Output: Send + 'static;

    /// What the engine has to wait for or to perform.
    fn pending(&self) -> Pending<'_>;

    /// Hands the call over to be performed.
    fn begin(self) -> Begin;

    /// How long to wait for the outcome at most.
    fn limit(&self) -> Option<Duration> {
        None
    }

    /// Adds what the call needs to the workflow's description.
    fn describe(description: &mut Description) {
        let _ = description;
    }
}

/// What a state waits for, as the engine sees it before the state is saved.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Pending<'a> {
    /// Nothing: the workflow has not started.
    Start,
    /// A step of this name is to be run.
    Step {
        /// The step's name.
        name: &'static str,
    },
    /// A point in time.
    Timer(Deadline),
    /// A message of this name.
    Signal {
        /// The signal's name.
        name: &'static str,
    },
    /// The end of a child run, which is started when the state is saved.
    Child(&'a dyn AnyMachine),
    /// A run of its own, which is started when the state is saved.
    Spawn(&'a dyn AnyMachine),
    /// A run of its own under an id of its own, which is started when the state is saved.
    Launch(&'a Launch),
    /// Several branches at once.
    Group(&'a dyn AnyGroup),
}

/// When a timer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// So long after the state was entered, by the store's clock.
    After(Duration),
    /// At this time, by the store's clock.
    At(Timestamp),
}

/// A call that was handed over to be performed.
#[non_exhaustive]
pub enum Begin {
    /// Nothing is to be done before the workflow's code runs.
    Start,
    /// A step's body is to be run.
    Step(Box<dyn StepTask>),
    /// A deadline is to pass; the outcome is `()`.
    Timer,
    /// A message is to come: this reads its body.
    Signal(ReadOutcome),
    /// A child run is to end: this reads its output.
    Child(ReadOutcome),
    /// A run of its own is to be started; the outcome is its [`RunId`](crate::store::RunId).
    Spawn,
    /// Branches are to be performed; the outcome is their [`Outcomes`].
    Group(Group),
    /// A call that may take a limited time.
    Limited(Box<Limited>),
}

/// A call that may take a limited time, as [`Suspend::limit`] says.
pub struct Limited {
    /// The call.
    pub begin: Begin,
    /// Makes the outcome of a call that ended in time.
    pub in_time: fn(Outcome) -> Outcome,
    /// Makes the outcome of one that did not.
    pub elapsed: fn() -> Outcome,
}

/// Reads the outcome of a call from the JSON of a message.
pub type ReadOutcome = fn(&RawValue) -> Result<Outcome, LoadError>;
