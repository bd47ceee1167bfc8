//! The part of the envelope that is rewritten with every commit, and how the whole is put together again.

use std::{borrow::Cow, collections::BTreeMap};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    Call, Ending, FORMAT, InboxMessage, LoadError, Parent, ParkReason, RunStatus, Snapshot,
    envelope::{is_false, known_format},
    parts::{self, is_of_branch, split},
};
use crate::{
    core::Run,
    store::{Attribute, Part, PartOp, Received, Record, Revision, RunId, Status, Uid, sealed},
    time::Timestamp,
};

/// A run that is told of the end of another one by a signal. It does not await it: neither is the other one cancelled with it,
/// nor is its cancellation a failure of the listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Listener {
    /// Its id.
    pub(crate) id: RunId,
    /// The random name of that id's life.
    pub(crate) uid: Uid,
    /// The name of the signal, by which it is told.
    pub(crate) signal: String,
}

/// The body of a store's [`Head`](crate::store::Head): what of the envelope has no column of its own.
///
/// It is rewritten with every commit, so its size does not grow with the run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Hot<'a> {
    /// The envelope's format.
    #[serde(deserialize_with = "known_format")]
    pub(crate) format: u32,
    /// What the run performs or waits for, outside of branches.
    pub(crate) calls: Cow<'a, [Call]>,
    /// The run that awaits it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<Cow<'a, Parent>>,
    /// The run that is told of its end without awaiting it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tells: Option<Cow<'a, Listener>>,
    /// Why it is parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Cow<'a, ParkReason>>,
    /// Whether an operator stopped it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) paused: bool,
    /// The revision before which an operator had it cancelled, while steps that were in flight then may still end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cancelled: Option<Revision>,
    /// How it ends, while what it did is undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ending: Option<Ending>,
    /// The height of the undo stack.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) undo: usize,
    /// Whether its calls were copied from another run, and have to be entered anew.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) enter: bool,
    /// The trace that the run belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trace: Option<Cow<'a, str>>,
}

impl<'a> Hot<'a> {
    /// The hot part of an envelope of today's format, of a run that is neither stopped nor ending.
    pub(crate) fn new(calls: &'a [Call], parent: Option<&'a Parent>) -> Self {
        Self {
            format: FORMAT,
            calls: Cow::Borrowed(calls),
            parent: parent.map(Cow::Borrowed),
            tells: None,
            error: None,
            paused: false,
            cancelled: None,
            ending: None,
            undo: 0,
            enter: false,
            trace: None,
        }
    }

    /// Its JSON.
    pub(crate) fn write(&self) -> Result<Bytes, serde_json::Error> {
        own_json(self)
    }
}

impl Hot<'static> {
    /// Reads the body of a head.
    ///
    /// # Errors
    ///
    /// If it is of another format.
    pub(crate) fn read(body: &[u8]) -> Result<Self, LoadError> {
        sealed::check(body)?;
        serde_json::from_slice(body).map_err(LoadError::envelope)
    }
}

impl Snapshot {
    /// The document of a stored run, as it was at `now`.
    ///
    /// # Errors
    ///
    /// If what is stored is not what this version writes.
    pub(crate) fn of_record(record: Record, now: Timestamp) -> Result<Self, LoadError> {
        let run = Run::of_record(&record)?;
        let hot = Hot::read(&record.row.head.body)?;
        let output = output_of(&record)?.map(|output| raw(&output)).transpose()?;
        let Record { row, state, parts, attributes, inbox, owed: _ } = record;
        let (fields, reserved) = split(&parts)?;
        let state = match (row.head.status, &reserved.output) {
            (Status::Completed, _) | (Status::Failed, None) => raw(b"null")?,
            (
                Status::Ready
                | Status::Waiting
                | Status::Paused
                | Status::Parked
                | Status::Cancelling
                | Status::Failed
                | Status::Cancelled,
                _,
            ) => merge(&state, fields)?,
        };
        let status = RunStatus::of(row.head.status, row.is_running(now));
        let branches = parts.iter().filter(|part| is_of_branch(&part.name));
        // A completed run has nothing to undo; entries are left for copies from earlier states.
        let undo = reserved.undo.iter().filter(|_| row.head.status != Status::Completed);
        Ok(Self {
            format: FORMAT,
            id: row.id,
            uid: row.uid,
            workflow: row.queue,
            version: row.head.version,
            revision: row.revision,
            status,
            at: row.head.at,
            state,
            calls: run.calls().into_iter().cloned().collect(),
            branches: branches
                .map(|part| Ok((part.name.clone(), raw(&part.body)?)))
                .collect::<Result<_, _>>()?,
            inbox: inbox.into_iter().map(InboxMessage::of_received).collect::<Result<_, _>>()?,
            undo: undo.map(|entry| raw(&entry.body)).collect::<Result<_, _>>()?,
            parent: hot.parent.map(Cow::into_owned),
            attributes: attributes.into_iter().map(|Attribute { name, value }| (name, value)).collect(),
            children: Vec::new(),
            spawned: Vec::new(),
            output,
            error: run.parked,
            paused: hot.paused,
            ending: hot.ending.or(hot.cancelled.map(|_| Ending::Cancelled)),
            trace: hot.trace.map(Cow::into_owned),
            created_at: row.created,
            updated_at: row.updated,
        })
    }
}

