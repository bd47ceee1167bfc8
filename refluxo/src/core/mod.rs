//! What a run does next, and what each of its turns changes: pure.
//!
//! A [`Run`] and an [`Event`] at a time give the run after it and a [`Plan`]: what is to be committed, atomically, before
//! anything that follows from it is performed. Nothing here awaits, reads a clock, draws a random number or sees a store;
//! times, ids and machines are passed in. The engine performs what [`Run::next`] says and reports it back as an event; with
//! and without a store it is the same core.
//!
//! A run is at one call, or at a tree of them: a *group* is a call whose branches are calls. What is stored of a tree is small:
//! the root's call in the head, a record for each branch that is not at the plain call that it began with, and the outputs of
//! the branches that have ended. [`Run::of_record`] makes of that what was in memory; a property test holds it to that.
//!
//! In reading order: [`run`](Run) is what is known of a run and `calls` the tree, filed in an `agenda`, `next` what it does next, `event` what may
//! happen to it; `apply` with `moves`, `enter`, `again`, `verbs` and `ending` what that changes, and `draft` gathers it. `group`
//! and `retry` decide when branches are over and when a call is made again; `fork` copies a run, also from a state that it has
//! `kept`. `size` is how large what it saves may be.

mod again;
mod agenda;
mod apply;
mod birth;
mod calls;
mod draft;
mod ending;
mod enter;
mod entry;
mod error;
mod event;
mod fork;
mod group;
mod input;
mod kept;
mod key;
mod letter;
mod moves;
mod next;
mod plan;
pub(crate) mod retry;
mod run;
mod size;
mod verbs;

#[cfg(feature = "schedule")]
pub(crate) use birth::target;
pub(crate) use birth::{Origin, birth};
pub(crate) use calls::Calls;
pub(crate) use entry::bounded;
pub(crate) use error::Impossible;
pub(crate) use event::{Again, Cause, Event, Move, Pushed, StepRun, To};
pub(crate) use fork::{NoFork, fork};
pub(crate) use group::{Progress, after};
#[cfg(feature = "schedule")]
pub(crate) use input::input_hash;
pub(crate) use kept::{Earlier, earlier, kept_states};
pub use letter::Verb;
pub(crate) use letter::{ChildEnd, VerbLetter, end_kind, signal_kind};
pub(crate) use next::{Next, Ready, Task};
pub(crate) use plan::Plan;
pub(crate) use run::{End, Identity, Life, Run, Stage};
pub(crate) use size::SizeLimit;
pub use size::TooLarge;

#[cfg(test)]
mod tests;
