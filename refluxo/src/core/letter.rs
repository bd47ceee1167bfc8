//! The kinds of messages that a run may find in its inbox.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::bounded;
use crate::store::{RunId, Status};

/// Stands before a signal's name.
const SIGNAL: &str = "signal:";

/// Stands before a child's id.
const CHILD: &str = "child:";

/// Stands before what an operator wants.
const VERB: &str = "verb:";

/// The kind of a signal of this name.
pub(crate) fn signal_kind(name: &str) -> String {
    format!("{SIGNAL}{name}")
}

/// The name of the signal that a kind stands for.
pub(crate) fn signal_name(kind: &str) -> Option<&str> {
    kind.strip_prefix(SIGNAL)
}

/// The kind of the message that tells the end of a child.
pub(crate) fn end_kind(child: &RunId) -> String {
    format!("{CHILD}{child}")
}

/// The id of the child whose end a kind tells.
pub(crate) fn ended_child(kind: &str) -> Option<&str> {
    kind.strip_prefix(CHILD)
}

/// What a child tells its parent at its end. The output travels with it, so that the child may be purged.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ChildEnd {
    /// Whether its function returned an `Err`.
    pub(crate) failed: bool,
    /// Whether it was cancelled; then there is no output.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) cancelled: bool,
    /// What its function returned.
    pub(crate) output: Box<RawValue>,
}

/// What a run tells its [`Listener`](crate::snapshot::Listener) at its end: one of the words that the listener's signal may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum EndTold {
    /// It has ended.
    Ended {
        /// Its id.
        run: RunId,
        /// How.
        status: Status,
    },
}

/// What an operator can want of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verb {
    /// To end, after what it did was undone; steps in flight and children may end before.
    Cancel,
    /// To end, after what it did was undone, and to wait for nothing.
    Abort,
    /// To start nothing more.
    Pause,
    /// To go on after a pause.
    Resume,
    /// To go on where it is parked.
    Retry,
}

impl Verb {
    /// All of them.
    const ALL: [Self; 5] = [Self::Cancel, Self::Abort, Self::Pause, Self::Resume, Self::Retry];

    /// The kind of its message.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Cancel => "verb:cancel",
            Self::Abort => "verb:abort",
            Self::Pause => "verb:pause",
            Self::Resume => "verb:resume",
            Self::Retry => "verb:retry",
        }
    }

    /// Its name in histories and errors.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Abort => "abort",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Retry => "retry",
        }
    }

    /// The verb that a kind stands for.
    pub(crate) fn of(kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.kind() == kind)
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a kind is that of a verb, be it one that this version knows or not.
pub(crate) fn is_verb(kind: &str) -> bool {
    kind.starts_with(VERB)
}

/// Who wants it, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerbLetter {
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

impl VerbLetter {
    /// Says who, in not too many words.
    pub(crate) fn by(self, who: impl Into<String>) -> Self {
        Self { by: Some(bounded(who.into())), ..self }
    }

    /// Says why, in not too many words.
    pub(crate) fn reason(self, why: impl Into<String>) -> Self {
        Self { reason: Some(bounded(why.into())), ..self }
    }

    /// The body of its message.
    pub(crate) fn body(&self) -> Bytes {
        serde_json::to_vec(self).map(Bytes::from).unwrap_or_default()
    }
}
