//! What may happen to a run in its holder's hands.

use crate::{
    engine::{AnyMachine, AnyOutput},
    machine::Changes,
    snapshot::ParkReason,
    store::Seq,
    time::Timestamp,
};

/// What happened to a run.
pub(crate) enum Event<'a> {
    /// The workflow's code ran and came to an await.
    Arrived(Arrived<'a>),
    /// The workflow's code ran and returned.
    Returned(Returned<'a>),
    /// The run can't go on.
    Stuck(ParkReason),
    /// Its messages were looked at, and none of them was for now.
    Looked,
}

/// The workflow's code came to an await.
pub(crate) struct Arrived<'a> {
    /// What made it run.
    pub(crate) cause: Cause,
    /// The new state.
    pub(crate) machine: &'a dyn AnyMachine,
    /// Which of its fields were written.
    pub(crate) changes: &'a Changes,
}

/// The workflow's code returned.
pub(crate) struct Returned<'a> {
    /// What made it run.
    pub(crate) cause: Cause,
    /// What it returned.
    pub(crate) output: &'a dyn AnyOutput,
    /// Whether that is an `Err`.
    pub(crate) failed: bool,
}

/// What made a workflow's code run: the outcome of the call that it was at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A worker started it.
    Started,
    /// The step was run.
    Step(StepRun),
    /// The time came.
    Timer,
    /// It took this message.
    Signal(Seq),
    /// This message told the child's end.
    Child(Seq),
}

/// When a step ran, by the store's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StepRun {
    pub(crate) started: Timestamp,
    pub(crate) ended: Timestamp,
}

impl Event<'_> {
    /// Its name in errors.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Arrived(arrived) => arrived.cause.name(),
            Self::Returned(returned) => returned.cause.name(),
            Self::Stuck(_) => "the run got stuck",
            Self::Looked => "its messages were looked at",
        }
    }
}

impl Cause {
    /// Its name in errors.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Started => "it was started",
            Self::Step(_) => "a step was run",
            Self::Timer => "a time came",
            Self::Signal(_) => "a signal was taken",
            Self::Child(_) => "a child ended",
        }
    }

    /// The message that it used up.
    pub(crate) fn consumed(self) -> Option<Seq> {
        match self {
            Self::Signal(seq) | Self::Child(seq) => Some(seq),
            Self::Started | Self::Step(_) | Self::Timer => None,
        }
    }
}