impl Snapshot {
    /// What a store would keep in the head.
    pub(crate) fn hot(&self) -> Hot<'static> {
        let is_in_head = |call: &&Call| call.branch.is_empty() || call.branch.starts_with("u:");
        Hot {
            format: FORMAT,
            calls: self.calls.iter().find(is_in_head).cloned().into_iter().collect(),
            parent: self.parent.clone().map(Cow::Owned),
            // Only a store has listeners.
            tells: None,
            error: self.error.clone().map(Cow::Owned),
            paused: self.paused,
            // It is only set while steps are in flight, and a snapshot is taken when they have ended.
            cancelled: None,
            ending: self.ending,
            undo: self.undo.len(),
            enter: false,
            trace: self.trace.clone().map(Cow::Owned),
        }
    }

    /// What a store would keep as parts that are no fields.
    pub(crate) fn reserved_parts(&self) -> Vec<Part> {
        let part = |name, json: &RawValue| Part { name, body: Bytes::copy_from_slice(json.get().as_bytes()) };
        let branches = self.branches.iter().map(|(name, json)| part(name.clone(), json));
        let undo = (0..).zip(&self.undo).map(|(number, json)| part(parts::undo(number), json));
        let output = self.output.iter().filter(|_| self.status != RunStatus::Completed);
        branches.chain(undo).chain(output.map(|json| part(parts::OUTPUT.to_owned(), json))).collect()
    }

    /// Changes what a store would keep as parts that are no fields.
    pub(crate) fn change_parts(&mut self, ops: Vec<PartOp>) -> Result<(), LoadError> {
        // By their numbers: the changes come in the order of their names, in which `u:10` stands before `u:9`.
        let mut stack: BTreeMap<usize, _> = (0..).zip(std::mem::take(&mut self.undo)).collect();
        for op in ops {
            let (name, body) = match op {
                PartOp::Put(Part { name, body }) => (name, Some(raw(&body)?)),
                PartOp::Delete { name } => (name, None),
            };
            let undo = name.strip_prefix("u:").and_then(|number| number.parse::<usize>().ok());
            match (undo, body) {
                (Some(number), Some(body)) => {
                    stack.insert(number, body);
                }
                (Some(number), None) => {
                    stack.remove(&number);
                }
                (None, body) if name == parts::OUTPUT => self.output = body,
                (None, Some(body)) if is_of_branch(&name) => {
                    self.branches.insert(name, body);
                }
                (None, _) => {
                    self.branches.remove(&name);
                }
            }
        }
        self.undo = stack.into_values().collect();
        Ok(())
    }
}

/// The JSON of what the library itself writes with each commit. None of it is long, and most is longer than what serde_json makes
/// room for.
pub(crate) fn own_json(value: &impl Serialize) -> Result<Bytes, serde_json::Error> {
    let mut json = Vec::with_capacity(256);
    serde_json::to_writer(&mut json, value)?;
    Ok(json.into())
}

/// What the function of a run returned, as it is stored with the run; none if it has not returned.
pub(crate) fn output_of(record: &Record) -> Result<Option<Bytes>, LoadError> {
    match record.row.head.status {
        Status::Completed => Ok(Some(record.state.clone())),
        // Before there was undo, an `Err` took the place of the state.
        Status::Failed => Ok(split(&record.parts)?.1.output.or_else(|| Some(record.state.clone()))),
        Status::Ready
        | Status::Waiting
        | Status::Paused
        | Status::Parked
        | Status::Cancelling
        | Status::Cancelled => Ok(None),
    }
}

impl InboxMessage {
    /// The message as a store gives it.
    fn of_received(message: Received) -> Result<Self, LoadError> {
        Ok(Self { seq: message.seq, kind: message.kind, body: raw(&message.body)?, at: message.at })
    }
}

/// Reads bytes as JSON of any shape.
fn raw(json: &[u8]) -> Result<Box<RawValue>, LoadError> {
    sealed::check(json)?;
    serde_json::from_slice(json).map_err(LoadError::envelope)
}

/// Puts the parts into the object that they were taken out of.
pub(crate) fn merge<'a>(
    document: &[u8],
    parts: impl IntoIterator<Item = &'a Part>,
) -> Result<Box<RawValue>, LoadError> {
    sealed::check(document)?;
    let Some(open) = document.strip_suffix(b"}") else { return raw(document) };
    let mut merged = open.to_vec();
    for part in parts {
        sealed::check(&part.body)?;
        if merged.len() > 1 {
            merged.push(b',');
        }
        serde_json::to_writer(&mut merged, &part.name).map_err(LoadError::envelope)?;
        merged.push(b':');
        merged.extend_from_slice(&part.body);
    }
    merged.push(b'}');
    raw(&merged)
}

/// Whether a number need not be written.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}
