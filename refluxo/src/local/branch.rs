//! What `async move` blocks give to the group whose branches they are.

use std::mem;

use super::Local;
use crate::{
    machine::{BranchEnd, Changes, Outcome, Transition},
    snapshot::LoadError,
    suspend::{BranchOutput, Elapsed, Outcomes},
    workflow::Tried,
};

/// The output of a block: what its code ends with, and what the code behind the group gets.
///
/// It is the one witness of the block's type, as a [`Slot`](super::Slot) is of a local's. Between the two the output is a [`Local`], since
/// the engine does not know the type.
#[derive(Debug)]
pub struct BranchOut<R> {
    /// What was loaded: one output, or those of a `join_all!`.
    loaded: Vec<R>,
    failed: fn(&R) -> bool,
    save: fn(R) -> Local,
    load: fn(Local) -> Result<R, serde_json::Error>,
}

impl<R> BranchOut<R> {
    /// Of a block whose output does not end the group, or ends it whatever it is.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "only generated code makes one")]
    pub fn new() -> Self
    where
        R: BranchOutput,
    {
        Self::judged_by(|_| false)
    }

    fn judged_by(failed: fn(&R) -> bool) -> Self
    where
        R: BranchOutput,
    {
        Self { loaded: Vec::new(), failed, save: Local::new, load: Local::into_value }
    }

    /// Loads what the branch of this number gave, unless another branch ended the group; if that can't be decoded, `fault` is told.
    pub fn load(&mut self, outcomes: &mut Outcomes, number: u32, fault: &mut Option<LoadError>) {
        if outcomes.winner().is_none_or(|winner| winner == number) {
            self.decode(outcomes.local(number), fault);
        }
    }

    /// Loads what all branches gave; if one output can't be decoded, `fault` is told.
    pub fn load_all(&mut self, outcomes: &mut Outcomes, fault: &mut Option<LoadError>) {
        for number in 0..outcomes.count() {
            self.decode(outcomes.local(number), fault);
        }
    }

    fn decode(&mut self, output: Local, fault: &mut Option<LoadError>) {
        match (self.load)(output) {
            Ok(output) => self.loaded.push(output),
            Err(cause) => {
                fault.get_or_insert(LoadError::branch(cause));
            }
        }
    }

    /// Takes the one output that was loaded.
    ///
    /// # Panics
    ///
    /// If there is none, which is a defect of the macro.
    pub fn take(&mut self) -> R {
        match self.loaded.pop() {
            Some(output) => output,
            None => panic!("the output of a branch was not loaded: this is a defect of `#[workflow]`"),
        }
    }

    /// Takes the outputs that were loaded.
    pub fn all(&mut self) -> Vec<R> {
        mem::take(&mut self.loaded)
    }

    /// The block's code is at an await.
    pub fn going<C>(&self, call: C) -> Transition<C, R> {
        Transition::Suspend(call, Changes::none())
    }

    /// The block's code is at its end.
    pub fn done<C>(&self, output: R) -> Transition<C, R> {
        Transition::Done(output)
    }

    /// A block inside this one is at its end.
    #[must_use]
    pub fn left<C>(&self, end: BranchEnd) -> Transition<C, R> {
        Transition::Branch(end)
    }

    /// What the block's code came to: a call, or the end of the block or of one inside it.
    ///
    /// # Errors
    ///
    /// The end, which leaves the code around the block as an error would.
    ///
    /// # Panics
    ///
    /// If the code could not read something, which it reads before it runs: a defect of the macro.
    pub fn end<C>(&self, transition: Transition<C, R>) -> Result<C, BranchEnd> {
        match transition {
            Transition::Suspend(call, _) => Ok(call),
            Transition::Done(output) => {
                let failed = (self.failed)(&output);
                let outcome = Outcome::new((self.save)(output));
                Err(BranchEnd { outcome, failed, write: Some(write) })
            }
            Transition::Branch(end) => Err(end),
            Transition::Unreadable(error) => {
                panic!("{error}: it was to be told before a block runs; this is a defect of `#[workflow]`")
            }
        }
    }
}

impl<T, E> BranchOut<Result<T, E>> {
    /// Of a block in `try_join!`.
    #[must_use]
    pub fn fallible() -> Self
    where
        Result<T, E>: BranchOutput,
    {
        Self::judged_by(Result::is_err)
    }
}

/// [`BranchOut::going`] of a block that uses `?`.
///
/// This and its kin are no methods, so that rustc's word on a block which returns no `Result` is ours.
pub fn branch_going_tried<R: Tried, C>(_: &BranchOut<R>, call: C) -> R::Around<Transition<C, R::Value>> {
    R::around(Transition::Suspend(call, Changes::none()))
}

/// [`BranchOut::done`] of a block that uses `?`.
pub fn branch_done_tried<R: Tried, C>(_: &BranchOut<R>, output: R) -> R::Around<Transition<C, R::Value>> {
    output.map(Transition::Done)
}

/// [`BranchOut::left`] of a block that uses `?`.
#[must_use]
pub fn branch_left_tried<R: Tried, C>(
    _: &BranchOut<R>,
    end: BranchEnd,
) -> R::Around<Transition<C, R::Value>> {
    R::around(Transition::Branch(end))
}

/// [`BranchOut::end`] of a block that uses `?`.
///
/// # Errors
///
/// As [`BranchOut::end`].
pub fn branch_end_tried<R: Tried, C>(
    branch: &BranchOut<R>,
    around: R::Around<Transition<C, R::Value>>,
) -> Result<C, BranchEnd> {
    branch.end(R::close(around))
}

/// Writes the output of a block.
fn write(outcome: &Outcome, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    match outcome.get::<Local>() {
        Some(output) => output.write(out),
        None => Err(serde::ser::Error::custom("it is the output of another branch")),
    }
}

/// Lets `load` take the outputs of blocks out of what a group gave.
pub fn load_branches(outcome: &mut Option<Outcome>, load: impl FnOnce(&mut Outcomes)) {
    *outcome = outcome.take().map(|outcome| {
        let mut outcomes = outcome.take();
        load(&mut outcomes);
        Outcome::new(outcomes)
    });
}

/// [`load_branches`] of a group that may have run out of time.
pub fn load_branches_in_time(outcome: &mut Option<Outcome>, load: impl FnOnce(&mut Outcomes)) {
    *outcome = outcome.take().map(|outcome| {
        let mut outcomes = outcome.take::<Result<Outcomes, Elapsed>>();
        if let Ok(outcomes) = &mut outcomes {
            load(outcomes);
        }
        Outcome::new(outcomes)
    });
}
