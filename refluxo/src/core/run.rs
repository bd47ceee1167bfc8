//! What is known of a run that is held in memory, but for its machine.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;

use super::{SizeLimit, calls::Calls};
use crate::{
    snapshot::{
        Call, Ending, Hot, Listener, LoadError, Parent, ParkReason, Path, WaitingFor,
        parts::{BranchRecord, Reserved, split},
    },
    store::{Lane, Part, Received, Record, Revision, RunId, Seq, Status, Uid},
};

/// What never changes in a run's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) id: RunId,
    pub(crate) uid: Uid,
    /// The run at the top of its family.
    pub(crate) root: RunId,
    pub(crate) parent: Option<Parent>,
    /// Who is told of its end besides.
    pub(crate) tells: Option<Listener>,
    /// The workflow's name.
    pub(crate) workflow: Arc<str>,
    /// The trace that it belongs to, as whoever started it said.
    pub(crate) trace: Option<Arc<str>>,
    /// Where it stands among the due runs of its workflow.
    pub(crate) lane: Lane,
}

/// A run in its holder's hands.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) identity: Arc<Identity>,
    /// The version of the workflow that wrote the state.
    pub(crate) version: u32,
    pub(crate) revision: Revision,
    pub(crate) life: Life,
    /// Why it can't go on, if it can't.
    pub(crate) parked: Option<ParkReason>,
    /// Whether an operator stopped it.
    pub(crate) paused: bool,
    /// Whether its calls were copied from another run, and have to be entered anew.
    pub(crate) enter: bool,
    /// The names of the calls on the undo stack, the bottom first.
    pub(crate) undo: Vec<Cow<'static, str>>,
    /// The messages that are not consumed, in their order.
    pub(crate) inbox: Vec<Received>,
    /// Up to where the inbox was really loaded.
    pub(crate) seen: Seq,
    /// The fields of the state that the store holds as parts.
    pub(crate) parts: Vec<Cow<'static, str>>,
    /// The other parts that the store holds.
    pub(crate) reserved: BTreeSet<String>,
    /// The steps that its holder is running. Of no concern to a store: whoever takes the run over runs them again.
    pub(crate) in_flight: BTreeSet<Path>,
    /// How many of the states that it goes through its holder keeps.
    pub(crate) keep_states: usize,
    /// How large the pieces may be in which its holder saves it.
    pub(crate) limit: SizeLimit,
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// At its calls.
    At {
        state: String,
        calls: Calls,
        /// The revision before which an operator had it cancelled. Steps that were in flight then may still end; nothing new
        /// is begun.
        cancelled: Option<Revision>,
    },
    /// What it did is being undone.
    Ending { state: String, end: End, stage: Stage },
    /// Over.
    Ended { state: String, status: Status },
}

/// How a run ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Its function returned this `Err`.
    Failed { output: Bytes },
    /// It was cancelled.
    Cancelled,
}

/// How far a run is with its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The children that it awaited are being cancelled.
    Children(BTreeMap<Path, Call>),
    /// The top of the undo stack is being called.
    Undo { call: Call },
}

/// What stands before the number of an undo call, in place of a path.
pub(crate) const UNDO: &str = "u:";

impl Run {
    /// The run of a stored record.
    ///
    /// # Errors
    ///
    /// If its head or a part that is no field is not one that this version writes.
    pub(crate) fn of_record(record: &Record) -> Result<Self, LoadError> {
        let row = &record.row;
        let hot = Hot::read(&row.head.body)?;
        let identity = Identity {
            id: row.id.clone(),
            uid: row.uid,
            root: row.root.clone(),
            parent: hot.parent.clone().map(Cow::into_owned),
            tells: hot.tells.clone().map(Cow::into_owned),
            workflow: row.queue.as_str().into(),
            trace: hot.trace.as_deref().map(Arc::from),
            lane: row.lane.clone(),
        };
        let mut run = Self::read(identity, row.head.status, row.head.at.clone(), hot, &record.parts)?;
        run.version = row.head.version;
        run.revision = row.revision;
        run.inbox.clone_from(&record.inbox);
        run.seen = record.seen();
        Ok(run)
    }

