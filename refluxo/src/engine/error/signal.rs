//! A signal that can't be sent.

use std::fmt;

use thiserror::Error;

use crate::{
    engine::Registry,
    snapshot::TooLarge,
    store::{InvalidRunId, RunId, StoreError},
};

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
    #[error(transparent)]
    NotAwaited(#[from] NotAwaited),
    /// The value has no JSON that reads back as the same value.
    #[error("the signal `{signal}` can't be sent: {cause}")]
    Unsaved {
        /// The signal's name.
        signal: String,
        /// What the serializer says.
        #[source]
        cause: serde_json::Error,
    },
    /// The signal is larger than [`EngineBuilder::max_payload`](crate::engine::EngineBuilder::max_payload) allows.
    #[error(
        "the run {id} was not sent a signal: {cause}; keep what is so large elsewhere and send where it is, or raise the limit"
    )]
    TooLarge {
        /// The id.
        id: RunId,
        /// Which signal, and its size.
        #[source]
        cause: TooLarge,
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

/// A signal that the run's workflow never awaits, so that nobody would ever take it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the workflow `{workflow}` of the run {id} never awaits a signal `{signal}`; it awaits {}",
    Names(known)
)]
pub struct NotAwaited {
    /// The run's id.
    pub id: RunId,
    /// The workflow's name.
    pub workflow: String,
    /// The signal's name.
    pub signal: String,
    /// The signals that it awaits.
    pub known: Vec<&'static str>,
}

impl NotAwaited {
    /// Refuses a signal that the workflow never awaits, as far as it is known here.
    pub(crate) fn check(registry: &Registry, id: &RunId, workflow: &str, signal: &str) -> Result<(), Self> {
        let Some(kind) = registry.kind(workflow) else { return Ok(()) };
        let known = kind.description.signals();
        if known.contains(&signal) {
            return Ok(());
        }
        let (workflow, signal) = (workflow.to_owned(), signal.to_owned());
        Err(Self { id: id.clone(), workflow, signal, known: known.to_vec() })
    }
}

/// Shows names in backticks, or `none`.
struct Names<'a>(&'a [&'static str]);

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
