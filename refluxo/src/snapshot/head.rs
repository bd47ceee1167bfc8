//! The part of the envelope that is rewritten with every commit, and how the whole is put together again.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    Call, FORMAT, InboxMessage, LoadError, Parent, ParkReason, RunStatus, Snapshot, envelope::known_format,
};
use crate::{
    store::{Part, Received, Record},
    time::Timestamp,
};

/// The body of a store's [`Head`](crate::store::Head): what of the envelope has no column of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Hot<'a> {
    /// The envelope's format.
    #[serde(deserialize_with = "known_format")]
    format: u32,
    /// What the run performs or waits for.
    pub(crate) calls: Cow<'a, [Call]>,
    /// The run that awaits it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<Cow<'a, Parent>>,
    /// Why it is parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Cow<'a, ParkReason>>,
}

impl<'a> Hot<'a> {
    /// The hot part of an envelope of today's format.
    pub(crate) fn new(calls: &'a [Call], parent: Option<&'a Parent>, error: Option<&'a ParkReason>) -> Self {
        Self {
            format: FORMAT,
            calls: Cow::Borrowed(calls),
            parent: parent.map(Cow::Borrowed),
            error: error.map(Cow::Borrowed),
        }
    }

    /// Its JSON.
    pub(crate) fn write(&self) -> Result<Bytes, serde_json::Error> {
        serde_json::to_vec(self).map(Bytes::from)
    }
}

impl Hot<'static> {
    /// Reads the body of a head.
    ///
    /// # Errors
    ///
    /// If it is of another format.
    pub(crate) fn read(body: &[u8]) -> Result<Self, LoadError> {
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
        let Record { row, state, parts, inbox, owed: _ } = record;
        let hot = Hot::read(&row.head.body)?;
        let status = RunStatus::of(row.head.status, row.is_running(now));
        let (state, output) = if status.is_ended() {
            (raw(b"null")?, Some(raw(&state)?))
        } else {
            (merge(&state, &parts)?, None)
        };
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
            calls: hot.calls.into_owned(),
            inbox: inbox.into_iter().map(InboxMessage::of_received).collect::<Result<_, _>>()?,
            undo: Vec::new(),
            parent: hot.parent.map(Cow::into_owned),
            children: Vec::new(),
            output,
            error: hot.error.map(Cow::into_owned),
            created_at: row.created,
            updated_at: row.updated,
        })
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
    serde_json::from_slice(json).map_err(LoadError::envelope)
}

/// Puts the parts into the object that they were taken out of.
pub(crate) fn merge(document: &[u8], parts: &[Part]) -> Result<Box<RawValue>, LoadError> {
    let Some(open) = document.strip_suffix(b"}") else { return raw(document) };
    let mut merged = open.to_vec();
    for part in parts {
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
