//! Machines whose type the engine does not know.

use std::time::Duration;

use crate::{
    local::Saved,
    machine::{BranchEnd, Changes, Machine, Outcome, Transition, Undos},
    snapshot::{LoadError, StateWriter, save_json},
    suspend::{Begin, Pending},
};

/// A [`Machine`] whose type is not known.
pub trait AnyMachine: Send {
    /// The workflow's name.
    fn workflow(&self) -> &str;
    /// The workflow's version.
    fn version(&self) -> u32;
    /// The name of the state.
    fn at(&self) -> &str;
    /// What the state waits for or performs.
    fn pending(&self) -> Pending<'_>;
    /// How long the state may last.
    fn limit(&self) -> Option<Duration>;
    /// Writes the fields of the state.
    fn encode(&self, writer: &mut StateWriter<'_>);
    /// Takes the state apart.
    fn begin(self: Box<Self>) -> (Begin, Box<dyn AnyFrame>);
}

/// A [`Machine::Frame`] whose type is not known.
pub trait AnyFrame: Send {
    /// Runs the workflow's code to the next await or to the end.
    fn resume(self: Box<Self>, outcome: Outcome, undos: &mut Undos) -> AnyTransition;
}

/// A [`Transition`] of a machine whose type is not known.
pub enum AnyTransition {
    /// At an await.
    Suspend(Box<dyn AnyMachine>, Changes),
    /// At the end.
    Done {
        /// What the function returned.
        output: Box<dyn AnyOutput>,
        /// Whether that is an `Err`.
        failed: bool,
    },
    /// At the end of a branch.
    Branch(BranchEnd),
    /// Nowhere: the stored state could not be read.
    Unreadable(LoadError),
}

/// A workflow's output whose type is not known.
pub trait AnyOutput: Send {
    /// Appends the output's JSON to `out`.
    ///
    /// # Errors
    ///
    /// If the output has no JSON that reads back as the same value.
    fn write(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error>;
}

impl<T: Saved> AnyOutput for T {
    fn write(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        save_json(self, out)
    }
}

impl<M: Machine> AnyMachine for M {
    fn workflow(&self) -> &str {
        M::NAME
    }

    fn version(&self) -> u32 {
        M::VERSION
    }

    fn at(&self) -> &str {
        Machine::at(self)
    }

    fn pending(&self) -> Pending<'_> {
        Machine::pending(self)
    }

    fn limit(&self) -> Option<Duration> {
        Machine::limit(self)
    }

    fn encode(&self, writer: &mut StateWriter<'_>) {
        Machine::encode(self, writer);
    }

    fn begin(self: Box<Self>) -> (Begin, Box<dyn AnyFrame>) {
        let (begin, frame) = Machine::begin(*self);
        (begin, Box::new(TypedFrame::<M>(frame)))
    }
}

/// A frame that remembers its machine's type.
struct TypedFrame<M: Machine>(M::Frame);

impl<M: Machine> AnyFrame for TypedFrame<M> {
    fn resume(self: Box<Self>, outcome: Outcome, undos: &mut Undos) -> AnyTransition {
        match M::resume(self.0, outcome, undos) {
            Transition::Suspend(state, changes) => AnyTransition::Suspend(Box::new(state), changes),
            Transition::Done(output) => {
                let failed = M::failed(&output);
                AnyTransition::Done { output: Box::new(output), failed }
            }
            Transition::Branch(end) => AnyTransition::Branch(end),
            Transition::Unreadable(error) => AnyTransition::Unreadable(error),
        }
    }
}
