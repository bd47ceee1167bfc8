//! What may happen to a run in its holder's hands.

use crate::{
    engine::{AnyMachine, AnyOutput},
    local::Local,
    machine::Changes,
    observer::AttemptOutcome,
    snapshot::{ParkReason, Path},
    store::{AttrOp, Seq},
    time::Timestamp,
};

/// What happened to a run.
pub(crate) enum Event<'a> {
    /// The outcomes of calls came, and the workflow's code ran or a call is made again.
    Moved {
        /// Where that led, one after another. An outcome that nobody waited for any more is not among them.
        moves: Vec<Move<'a>>,
        /// What the code pushed on the undo stack, in order.
        pushed: Vec<Pushed<'a>>,
    },
    /// A message that the run itself heeds: an operator's verb, or the end of a child of a run that is being cancelled.
    Told(Seq),
    /// The run can't go on.
    Stuck {
        /// The call that it is about; the root for what concerns the run as a whole, and for an undo call.
        path: Path,
        /// Why.
        reason: ParkReason,
    },
    /// The store takes nothing that the run comes to, not even what an operator says.
    Refused(ParkReason),
    /// Its messages were looked at, and none of them was for now.
    Looked,
    /// Calls are entered anew, by the machines that make them.
    Entered(Vec<(Path, &'a dyn AnyMachine)>),
    /// The time that a cancelled run had for its steps in flight is over.
    Swept,
    /// A call that undoes something was made.
    Undone(Cause),
    /// A call that undoes something failed, and is made again.
    UndoAgain {
        run: StepRun,
        /// What the error says.
        words: Option<&'a str>,
        again: Again,
    },
    /// A call that undoes something is no plain step: it has to be entered by its machine.
    UndoEntered(&'a dyn AnyMachine),
}

/// One outcome, and where it led.
pub(crate) struct Move<'a> {
    /// The branch that moved, or the root.
    pub(crate) path: Path,
    /// The call whose outcome it was: that of the branch, or of one below it that was the last of its group.
    pub(crate) leaf: Path,
    /// What the outcome was.
    pub(crate) cause: Cause,
    /// Where it led.
    pub(crate) to: To<'a>,
    /// What the error says, if the outcome is one.
    pub(crate) words: Option<&'a str>,
    /// What the code changed of the run's attributes, in order.
    pub(crate) attributes: &'a [AttrOp],
}

/// A call for the undo stack.
#[derive(Clone, Copy)]
pub(crate) struct Pushed<'a> {
    /// The number of the move whose code pushed it. It is stored with that one or not at all.
    pub(crate) by: usize,
    pub(crate) name: &'static str,
    pub(crate) call: &'a Local,
}

/// Where an outcome led.
pub(crate) enum To<'a> {
    /// To an await.
    Suspended {
        /// The new state.
        machine: &'a dyn AnyMachine,
        /// Which of its fields were written.
        changes: &'a Changes,
    },
    /// To the end of a branch, while its group goes on.
    Ended {
        /// The JSON of what it gave.
        output: &'a [u8],
        /// Whether that is an `Err`.
        failed: bool,
        /// The number and the first state of the branch that is started in its place: see [`super::Progress::Open`].
        next: Option<(u32, &'a dyn AnyMachine)>,
    },
    /// To the end of the function.
    Returned {
        /// What it returned.
        output: &'a dyn AnyOutput,
        /// Whether that is an `Err`.
        failed: bool,
    },
    /// To another attempt.
    Again(Again),
}

/// Another attempt of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Again {
    /// When it is made.
    pub(crate) due: Timestamp,
    /// When the first of the attempts that count was made.
    pub(crate) began: Timestamp,
}

/// The outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A worker started the workflow, or a branch.
    Started,
    /// The step was run.
    Step(StepRun),
    /// The time came.
    Timer,
    /// It took this message.
    Signal(Seq),
    /// This message told the child's end.
    Child(Seq),
    /// The run was started.
    Spawned,
    /// The call took longer than its `.timeout(…)`.
    Elapsed,
    /// The group has no branches.
    Empty,
}

/// When a step ran, by the store's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StepRun {
    pub(crate) started: Timestamp,
    pub(crate) ended: Timestamp,
    pub(crate) how: AttemptOutcome,
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
            Self::Spawned => "a run was spawned",
            Self::Elapsed => "a call took too long",
            Self::Empty => "a group without branches was over",
        }
    }

    /// The message that it used up.
    pub(crate) fn consumed(self) -> Option<Seq> {
        match self {
            Self::Signal(seq) | Self::Child(seq) => Some(seq),
            Self::Started | Self::Step(_) | Self::Timer | Self::Spawned | Self::Elapsed | Self::Empty => None,
        }
    }
}
