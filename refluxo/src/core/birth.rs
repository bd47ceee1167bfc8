//! The first state of a run.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use bytes::Bytes;

use super::{
    Identity, Run, SizeLimit,
    calls::{Calls, new_call},
    enter::encode,
    input::input_hash,
    run::Life,
};
use crate::{
    engine::AnyMachine,
    machine::Changes,
    snapshot::{Encoded, Hot, Listener, Parent, SaveError, WaitingFor, merge},
    store::{Head, Lane, NewRun, Part, Revision, RunId, Seq, Start, Status, Uid},
    suspend::Target,
};

/// Where a run comes from.
pub(crate) struct Origin {
    pub(crate) id: RunId,
    pub(crate) uid: Uid,
    pub(crate) root: RunId,
    pub(crate) parent: Option<Parent>,
    /// Who is told of its end besides.
    pub(crate) tells: Option<Listener>,
    /// The trace that it belongs to.
    pub(crate) trace: Option<Arc<str>>,
    /// Where it stands among those that are due.
    pub(crate) lane: Lane,
}

impl Origin {
    /// Of a run that nobody awaits.
    pub(crate) fn of(id: RunId, uid: Uid) -> Self {
        Self { root: id.clone(), id, uid, parent: None, tells: None, trace: None, lane: Lane::default() }
    }
}

/// A run that is about to be created, and what a store is to keep of it.
///
/// # Errors
///
/// If the arguments can't be saved.
pub(crate) fn birth(
    origin: Origin,
    machine: &dyn AnyMachine,
    start: Start,
) -> Result<(Run, NewRun), SaveError> {
    let Encoded { document, parts, kept: _ } = encode(machine, &Changes::all(), &[])?;
    let parts = parts.into_iter().map(|(name, body)| Part { name: name.to_owned(), body }).collect();
    let (workflow, version, at) = (machine.workflow(), machine.version(), machine.at());
    born(origin, First { workflow, version, at, document, parts }, start)
}

/// A run whose first state is at hand as JSON only, and what a store is to keep of it.
///
/// # Errors
///
/// If the state is no JSON.
pub(crate) fn birth_of_stored(origin: Origin, target: &Target, start: Start) -> Result<NewRun, SaveError> {
    let Target { workflow, version, at, state } = target;
    let document = Bytes::copy_from_slice(state.get().as_bytes());
    // What is large becomes a part with the first commit.
    let first = First { workflow, version: *version, at, document, parts: Vec::new() };
    born(origin, first, start).map(|(_, new_run)| new_run)
}

/// The first state of a workflow, as it is stored.
///
/// # Errors
///
/// If the arguments can't be saved.
#[cfg(feature = "schedule")]
pub(crate) fn target(machine: &dyn AnyMachine) -> Result<Target, SaveError> {
    let state = super::enter::encode_whole(machine)?;
    let state = serde_json::from_slice(&state).map_err(|cause| SaveError::Envelope { cause })?;
    let (workflow, at) = (machine.workflow().to_owned(), machine.at().to_owned());
    Ok(Target { workflow, version: machine.version(), at, state })
}

/// The first state of a run, encoded.
struct First<'a> {
    workflow: &'a str,
    version: u32,
    at: &'a str,
    document: Bytes,
    parts: Vec<Part>,
}

fn born(origin: Origin, first: First<'_>, start: Start) -> Result<(Run, NewRun), SaveError> {
    let First { workflow, version, at, document, parts } = first;
    // One that is to start later waits for that time, whatever comes to it before.
    let (waiting_for, status) = match start {
        Start::Now | Start::Lent { .. } => (WaitingFor::Start, Status::Ready),
        Start::At(until) => (WaitingFor::Timer { until }, Status::Waiting),
    };
    let call = new_call(origin.uid, String::new(), Revision(0), waiting_for);
    let hot = Hot {
        tells: origin.tells.as_ref().map(Cow::Borrowed),
        trace: origin.trace.as_deref().map(Cow::Borrowed),
        ..Hot::new(std::slice::from_ref(&call), origin.parent.as_ref())
    };
    let envelope = |cause| SaveError::Envelope { cause };
    let body = hot.write().map_err(envelope)?;
    let head = Head { status, at: at.to_owned(), version, body };
    let whole = merge(&document, &parts).map_err(|error| envelope(serde::ser::Error::custom(error)))?;
    let input = input_hash(workflow, &whole).map_err(envelope)?;
    let run = Run {
        identity: Arc::new(Identity {
            id: origin.id.clone(),
            uid: origin.uid,
            root: origin.root.clone(),
            parent: origin.parent.clone(),
            tells: origin.tells.clone(),
            workflow: workflow.into(),
            trace: origin.trace.clone(),
            lane: origin.lane.clone(),
        }),
        version,
        revision: Revision(0),
        life: Life::At { state: at.to_owned(), calls: Calls::one(call), cancelled: None },
        parked: None,
        paused: false,
        enter: false,
        undo: Vec::new(),
        inbox: Vec::new(),
        seen: Seq(0),
        parts: parts.iter().map(|part| Cow::Owned(part.name.clone())).collect(),
        reserved: BTreeSet::new(),
        in_flight: BTreeSet::new(),
        keep_states: 0,
        limit: SizeLimit::NONE,
    };
    let new_run = NewRun {
        id: origin.id,
        uid: origin.uid,
        root: origin.root,
        parent: origin.parent.map(|parent| parent.id),
        queue: workflow.to_owned(),
        lane: origin.lane,
        input,
        head,
        state: document,
        parts,
        attributes: Vec::new(),
        entries: Vec::new(),
        start,
    };
    Ok((run, new_run))
}
