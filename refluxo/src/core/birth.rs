//! The first state of a run.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use super::{
    Identity, Run,
    calls::{Calls, new_call},
    enter::encode,
    input::input_hash,
    run::Life,
};
use crate::{
    engine::AnyMachine,
    machine::Changes,
    snapshot::{Hot, Parent, SaveError, WaitingFor, merge},
    store::{Head, NewRun, Part, Revision, RunId, Seq, Start, Status, Uid},
};

/// Where a run comes from.
pub(crate) struct Origin {
    pub(crate) id: RunId,
    pub(crate) uid: Uid,
    pub(crate) root: RunId,
    pub(crate) parent: Option<Parent>,
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
    let encoded = encode(machine, &Changes::all(), &[])?;
    let parts: Vec<Part> =
        encoded.parts.into_iter().map(|(name, body)| Part { name: name.to_owned(), body }).collect();
    let call = new_call(origin.uid, String::new(), Revision(0), WaitingFor::Start);
    let hot = Hot::new(std::slice::from_ref(&call), origin.parent.as_ref());
    let envelope = |cause| SaveError::Envelope { cause };
    let head = Head {
        status: Status::Ready,
        at: machine.at().to_owned(),
        version: machine.version(),
        body: hot.write().map_err(envelope)?,
    };
    let document =
        merge(&encoded.document, &parts).map_err(|error| envelope(serde::ser::Error::custom(error)))?;
    let input = input_hash(machine.workflow(), &document).map_err(envelope)?;
    let run = Run {
        identity: Arc::new(Identity {
            id: origin.id.clone(),
            uid: origin.uid,
            root: origin.root.clone(),
            parent: origin.parent.clone(),
            workflow: machine.workflow().to_owned(),
        }),
        version: machine.version(),
        revision: Revision(0),
        life: Life::At { state: machine.at().to_owned(), calls: Calls::one(call), cancelled: None },
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
    };
    let new_run = NewRun {
        id: origin.id,
        uid: origin.uid,
        root: origin.root,
        parent: origin.parent.map(|parent| parent.id),
        queue: machine.workflow().to_owned(),
        input,
        head,
        state: encoded.document,
        parts,
        attributes: Vec::new(),
        entries: Vec::new(),
        start,
    };
    Ok((run, new_run))
}
