//! What a run does next, and what each of its turns changes: pure.
//!
//! A [`Run`] and an [`Event`] at a time give the run after it and a [`Plan`]: what is to be committed, atomically, before
//! anything that follows from it is performed. Nothing here awaits, reads a clock, draws a random number or sees a store;
//! times, ids and machines are passed in. The engine performs what [`Run::next`] says and reports it back as an event; with
//! and without a store it is the same core.
//!
//! In reading order: [`run`](Run) is what is known of a run, `next` what it does next, `event` what may happen to it, and
//! `apply` with `arrive` and `finish` what that changes.

mod apply;
mod arrive;
mod birth;
mod entry;
mod error;
mod event;
mod finish;
mod input;
mod key;
mod letter;
mod next;
mod plan;
mod run;

pub(crate) use birth::{Origin, birth};
pub(crate) use error::Impossible;
pub(crate) use event::{Arrived, Cause, Event, Returned, StepRun};
pub(crate) use letter::{ChildEnd, end_kind, signal_kind};
pub(crate) use next::Next;
pub(crate) use plan::Plan;
pub(crate) use run::{Identity, Life, Run, life};

#[cfg(test)]
mod tests;
