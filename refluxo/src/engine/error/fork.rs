//! A run that can't be copied.

use std::fmt;

use thiserror::Error;

use crate::{
    snapshot::{LoadError, ParkReason, SaveError},
    store::{InvalidRunId, Revision, RunId, StoreError},
};

/// A run that can't be copied.
#[derive(Debug, Error)]
pub enum ForkError {
    /// An id is not one.
    #[error(transparent)]
    InvalidId(#[from] InvalidRunId),
    /// There is no such run.
    #[error("there is no run {id} in this store to fork")]
    Unknown {
        /// The id.
        id: RunId,
    },
    /// The run's function has returned, so the run is at no state any more.
    #[error(
        "the run {id} is completed and has no state any more: start another run, or fork it with `.from(…)` from an earlier \
         state, if `EngineBuilder::keep_states` had some kept"
    )]
    Completed {
        /// The id.
        id: RunId,
    },
    /// The state that is to be copied is not kept.
    #[error(
        "no state of the run {id} is kept under the revision {revision} ({}): fork it from one that is kept, and have more of \
         them kept with `EngineBuilder::keep_states`",
        Kept(kept)
    )]
    NotKept {
        /// The id.
        id: RunId,
        /// The revision that was asked for.
        revision: Revision,
        /// Those under which a state is kept, the oldest first.
        kept: Vec<Revision>,
    },
    /// Some of what the run did has been undone since.
    #[error(
        "some of what the run {id} did has been undone since, and a copy would go on as if it were still done: if that is \
         what you want, fork it with `.force()`"
    )]
    Undone {
        /// The id.
        id: RunId,
    },
    /// The id of the copy is in use.
    #[error("the id {copy} is in use by another run: choose another one for the copy")]
    IdTaken {
        /// The id.
        copy: RunId,
    },
    /// Today's code can't read what is stored of the run.
    #[error("the run {id} can't be forked: {reason}")]
    Unreadable {
        /// The id.
        id: RunId,
        /// What can't be read, and what to do about it.
        reason: ParkReason,
    },
    /// The run's envelope can't be read.
    #[error("the run {id} can't be forked: {cause}")]
    Envelope {
        /// The id.
        id: RunId,
        /// What can't be read.
        #[source]
        cause: LoadError,
    },
    /// The copy can't be written.
    #[error("the run {id} can't be forked: {cause}")]
    Unsaved {
        /// The id.
        id: RunId,
        /// Why.
        #[source]
        cause: SaveError,
    },
    /// The store failed.
    #[error("the run {id} was not copied as {copy}, or that was not confirmed: {cause}")]
    Store {
        /// The id.
        id: RunId,
        /// The id of the copy.
        copy: RunId,
        /// What the store says.
        #[source]
        cause: StoreError,
    },
}

/// The revisions under which states are kept.
struct Kept<'a>(&'a [Revision]);

impl fmt::Display for Kept<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, others @ ..] = self.0 else { return f.write_str("none is") };
        write!(f, "kept: {first}")?;
        others.iter().try_for_each(|revision| write!(f, ", {revision}"))
    }
}
