//! Several calls at once, as the engine sees them.

use std::any::Any;

use serde::{Deserialize, Serialize};

use super::ReadOutcome;
use crate::{engine::AnyMachine, local::Local, machine::Outcome};

/// When a group is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Rule {
    /// When every branch has ended.
    All,
    /// When every branch has ended, or one of them failed.
    Try,
    /// When one branch has ended.
    Any,
}

/// The branches of a state that was not begun.
pub trait AnyGroup: Send {
    /// When the group is over.
    fn rule(&self) -> Rule;

    /// How many branches may be at work at once.
    fn limit(&self) -> Option<u32>;

    /// How many branches there are.
    fn len(&self) -> u32;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first state of the branch of this number.
    fn branch(&self, number: u32) -> &dyn AnyMachine;
}

/// Branches that were handed over to be performed.
pub struct Group {
    /// The first state of each.
    pub branches: Vec<Box<dyn AnyMachine>>,
    /// Reads the output of each from what was stored of it; one for all, if they are of one type.
    pub read: Vec<ReadOutcome>,
}

/// What the branches of a group gave.
#[derive(Debug)]
pub struct Outcomes {
    winner: Option<u32>,
    outcomes: Vec<Option<Outcome>>,
}

impl Outcomes {
    /// The outcomes by the numbers of the branches; the winner is the branch that ended the group before the others ended.
    #[must_use]
    pub fn new(winner: Option<u32>, outcomes: Vec<Option<Outcome>>) -> Self {
        Self { winner, outcomes }
    }

    /// The branch that ended the group: the one that was first, or the one that failed.
    #[must_use]
    pub fn winner(&self) -> Option<u32> {
        self.winner
    }

    /// How many branches there were.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.outcomes.len()).unwrap_or(u32::MAX)
    }

    /// Takes the output of a branch.
    ///
    /// # Panics
    ///
    /// If the branch gave none, or one of another type, which is a defect of the engine.
    pub fn take<T: Any>(&mut self, branch: u32) -> T {
        let outcome = usize::try_from(branch).ok().and_then(|branch| self.outcomes.get_mut(branch)?.take());
        match outcome {
            Some(outcome) => outcome.take(),
            None => panic!("branch {branch} gave no output: this is a defect of refluxo"),
        }
    }

    /// Takes the output of a branch that is an `async move` block.
    ///
    /// # Panics
    ///
    /// As [`Outcomes::take`].
    pub fn local(&mut self, branch: u32) -> Local {
        self.take(branch)
    }

    /// The outputs of all branches, which are of one type.
    ///
    /// # Panics
    ///
    /// As [`Outcomes::take`].
    #[must_use]
    pub fn all<T: Any>(mut self) -> Vec<T> {
        (0..).zip(0..self.outcomes.len()).map(|(branch, _)| self.take(branch)).collect()
    }
}
