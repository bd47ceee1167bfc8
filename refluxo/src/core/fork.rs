//! A copy of a run, as a run of its own.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;

use super::{Life, Run, VerbLetter, calls::new_call};
use crate::{
    snapshot::{Hot, LoadError, SaveError, WaitingFor, parts},
    store::{Head, NewRun, Part, Record, Revision, RunId, Start, Status, Uid},
};

/// Why a run can't be copied.
pub(crate) enum NoFork {
    /// Its function has returned, so it is at no state any more.
    Completed,
    /// The state that this revision came to is not kept.
    NotKept {
        revision: Revision,
        /// The revisions that came to those that are.
        kept: Vec<Revision>,
    },
    /// What is stored of it can't be read.
    Unreadable(LoadError),
    /// The copy can't be written.
    Unsaved(SaveError),
}

/// The first entry of a copy's history.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Forked<'a> {
    /// The run that was copied.
    #[serde(rename = "forkedFrom")]
    of: &'a RunId,
    /// The revision at which it was.
    at_revision: Revision,
    /// Who wanted it, and why.
    #[serde(flatten)]
    letter: &'a VerbLetter,
}

/// A run that goes on from where another one stands, or stood when it ended: with its state, its branches and what is left of
/// its undo stack, and to be found by the same. Its calls are made anew, under keys of its own, in the trace that is given
/// or else in that of the first; its inbox is empty.
pub(crate) fn fork(
    record: &Record,
    id: RunId,
    uid: Uid,
    letter: &VerbLetter,
    trace: Option<String>,
) -> Result<NewRun, NoFork> {
    let row = &record.row;
    if row.head.status == Status::Completed {
        return Err(NoFork::Completed);
    }
    let run = Run::of_record(record).map_err(NoFork::Unreadable)?;
    let (call, with_branches) = match run.life {
        Life::At { calls, .. } => (calls.root().clone(), true),
        // Its machine tells what it is.
        Life::Ending { .. } | Life::Ended { .. } => {
            (new_call(uid, String::new(), Revision(0), WaitingFor::Start), false)
        }
    };
    let is_copied = |part: &&Part| {
        if parts::is_of_branch(&part.name) { with_branches } else { !parts::is_past(&part.name) }
    };
    let unsaved = |cause| NoFork::Unsaved(SaveError::Envelope { cause });
    let hot = Hot {
        undo: run.undo.len(),
        enter: true,
        trace: trace.map(Cow::Owned).or(run.identity.trace.as_deref().map(Cow::Borrowed)),
        ..Hot::new(std::slice::from_ref(&call), None)
    };
    let body = hot.write().map_err(unsaved)?;
    let story = Forked { of: &row.id, at_revision: row.revision, letter };
    let entry = serde_json::to_vec(&story).map(Bytes::from).map_err(unsaved)?;
    Ok(NewRun {
        root: id.clone(),
        id,
        uid,
        parent: None,
        queue: row.queue.clone(),
        lane: row.lane.clone(),
        input: row.input,
        head: Head { status: Status::Ready, body, ..row.head.clone() },
        state: record.state.clone(),
        parts: record.parts.iter().filter(is_copied).cloned().collect(),
        attributes: record.attributes.clone(),
        entries: vec![entry],
        start: Start::Now,
    })
}
