//! What an observer is told.

use std::{fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    snapshot::ParkReason,
    store::{Operation, Revision, RunId, Status, StoreError},
    suspend::StepContext,
    time::Timestamp,
};

/// Something that happened in this engine.
///
/// Times are the store's, durations this machine's. No argument, output, state or signal is in any of them.
///
/// What is said of a run was stored before it was said, unless it stands otherwise. So the events of all workers together count
/// each state, each beginning and each end once, unless a worker died between storing it and saying so.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// This worker begins to look for runs. Nothing was told before.
    Serving(Serving),
    /// A worker has begun with a run: its first commit is stored.
    Started(Started),
    /// This worker holds a run from now on. It has stored nothing yet.
    TakenUp(TakenUp),
    /// A run has reached a state, and what that waits for is performed next.
    Reached(Reached),
    /// A run can't go on until something is mended.
    Parked(Parked),
    /// A run is over.
    Ended(Ended),
    /// This worker holds a run no longer.
    LetGo(LetGo),
    /// Another worker has taken a run that this one still worked on; what it did since its last commit was not stored.
    LeaseLost(LeaseLost),
    /// An attempt to run a step begins.
    Attempting(Attempting),
    /// An attempt to run a step has ended. What came of it is not stored yet.
    Attempted(Attempted),
    /// This worker has looked for runs that are due.
    Claimed(Claimed),
    /// The store could not do what it was asked for. What is a run's is tried again.
    StoreFailed(StoreFailed),
    /// This observer was too slow and was not told of some events.
    Missed(Missed),
}

/// This worker begins: see [`Event::Serving`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Serving {
    /// The names of the workflows whose runs it takes, in alphabetical order.
    pub workflows: Vec<Arc<str>>,
    /// How many runs it may hold.
    pub slots: u32,
}

/// A worker has begun with a run: see [`Event::Started`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Started {
    /// The run's id.
    pub run: RunId,
    /// The workflow's name.
    pub workflow: Arc<str>,
    /// The run that awaits it.
    pub parent: Option<RunId>,
    /// How long after its creation.
    pub after: Duration,
}

/// This worker holds a run: see [`Event::TakenUp`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TakenUp {
    /// The run's id.
    pub run: RunId,
    /// The workflow's name.
    pub workflow: Arc<str>,
    /// Where it comes from.
    pub how: Taking,
    /// How many runs the worker holds now, this one among them.
    pub held: usize,
}

/// Where a run comes from that a worker takes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Taking {
    /// It was started here.
    Started,
    /// It had come to rest, or had not begun, and was due.
    Claimed,
    /// Whoever had it before did not bring it to rest: that worker died, lost it, or was shut down.
    TakenOver,
}

impl Taking {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Started, Self::Claimed, Self::TakenOver];

    /// Its name, as in the labels of metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Claimed => "claimed",
            Self::TakenOver => "taken_over",
        }
    }
}

/// A run has reached a state: see [`Event::Reached`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reached {
    /// The run's id.
    pub run: RunId,
    /// The workflow's name.
    pub workflow: Arc<str>,
    /// The state's name; of a run that has ended, the last one's.
    pub at: String,
    /// How the run stands.
    pub status: Status,
    /// How many commits the run has had.
    pub revision: Revision,
    /// How long the store took to keep it, all tries together.
    pub stored_in: Duration,
}

/// A run can't go on: see [`Event::Parked`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Parked {
    /// The run's id.
    pub run: RunId,
    /// The workflow's name.
    pub workflow: Arc<str>,
    /// The state's name.
    pub at: String,
    /// Why, and what to do about it. It may quote what a panic said.
    pub reason: ParkReason,
}

/// A run is over: see [`Event::Ended`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Ended {
    /// The run's id.
    pub run: RunId,
    /// The workflow's name.
    pub workflow: Arc<str>,
    /// How it ended: completed, failed or cancelled.
    pub status: Status,
    /// How long it lasted, from its creation.
    pub after: Duration,
}

/// This worker holds a run no longer: see [`Event::LetGo`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LetGo {
    /// The run's id.
    pub run: RunId,
    /// The workflow's name.
    pub workflow: Arc<str>,
    /// How many runs the worker still holds.
    pub held: usize,
}

/// Another worker has taken a run: see [`Event::LeaseLost`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LeaseLost {
    /// The run's id.
    pub run: RunId,
    /// The workflow's name.
    pub workflow: Arc<str>,
}

/// An attempt to run a step begins: see [`Event::Attempting`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attempting {
    /// The run, the workflow, the step, the attempt's number and its key.
    pub context: StepContext,
    /// When.
    pub at: Timestamp,
}

/// An attempt to run a step has ended: see [`Event::Attempted`]. There is one for each that began.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attempted {
    /// The run, the workflow, the step, the attempt's number and its key.
    pub context: StepContext,
    /// When it began.
    pub started: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// When the next attempt is made; none if this was the last.
    pub again: Option<Timestamp>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AttemptOutcome {
    /// With an outcome for the workflow.
    Returned,
    /// With an `Err`.
    Failed,
    /// It took longer than the step's `timeout`.
    TimedOut,
    /// It panicked.
    Panicked,
    /// It was dropped, or nobody wanted it any more: the run was aborted or lost, the engine stopped, or another arm of a
    /// `select!` had won.
    Dropped,
}

impl AttemptOutcome {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Returned, Self::Failed, Self::TimedOut, Self::Panicked, Self::Dropped];

    /// Its name, as in the labels of metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Returned => "returned",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Panicked => "panicked",
            Self::Dropped => "dropped",
        }
    }
}

impl fmt::Display for AttemptOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// This worker has looked for runs that are due: see [`Event::Claimed`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Claimed {
    /// How many it was given.
    pub runs: usize,
    /// How long the store took.
    pub took: Duration,
    /// Whether all that it had room for were given, so that more may be due than it can work on: the sign of a backlog.
    pub is_full: bool,
    /// How many runs it may work on at once: see [`EngineBuilder::concurrency`](crate::engine::EngineBuilder::concurrency).
    pub slots: u32,
}

/// The store could not do what it was asked for: see [`Event::StoreFailed`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoreFailed {
    /// What it was asked for.
    pub operation: Operation,
    /// What it says.
    pub error: StoreError,
}

/// This observer was not told of some events: see [`Event::Missed`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Missed {
    /// How many, since the last time that it was told of such.
    pub events: u64,
}
