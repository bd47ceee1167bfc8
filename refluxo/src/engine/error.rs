//! What can go wrong between a caller and the engine. Each error names the run and the cure.

use std::fmt;

use thiserror::Error;

use super::Conflict;
use crate::{
    snapshot::{LoadError, ParkReason, SaveError},
    store::{InvalidRunId, Revision, RunId, Status, StoreError},
};

/// An engine that can't be built.
#[derive(Clone, Debug, Error)]
pub enum BuildError {
    /// Steps take resources that were not provided.
    #[error("{}; add `.provide(…)` to the engine's builder for each", Lines(missing))]
    MissingResources {
        /// All of them.
        missing: Vec<MissingResource>,
    },
    /// Workflows share a name.
    #[error("{}", Lines(conflicts))]
    Conflicts {
        /// All of them.
        conflicts: Vec<Conflict>,
    },
}

/// A resource that a step takes by `#[inject]` and that the engine was not given.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the step `{step}` of the workflow `{workflow}` takes a `{resource}`, which was not provided")]
pub struct MissingResource {
    /// The workflow's name.
    pub workflow: String,
    /// The step's name.
    pub step: &'static str,
    /// The resource's type.
    pub resource: &'static str,
}

/// A run that can't be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// The id is not one.
    #[error(transparent)]
    InvalidId(#[from] InvalidRunId),
    /// The engine does not know the workflow.
    #[error("the workflow `{workflow}` can't be started: add `.register::<…>()` to the engine's builder")]
    NotRegistered {
        /// The workflow's name.
        workflow: &'static str,
    },
    /// The id is in use by a run of another workflow.
    #[error(
        "the run {id} is a run of the workflow `{found}` and can't be started as one of `{wanted}`: choose another id"
    )]
    OtherWorkflow {
        /// The id.
        id: RunId,
        /// The workflow of the run that there is.
        found: String,
        /// The workflow that was to be started.
        wanted: &'static str,
    },
    /// The id is in use by a run with other arguments.
    #[error(
        "the run {id} of the workflow `{workflow}` was started with other arguments: choose another id, or come back to it \
         with `engine.run`"
    )]
    OtherArguments {
        /// The id.
        id: RunId,
        /// The workflow's name.
        workflow: &'static str,
    },
    /// The arguments can't be saved.
    #[error("the arguments of the run {id} can't be saved: {cause}")]
    Arguments {
        /// The id.
        id: RunId,
        /// Which field, and why.
        #[source]
        cause: SaveError,
    },
    /// The store failed.
    #[error(
        "the run {id} was not started, or its start was not confirmed: {cause}; starting it again is safe"
    )]
    Store {
        /// The id.
        id: RunId,
        /// What the store says.
        #[source]
        cause: StoreError,
    },
}

/// A run that can't be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The id is not one.
    #[error(transparent)]
    InvalidId(#[from] InvalidRunId),
    /// There is no such run.
    #[error("there is no run {id} in this store")]
    Unknown {
        /// The id.
        id: RunId,
    },
    /// The run is one of another workflow.
    #[error("the run {id} is a run of the workflow `{found}`, not of `{wanted}`")]
    OtherWorkflow {
        /// The id.
        id: RunId,
        /// Its workflow.
        found: String,
        /// The workflow that was asked for.
        wanted: &'static str,
    },
    /// The run is over, so it has no state.
    #[error("the run {id} is {status} and has no state any more: ask for its result")]
    Ended {
        /// The id.
        id: RunId,
        /// How it ended.
        status: Status,
    },
    /// What is stored can't be read by today's code.
    #[error("the run {id} can't be read: {cause}")]
    Unreadable {
        /// The id.
        id: RunId,
        /// What can't be read, with the state and the field.
        #[source]
        cause: LoadError,
    },
    /// The store failed.
    #[error("the run {id} can't be read: {cause}")]
    Store {
        /// The id.
        id: RunId,
        /// What the store says.
        #[source]
        cause: StoreError,
    },
}

