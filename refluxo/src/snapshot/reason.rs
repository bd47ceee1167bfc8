//! Why a run is parked.

use serde::{Deserialize, Serialize};

use super::Hot;
use crate::store::{Head, RunId};

/// Why a run can't go on. Its state is kept as it was and nothing was undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ParkReason {
    /// A step panicked.
    #[error(
        "the step `{step}` panicked: {message}; mend the step and retry the run, which runs it again under the same key"
    )]
    StepPanicked {
        /// The step's name.
        step: String,
        /// What the panic said.
        message: String,
    },
    /// The workflow's own code panicked between two awaits.
    #[error(
        "the workflow's code after the state `{state}` panicked: {message}; mend it and retry the run, which performs the \
         call of that state again under the same key"
    )]
    WorkflowPanicked {
        /// The state that it came from.
        state: String,
        /// What the panic said.
        message: String,
    },
    /// The stored state, or the message or output that moves it on, can't be read by today's code.
    #[error("{message}; deploy code that reads it and retry the run")]
    Unreadable {
        /// What can't be read, with the state and the field.
        message: String,
    },
    /// The run was written by an older version of the workflow.
    #[error(
        "the run is of version {found} of the workflow and this code is version {known}: keep a worker of version {found} \
         until such runs have ended, or add a migration"
    )]
    OlderVersion {
        /// The run's version.
        found: u32,
        /// The version that the worker knows.
        known: u32,
    },
    /// The new state or the output can't be saved, or the store refuses it.
    #[error(
        "{message}; mend the workflow and retry the run, which performs the last call again under the same key"
    )]
    Unsaved {
        /// What can't be saved, and why.
        message: String,
    },
    /// What is to be saved is larger than [`EngineBuilder::max_payload`](crate::engine::EngineBuilder::max_payload) allows.
    #[error(
        "{what} has {bytes} bytes of JSON and {limit} are allowed: keep what is so large elsewhere and save where it is, or raise \
         `EngineBuilder::max_payload`; then retry the run, which performs the last call again under the same key"
    )]
    TooLarge {
        /// What it is: the field and the state, the output, or the argument of a child.
        what: String,
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        limit: usize,
    },
    /// Workers took the run again and again and never came to a commit.
    #[error(
        "{claims} workers in a row took the run and died or lost it before they could save anything; look for what kills \
         them (memory, a stack overflow, an abort), mend it and retry the run"
    )]
    Poisoned {
        /// How often the run was claimed since its last commit.
        claims: u32,
    },
    /// A child that the run awaits was cancelled by an operator.
    #[error(
        "the child run `{child}` was cancelled, and this run awaits what it returns: cancel this run too, or retry it, which \
         starts the child anew"
    )]
    ChildCancelled {
        /// The child's id.
        child: RunId,
    },
    /// A call that undoes what the run did failed after its last attempt.
    #[error(
        "`{undo}`, which undoes what the run did, failed: {message}; mend it and retry the run, which makes the call again \
         under the same key, or abort the run, which leaves this and what was to be undone after it as it is"
    )]
    UndoFailed {
        /// The name of the call.
        undo: String,
        /// What it gave, or how it panicked.
        message: String,
    },
    /// A call that undoes what the run did can't be read by today's code.
    #[error(
        "`{undo}`, which undoes what the run did, can't be made: {message}; deploy code that reads it and retry the run"
    )]
    UndoUnreadable {
        /// The name of the call.
        undo: String,
        /// What can't be read.
        message: String,
    },
    /// The id that a child run was to have belongs to another run.
    #[error("the child run's id `{child}` is in use by another run: purge that one and retry this run")]
    ChildIdTaken {
        /// The id.
        child: RunId,
    },
}

/// Names each kind once, for [`ParkReason::NAMES`] and [`ParkReason::name`].
macro_rules! names {
    ($($kind:ident => $name:literal,)*) => {
        /// The names of all kinds.
        pub const NAMES: &'static [&'static str] = &[$($name),*];

        /// The name of its kind, as in the labels of metrics.
        #[must_use]
        pub const fn name(&self) -> &'static str {
            match self {
                $(Self::$kind { .. } => $name,)*
            }
        }
    };
}

impl ParkReason {
    names! {
        StepPanicked => "step_panicked",
        WorkflowPanicked => "workflow_panicked",
        Unreadable => "unreadable",
        OlderVersion => "older_version",
        Unsaved => "unsaved",
        TooLarge => "too_large",
        Poisoned => "poisoned",
        ChildCancelled => "child_cancelled",
        UndoFailed => "undo_failed",
        UndoUnreadable => "undo_unreadable",
        ChildIdTaken => "child_id_taken",
    }

    /// That of a run that is parked, as its head says.
    pub(crate) fn of_head(head: &Head) -> Self {
        match Hot::read(&head.body).map(|hot| hot.error) {
            Ok(Some(reason)) => reason.into_owned(),
            Ok(None) => Self::without_a_reason(&head.at),
            Err(error) => Self::Unreadable { message: error.to_string() },
        }
    }

    /// That of a run whose envelope could not be read when it was parked, so that nothing was written into it.
    pub(crate) fn without_a_reason(state: &str) -> Self {
        Self::Unreadable { message: format!("the run is parked at the state `{state}` without a reason") }
    }
}
