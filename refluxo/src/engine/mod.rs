//! The engine: it performs what runs wait for, and only after the state that waits for it is stored.
//!
//! In reading order: `builder` and [`Engine`] are what a program holds, [`Run`] is what it holds of one run. The `worker`
//! claims due runs and gives each a task, the `driver`: the only loop that performs actions. It hands what is to be saved
//! to the `committer`. `turn` is one turn of a run, with a store or [without one](Storeless).

mod erased;
mod error;
mod registry;
mod turn;

pub use erased::{AnyFrame, AnyMachine, AnyOutput, AnyTransition};
pub use error::{BuildError, MissingResource, ReadError, ResultError, SignalError, StartError};
pub use registry::{Conflict, Registry};
