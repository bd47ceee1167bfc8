//! What moved in a run, on its way to the core and to the store.

use crate::{
    core::{Again, Cause, Event, Move, Pushed, To},
    engine::{AnyMachine, AnyOutput},
    local::Local,
    machine::Changes,
    snapshot::{ParkReason, Path},
    store::AttrOp,
};

/// What arrivals led to.
#[derive(Default)]
pub(crate) struct Settled {
    pub(super) moves: Vec<Moved>,
    /// Of the call of an undo entry: whether it failed.
    pub(crate) undone: Option<bool>,
    /// The arrival that could not be taken in; those after it were not looked at.
    pub(crate) stuck: Option<(Path, ParkReason)>,
}

/// Calls for the undo stack, with their names.
pub(super) type Calling = Vec<(&'static str, Local)>;

/// A machine that moved.
pub(super) struct Moved {
    pub(super) path: Path,
    pub(super) leaf: Path,
    pub(super) cause: Cause,
    pub(super) to: Reached,
    /// What the error says, if the outcome is one.
    pub(super) words: Option<String>,
    /// What its code pushed on the undo stack.
    pub(super) undos: Calling,
    /// What its code changed of the run's attributes.
    pub(super) attributes: Vec<AttrOp>,
}

/// Where a machine came to.
pub(super) enum Reached {
    Suspended { machine: Box<dyn AnyMachine>, changes: Changes },
    Ended { output: Vec<u8>, failed: bool, next: Option<(u32, Box<dyn AnyMachine>)> },
    Returned { output: Box<dyn AnyOutput>, failed: bool },
    Again(Again),
}

impl Settled {
    /// What the core is told.
    pub(crate) fn event(&self) -> Event<'_> {
        let pushed =
            self.moves.iter().enumerate().flat_map(|(by, moved)| {
                moved.undos.iter().map(move |(name, call)| Pushed { by, name, call })
            });
        Event::Moved { moves: self.moves.iter().map(Moved::as_move).collect(), pushed: pushed.collect() }
    }

    /// Forgets all moves but so many: the others could not be stored.
    pub(crate) fn keep(&mut self, moves: usize) {
        self.moves.truncate(moves);
    }

    /// Whether nothing moved.
    pub(crate) fn is_nothing(&self) -> bool {
        self.moves.is_empty()
    }
}

impl Moved {
    fn as_move(&self) -> Move<'_> {
        let to = match &self.to {
            Reached::Suspended { machine, changes } => To::Suspended { machine: &**machine, changes },
            Reached::Ended { output, failed, next } => To::Ended {
                output,
                failed: *failed,
                next: next.as_ref().map(|(number, machine)| (*number, &**machine)),
            },
            Reached::Returned { output, failed } => To::Returned { output: &**output, failed: *failed },
            Reached::Again(again) => To::Again(*again),
        };
        let (words, attributes) = (self.words.as_deref(), &self.attributes);
        Move { path: self.path.clone(), leaf: self.leaf.clone(), cause: self.cause, to, words, attributes }
    }
}
