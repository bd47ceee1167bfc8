//! The kinds of messages that a run may find in its inbox.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::store::RunId;

/// Stands before a signal's name.
const SIGNAL: &str = "signal:";

/// Stands before a child's id.
const CHILD: &str = "child:";

/// The kind of a signal of this name.
pub(crate) fn signal_kind(name: &str) -> String {
    format!("{SIGNAL}{name}")
}

/// The name of the signal that a kind stands for.
pub(crate) fn signal_name(kind: &str) -> Option<&str> {
    kind.strip_prefix(SIGNAL)
}

/// Whether a kind is that of a signal of this name.
pub(crate) fn is_signal(kind: &str, name: &str) -> bool {
    signal_name(kind) == Some(name)
}

/// The kind of the message that tells the end of a child.
pub(crate) fn end_kind(child: &RunId) -> String {
    format!("{CHILD}{child}")
}

/// Whether a kind tells the end of this child.
pub(crate) fn is_end_of(kind: &str, child: &RunId) -> bool {
    kind.strip_prefix(CHILD) == Some(child.as_str())
}

/// What a child tells its parent at its end. The output travels with it, so that the child may be purged.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ChildEnd {
    /// Whether its function returned an `Err`.
    pub(crate) failed: bool,
    /// What its function returned.
    pub(crate) output: Box<RawValue>,
}
