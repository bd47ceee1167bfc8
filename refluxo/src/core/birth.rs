//! The first state of a run.

use std::{borrow::Cow, sync::Arc};

use super::{Identity, Run, arrive::encode, input::input_hash, key::CallPlace, run::Life};
use crate::{
    engine::AnyMachine,
    machine::Changes,
    snapshot::{Call, Hot, Parent, SaveError, WaitingFor, merge},
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
    let call = first_call(origin.uid);
    let hot = Hot::new(std::slice::from_ref(&call), origin.parent.as_ref(), None);
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
        life: Life::At { state: machine.at().to_owned(), call },
        inbox: Vec::new(),
        seen: Seq(0),
        parts: parts.iter().map(|part| Cow::Owned(part.name.clone())).collect(),
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

/// The call of a run that has not started.
fn first_call(uid: Uid) -> Call {
    let entered = Revision(0);
    let key = CallPlace { uid, entered, branch: "" }.key();
    Call { branch: String::new(), waiting_for: WaitingFor::Start, entered, attempt: 1, key }
}