    /// A run by what its head says and by its parts; its version, its revision and its inbox are left to the caller.
    pub(crate) fn read(
        identity: Identity,
        status: Status,
        state: String,
        hot: Hot<'static>,
        parts: &[Part],
    ) -> Result<Self, LoadError> {
        let (fields, reserved) = split(parts)?;
        let names = parts.iter().map(|part| &part.name).filter(|name| name.contains(':'));
        let names = names.cloned().collect();
        if hot.undo != reserved.undo.len() {
            return Err(LoadError::UndoStack { height: hot.undo, found: reserved.undo.len() });
        }
        let fields = fields.into_iter().map(|part| Cow::Owned(part.name.clone())).collect();
        let undo = reserved.undo.iter().map(|entry| Cow::Owned(entry.name.clone())).collect();
        let (paused, enter) = (hot.paused, hot.enter);
        let parked = match (status == Status::Parked, hot.error.clone()) {
            (true, Some(reason)) => Some(reason.into_owned()),
            // Whoever parked it could not read the envelope, and so wrote nothing into it.
            (true, None) => Some(ParkReason::without_a_reason(&state)),
            (false, None) => None,
            (false, Some(_)) => {
                return Err(LoadError::Calls { status: status.as_str(), calls: hot.calls.len() });
            }
        };
        Ok(Self {
            life: Life::read(identity.uid, status, state, hot, reserved)?,
            identity: Arc::new(identity),
            version: 0,
            revision: Revision(0),
            parked,
            paused,
            enter,
            undo,
            inbox: Vec::new(),
            seen: Seq(0),
            parts: fields,
            reserved: names,
            in_flight: BTreeSet::new(),
            keep_states: 0,
            limit: SizeLimit::NONE,
        })
    }

    /// Notes that the step at this path is being run.
    pub(crate) fn set_out(&mut self, path: Path) {
        if let Life::At { calls, .. } = &mut self.life {
            calls.note_in_flight(&path, true);
        }
        self.in_flight.insert(path);
    }

    /// Notes that the step at this path is not being run any more, if it was.
    pub(crate) fn come_back(&mut self, path: &Path) {
        if self.in_flight.remove(path)
            && let Life::At { calls, .. } = &mut self.life
        {
            calls.note_in_flight(path, false);
        }
    }

    /// The name of the state that the run is at.
    pub(crate) fn state(&self) -> &str {
        match &self.life {
            Life::At { state, .. } | Life::Ending { state, .. } | Life::Ended { state, .. } => state,
        }
    }

    /// What the run performs or waits for, a group before its branches.
    pub(crate) fn calls(&self) -> Vec<&Call> {
        match &self.life {
            Life::At { calls, .. } => calls.iter().map(|(_, call)| call).collect(),
            Life::Ending { stage: Stage::Children(children), .. } => children.values().collect(),
            Life::Ending { stage: Stage::Undo { call }, .. } => vec![call],
            Life::Ended { .. } => Vec::new(),
        }
    }
}

impl Stage {
    /// How far a run is with its end, by the call in its head and by the records of its branches.
    fn read(call: Option<Call>, branches: BTreeMap<Path, BranchRecord>) -> Self {
        match call {
            Some(call) if call.branch.starts_with(UNDO) => Self::Undo { call },
            root => {
                let root = root.map(|root| (Path::ROOT, root));
                let branches = branches.into_iter().map(|(path, record)| (path, record.call));
                Self::Children(root.into_iter().chain(branches).collect())
            }
        }
    }
}

impl Life {
    /// Where a run stands, by what its head and its parts say.
    fn read(
        uid: Uid,
        status: Status,
        state: String,
        hot: Hot<'static>,
        reserved: Reserved,
    ) -> Result<Self, LoadError> {
        let contradiction = LoadError::Calls { status: status.as_str(), calls: hot.calls.len() };
        let mut calls = hot.calls.into_owned();
        let call = calls.pop();
        if !calls.is_empty() {
            return Err(contradiction);
        }
        match (status.is_ended(), hot.ending, call) {
            (true, None, None) => Ok(Self::Ended { state, status }),
            (false, None, Some(root)) => Ok(Self::At {
                state,
                calls: Calls::of_stored(uid, root, &reserved),
                cancelled: hot.cancelled,
            }),
            (false, Some(how), call) => {
                let end = match (how, reserved.output) {
                    (Ending::Failed, Some(output)) => End::Failed { output },
                    (Ending::Cancelled, None) => End::Cancelled,
                    (Ending::Failed, None) | (Ending::Cancelled, Some(_)) => return Err(contradiction),
                };
                Ok(Self::Ending { state, end, stage: Stage::read(call, reserved.branches) })
            }
            (true, None, Some(_)) | (true, Some(_), _) | (false, None, None) => Err(contradiction),
        }
    }

    /// Where the run stands, for errors.
    pub(super) fn words(&self) -> String {
        match self {
            Self::At { state, calls, .. } => {
                let waiting_for: Vec<&WaitingFor> = calls.iter().map(|(_, call)| &call.waiting_for).collect();
                match &waiting_for[..] {
                    [one] => format!("is at the state `{state}` ({one:?})"),
                    all => format!("is at the state `{state}` ({all:?})"),
                }
            }
            Self::Ending { state, .. } => format!("undoes what it did up to the state `{state}`"),
            Self::Ended { status, .. } => format!("is {status}"),
        }
    }
}
