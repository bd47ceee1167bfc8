//! A run that can't be started.

use std::fmt;

use thiserror::Error;

use crate::{
    snapshot::{SaveError, TooLarge},
    store::{InvalidAttribute, InvalidRunId, RunId, StoreError},
};

/// Which connections a store takes, in words.
struct Takes<'a> {
    store: &'a str,
    found: Option<&'static str>,
}

impl fmt::Display for Takes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { store, found } = self;
        match found {
            Some(found) => write!(f, "{store} takes those of `{found}`"),
            None => write!(f, "{store} takes part in none"),
        }
    }
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
    /// The key can't be one.
    #[error("the run {id} can't have the key {key:?}, which has to be fit for an id too: {cause}")]
    Key {
        /// The id.
        id: RunId,
        /// The key.
        key: String,
        /// Why it is not fit.
        #[source]
        cause: InvalidRunId,
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
    /// An argument is larger than [`EngineBuilder::max_payload`](crate::engine::EngineBuilder::max_payload) allows.
    #[error(
        "the run {id} was not started: {cause}; keep what is so large elsewhere and pass where it is, or raise the limit"
    )]
    TooLarge {
        /// The id.
        id: RunId,
        /// Which argument, and its size.
        #[source]
        cause: TooLarge,
    },
    /// The engine's store is none of the transaction's.
    #[error(
        "the run {id} can't be started in a transaction of `{given}`: {}; give the engine the store of that database, or start the \
         run by `engine.start` once the transaction is committed",
        Takes { store, found: *found }
    )]
    Transaction {
        /// The id.
        id: RunId,
        /// The type of the connection.
        given: &'static str,
        /// The store.
        store: String,
        /// The type of connection that the store takes, if it takes any.
        found: Option<&'static str>,
    },
    /// An attribute is none that stores keep.
    #[error("the run {id} can't be started: {cause}")]
    Attribute {
        /// The id.
        id: RunId,
        /// What is wrong with it.
        #[source]
        cause: InvalidAttribute,
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
