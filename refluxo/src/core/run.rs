//! What is known of a run that is held in memory, but for its machine.

use std::{borrow::Cow, sync::Arc};

use crate::{
    snapshot::{Call, Hot, LoadError, Parent, ParkReason},
    store::{Received, Record, Revision, RunId, Seq, Status, Uid},
};

/// What never changes in a run's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) id: RunId,
    pub(crate) uid: Uid,
    /// The run at the top of its family.
    pub(crate) root: RunId,
    pub(crate) parent: Option<Parent>,
    /// The workflow's name.
    pub(crate) workflow: String,
}

/// A run in its holder's hands.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) identity: Arc<Identity>,
    /// The version of the workflow that wrote the state.
    pub(crate) version: u32,
    pub(crate) revision: Revision,
    pub(crate) life: Life,
    /// The messages that are not consumed, in their order.
    pub(crate) inbox: Vec<Received>,
    /// Up to where the inbox was really loaded.
    pub(crate) seen: Seq,
    /// The parts that the store holds.
    pub(crate) parts: Vec<Cow<'static, str>>,
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// At a call.
    At { state: String, call: Call },
    /// At a call, but it can't go on.
    Parked { state: String, call: Call, reason: ParkReason },
    /// Over.
    Ended { state: String, status: Status },
}

impl Run {
    /// The run of a stored record.
    ///
    /// # Errors
    ///
    /// If its head is not one that this version writes.
    pub(crate) fn of_record(record: &Record) -> Result<Self, LoadError> {
        let row = &record.row;
        let hot = Hot::read(&row.head.body)?;
        let state = row.head.at.clone();
        let calls = hot.calls.into_owned();
        let life = life(row.head.status, state, calls, hot.error.map(Cow::into_owned))?;
        let identity = Identity {
            id: row.id.clone(),
            uid: row.uid,
            root: row.root.clone(),
            parent: hot.parent.map(Cow::into_owned),
            workflow: row.queue.clone(),
        };
        Ok(Self {
            identity: Arc::new(identity),
            version: row.head.version,
            revision: row.revision,
            life,
            inbox: record.inbox.clone(),
            seen: record.seen(),
            parts: record.parts.iter().map(|part| Cow::Owned(part.name.clone())).collect(),
        })
    }

    /// The name of the state that the run is at.
    pub(crate) fn state(&self) -> &str {
        match &self.life {
            Life::At { state, .. } | Life::Parked { state, .. } | Life::Ended { state, .. } => state,
        }
    }
}

/// Where a run stands, by what its head says.
pub(crate) fn life(
    status: Status,
    state: String,
    calls: Vec<Call>,
    error: Option<ParkReason>,
) -> Result<Life, LoadError> {
    let contradiction = LoadError::Calls { status: status.as_str(), calls: calls.len() };
    match (status, <[Call; 1]>::try_from(calls), error) {
        (Status::Ready | Status::Waiting, Ok([call]), None) => Ok(Life::At { state, call }),
        (Status::Parked, Ok([call]), Some(reason)) => Ok(Life::Parked { state, call, reason }),
        (Status::Completed | Status::Failed | Status::Cancelled, Err(_), None) => {
            Ok(Life::Ended { state, status })
        }
        (
            Status::Ready
            | Status::Waiting
            | Status::Paused
            | Status::Parked
            | Status::Cancelling
            | Status::Completed
            | Status::Failed
            | Status::Cancelled,
            Ok(_) | Err(_),
            Some(_) | None,
        ) => Err(contradiction),
    }
}
