//! The document that stands for a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{Call, LoadError, ParkReason, RunStatus, StateReader};
use crate::{
    machine::Machine,
    store::{AttrValue, Revision, RunId, Seq, Uid},
    time::Timestamp,
};

/// The format of the documents that this version writes.
pub const FORMAT: u32 = 1;

/// A run as one JSON document, small enough to be polled and rendered by a frontend.
///
/// With a store it is a view: [`Run::snapshot`](crate::engine::Run::snapshot). Without a store it *is* the run, kept by
/// the caller: see [`Engine::storeless`](crate::engine::Engine::storeless).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Snapshot {
    /// The format of this document.
    #[serde(deserialize_with = "known_format")]
    pub format: u32,
    /// The run's id, as it was given at the start.
    pub id: RunId,
    /// The random name of this life of the id.
    pub uid: Uid,
    /// The workflow's name.
    pub workflow: String,
    /// The version of the workflow that wrote the state.
    pub version: u32,
    /// How many commits the run has had.
    pub revision: Revision,
    /// How it stands.
    pub status: RunStatus,
    /// The name of the state that it is at; once it has ended, of the last one.
    pub at: String,
    /// The state's fields; `null` once it has completed.
    pub state: Box<RawValue>,
    /// What it performs or waits for, each branch's after that of the join that it belongs to; nothing once it has ended.
    pub calls: Vec<Call>,
    /// What is kept of the branches of a join: under `o:` and a branch's number what a branch that has ended gave, under `b:`
    /// the call and under `f:` the fields of one that has gone beyond its first state.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub branches: BTreeMap<String, Box<RawValue>>,
    /// The messages that it has not consumed yet, in their order.
    pub inbox: Vec<InboxMessage>,
    /// The calls that undo what was done, in the order of their pushes.
    pub undo: Vec<Box<RawValue>>,
    /// The run that awaits it.
    pub parent: Option<Parent>,
    /// What it can be found by: see [`set_attribute`](crate::set_attribute).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, AttrValue>,
    /// The children that it started and that have not ended; only without a store, where they have no other place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Snapshot>,
    /// The runs that it started and does not await; only without a store. Take them out, and keep each for itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spawned: Vec<Snapshot>,
    /// What the function returned: the output's JSON, an `Err` included.
    pub output: Option<Box<RawValue>>,
    /// Why it is parked.
    pub error: Option<ParkReason>,
    /// Whether an operator stopped it; also shown where the status says something else, as of a parked run.
    #[serde(default, skip_serializing_if = "is_false")]
    pub paused: bool,
    /// How it will end, while what it did is undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    /// The trace that it belongs to: what [`EngineBuilder::trace_context`](crate::engine::EngineBuilder::trace_context) said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last committed.
    pub updated_at: Timestamp,
}

/// How a run will end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ending {
    /// Its function returned an `Err`.
    Failed,
    /// It is being cancelled.
    Cancelled,
}

/// A message in a run's inbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InboxMessage {
    /// Its place.
    pub seq: Seq,
    /// Its kind: `signal:` and the signal's name, `child:` and the child's id, or `verb:` and what an operator wants.
    pub kind: String,
    /// What it carries.
    pub body: Box<RawValue>,
    /// When it came.
    pub at: Timestamp,
}

/// The run that awaits another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parent {
    /// Its id.
    pub id: RunId,
    /// The random name of that id's life.
    pub uid: Uid,
}

impl Snapshot {
    /// The typed state.
    ///
    /// # Errors
    ///
    /// If the run has completed, or the state is not one of `M`.
    pub fn state<M: Machine>(&self) -> Result<M, LoadError> {
        let reader = StateReader::new(&self.at, self.state.get().as_bytes(), [])?;
        M::decode(&self.at, reader)
    }

    /// The typed output; `None` while the function has not returned.
    ///
    /// # Errors
    ///
    /// If the output is not a `T`.
    pub fn output<T: DeserializeOwned>(&self) -> Result<Option<T>, serde_json::Error> {
        match self.status {
            // An output of `()` is `null`, which an `Option` reads as absent.
            RunStatus::Completed | RunStatus::Failed => {
                serde_json::from_str(self.output.as_ref().map_or("null", |json| json.get())).map(Some)
            }
            RunStatus::Ready
            | RunStatus::Running
            | RunStatus::Waiting
            | RunStatus::Paused
            | RunStatus::Parked
            | RunStatus::Cancelling
            | RunStatus::Cancelled => Ok(None),
        }
    }
}

/// Refuses a document of a format that this version does not know.
pub(super) fn known_format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let format = u32::deserialize(deserializer)?;
    if format == FORMAT {
        return Ok(format);
    }
    Err(serde::de::Error::custom(format_args!(
        "the snapshot is of format {format} and this version of refluxo reads format {FORMAT}: update it"
    )))
}

/// Whether a flag need not be written.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
pub(super) fn is_false(flag: &bool) -> bool {
    !*flag
}
