//! The states that a run has gone through and keeps, so that copies can go on from them.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Impossible, NoFork, Run, SizeLimit, calls::new_call, draft::Draft};
use crate::{
    snapshot::{
        Hot, LoadError, SaveError, WaitingFor,
        parts::{self, STATES, split},
    },
    store::{Head, Record, Revision, Row, Status},
};

/// A state as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct KeptState<'a> {
    /// Its name.
    at: Cow<'a, str>,
    /// The version of the workflow that wrote it.
    version: u32,
    /// The height that the undo stack had.
    undo: usize,
    /// All of its fields.
    #[serde(borrow)]
    state: &'a RawValue,
}

impl<'a> KeptState<'a> {
    fn read(body: &'a [u8]) -> Result<Self, LoadError> {
        serde_json::from_slice(body).map_err(LoadError::envelope)
    }
}

impl Run {
    /// The run, in the hands of an engine that keeps so many states of each.
    pub(crate) fn keeping(self, states: usize) -> Self {
        Self { keep_states: states, ..self }
    }

    /// The run, in the hands of an engine that saves pieces of at most this size.
    pub(crate) fn within(self, limit: SizeLimit) -> Self {
        Self { limit, ..self }
    }

    /// Keeps the state that the run has come to, and lets go of the oldest ones.
    pub(super) fn keep_state(&mut self, draft: &mut Draft, whole: Option<&Bytes>) -> Result<(), Impossible> {
        if let Some(whole) = whole {
            let body = self.kept_state(whole).map_err(|cause| self.identity.unwritable(cause))?;
            self.put(draft, parts::state(self.revision.next()), body);
        }
        let kept: Vec<String> = self.kept_states().cloned().collect();
        for name in &kept[..kept.len().saturating_sub(self.keep_states)] {
            self.remove(draft, name);
        }
        Ok(())
    }

    /// The state that the run is at, as it is kept.
    fn kept_state(&self, whole: &[u8]) -> Result<Bytes, serde_json::Error> {
        let state = serde_json::from_slice(whole)?;
        let at = Cow::Borrowed(self.state());
        let kept = KeptState { at, version: self.version, undo: self.undo.len(), state };
        serde_json::to_vec(&kept).map(Bytes::from)
    }

    /// The names of the parts that hold the states that are kept, the oldest first.
    pub(super) fn kept_states(&self) -> impl Iterator<Item = &String> {
        let from = (Bound::Included(STATES), Bound::Unbounded);
        self.reserved.range::<str, _>(from).take_while(|name| name.starts_with(STATES))
    }
}

/// The names of the states that are kept of a run, each under the revision that came to it.
pub(crate) fn kept_states(record: &Record) -> Result<BTreeMap<Revision, String>, LoadError> {
    let (_, reserved) = split(&record.parts)?;
    let names = reserved.states.iter().map(|(revision, body)| {
        let kept = KeptState::read(body)?;
        Ok((*revision, kept.at.into_owned()))
    });
    names.collect()
}

/// A run as it stood at an earlier state.
pub(crate) struct Earlier {
    /// What was stored of it then, as of a run that has not entered that state's calls yet.
    pub(crate) record: Record,
    /// Whether some of what it had done by then has been undone since.
    pub(crate) undone: bool,
}

/// A run as it stood when this revision had come to its state.
pub(crate) fn earlier(record: &Record, revision: Revision) -> Result<Earlier, NoFork> {
    let (_, reserved) = split(&record.parts).map_err(NoFork::Unreadable)?;
    let Some(body) = reserved.states.get(&revision) else {
        return Err(NoFork::NotKept { revision, kept: reserved.states.into_keys().collect() });
    };
    let kept = KeptState::read(body).map_err(NoFork::Unreadable)?;
    let hot = Hot::read(&record.row.head.body).map_err(NoFork::Unreadable)?;
    // A run that is ending has begun to undo all of it.
    let standing = if hot.ending.is_some() { 0 } else { hot.undo };
    let undone = kept.undo > standing;
    // Entries are numbered from the bottom, and only the end of a run takes some off.
    let undo = kept.undo.min(hot.undo);
    let entries: BTreeSet<String> = (0..undo).map(parts::undo).collect();
    let call = new_call(record.row.uid, String::new(), revision, WaitingFor::Start);
    let hot = Hot { undo, enter: true, trace: hot.trace, ..Hot::new(std::slice::from_ref(&call), None) };
    let body = hot.write().map_err(|cause| NoFork::Unsaved(SaveError::Envelope { cause }))?;
    let head = Head { status: Status::Ready, at: kept.at.into_owned(), version: kept.version, body };
    let record = Record {
        row: Row { head, revision, ..record.row.clone() },
        state: Bytes::copy_from_slice(kept.state.get().as_bytes()),
        parts: record.parts.iter().filter(|part| entries.contains(&part.name)).cloned().collect(),
        attributes: record.attributes.clone(),
        inbox: Vec::new(),
        owed: Vec::new(),
    };
    Ok(Earlier { record, undone })
}