/// A signal that can't be sent.
#[derive(Debug, Error)]
pub enum SignalError {
    /// The id is not one.
    #[error(transparent)]
    InvalidId(#[from] InvalidRunId),
    /// There is no such run.
    #[error("there is no run {id} that could take the signal `{signal}`")]
    Unknown {
        /// The id.
        id: RunId,
        /// The signal's name.
        signal: String,
    },
    /// The run is over.
    #[error("the run {id} is over and takes no signal `{signal}` any more")]
    Finished {
        /// The id.
        id: RunId,
        /// The signal's name.
        signal: String,
    },
    /// The run's inbox is full.
    #[error(
        "the inbox of the run {id} is full: let it take the signals that wait before it is sent another `{signal}`"
    )]
    Full {
        /// The id.
        id: RunId,
        /// The signal's name.
        signal: String,
    },
    /// The workflow has no await that takes the signal.
    #[error(
        "the workflow `{workflow}` of the run {id} never awaits a signal `{signal}`; it awaits {}",
        Names(known)
    )]
    NotAwaited {
        /// The id.
        id: RunId,
        /// The workflow's name.
        workflow: String,
        /// The signal's name.
        signal: String,
        /// The signals that it awaits.
        known: Vec<&'static str>,
    },
    /// The value has no JSON that reads back as the same value.
    #[error("the signal `{signal}` can't be sent: {cause}")]
    Unsaved {
        /// The signal's name.
        signal: String,
        /// What the serializer says.
        #[source]
        cause: serde_json::Error,
    },
    /// The store failed.
    #[error("the signal `{signal}` was not sent to the run {id}, or that was not confirmed: {cause}")]
    Store {
        /// The id.
        id: RunId,
        /// The signal's name.
        signal: String,
        /// What the store says.
        #[source]
        cause: StoreError,
    },
}

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

/// An order that a run would not heed.
#[derive(Debug, Error)]
pub enum VerbError {
    /// The id is not one.
    #[error(transparent)]
    InvalidId(#[from] InvalidRunId),
    /// There is no such run.
    #[error("there is no run {id} in this store to {verb}")]
    Unknown {
        /// The id.
        id: RunId,
        /// What it was to do.
        verb: &'static str,
    },
    /// The run is over.
    #[error("the run {id} is {} and can't {verb} any more: fork it, or start another run", Over(*status))]
    Ended {
        /// The id.
        id: RunId,
        /// What it was to do.
        verb: &'static str,
        /// How it ended, if that is known.
        status: Option<Status>,
    },
    /// The run is not parked.
    #[error(
        "the run {id} is {status} and not parked, so there is nothing to retry: a step is retried as its `retry(…)` says, and          a run that failed is to be forked"
    )]
    NotParked {
        /// The id.
        id: RunId,
        /// How it stands.
        status: Status,
    },
    /// The run is not paused.
    #[error(
        "the run {id} is {status} and not paused, so there is nothing to resume: if it is parked, retry it"
    )]
    NotPaused {
        /// The id.
        id: RunId,
        /// How it stands.
        status: Status,
    },
    /// The run's inbox is full.
    #[error(
        "the inbox of the run {id} is full, so it can't be told to {verb}: let it take the signals that wait"
    )]
    Full {
        /// The id.
        id: RunId,
        /// What it was to do.
        verb: &'static str,
    },
    /// The store failed.
    #[error(
        "the run {id} was not told to {verb}, or that was not confirmed: {cause}; to say it again is safe"
    )]
    Store {
        /// The id.
        id: RunId,
        /// What it was to do.
        verb: &'static str,
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

/// How a run ended, as far as that is known.
struct Over(Option<Status>);

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(status) => status.fmt(f),
            None => f.write_str("over"),
        }
    }
}

/// A run without a result.
#[derive(Debug, Error)]
pub enum ResultError {
    /// The run is parked: it can't go on until something is mended.
    #[error("the run {id} is parked: {reason}")]
    Parked {
        /// The id.
        id: RunId,
        /// Why, and what to do about it.
        reason: ParkReason,
    },
    /// The run was cancelled, so its function never returned.
    #[error("the run {id} was cancelled; start another run if it is wanted after all")]
    Cancelled {
        /// The id.
        id: RunId,
    },
    /// What it returned can't be read by today's code.
    #[error("the output of the run {id} can't be read as a `{expected}`: {cause}")]
    Output {
        /// The id.
        id: RunId,
        /// The type that was asked for.
        expected: &'static str,
        /// What the parser says.
        #[source]
        cause: serde_json::Error,
    },
    /// The run can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Shows a list with `; ` between its items.
struct Lines<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for Lines<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.iter().enumerate() {
            let between = if index == 0 { "" } else { "; " };
            write!(f, "{between}{item}")?;
        }
        Ok(())
    }
}

/// Shows names in backticks, or `none`.
pub(super) struct Names<'a>(pub(super) &'a [&'static str]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (index, name) in self.0.iter().enumerate() {
            let between = if index == 0 { "" } else { ", " };
            write!(f, "{between}`{name}`")?;
        }
        Ok(())
    }
}
