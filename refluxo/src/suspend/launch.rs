//! Starting a run of a workflow that is not known by its type, under an id of the caller's choice.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    store::{Attribute, RunId},
    time::Timestamp,
};

/// A call that starts a run of its own and gives its id: what a schedule's tick is made of.
///
/// The run is started once, with the commit that saves the call. Where its id belongs to another run, nothing is started.
#[must_use = "a call does nothing unless it is awaited"]
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Launch {
    /// The id of the run.
    pub(crate) run: RunId,
    /// Its first state.
    pub(crate) target: Target,
    /// When its first turn comes; at once if this is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) due: Option<Timestamp>,
    /// The name of the signal by which it tells its end to the run that started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tells: Option<String>,
    /// What it can be found by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) attributes: Vec<Attribute>,
}

/// The first state of a run, as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Target {
    /// The workflow's name.
    pub(crate) workflow: String,
    /// Its version.
    pub(crate) version: u32,
    /// The name of the state.
    pub(crate) at: String,
    /// Its fields.
    pub(crate) state: Box<RawValue>,
}
