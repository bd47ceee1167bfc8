//! Snapshots as runs, and plans as snapshots.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::{
    core::{Identity, Life, Plan, Run, life},
    snapshot::{FORMAT, Hot, InboxMessage, LoadError, RunStatus, Snapshot, merge},
    store::{NewRun, Part, PartOp, Received, Revision, Seq},
    time::Timestamp,
};

/// The run that a snapshot stands for.
pub(super) fn of_snapshot(snapshot: &Snapshot) -> Result<Run, LoadError> {
    let status = snapshot.status.stored();
    let life = life(status, snapshot.at.clone(), snapshot.calls.clone(), snapshot.error.clone())?;
    let identity = Identity {
        id: snapshot.id.clone(),
        uid: snapshot.uid,
        root: snapshot.parent.as_ref().map_or(&snapshot.id, |parent| &parent.id).clone(),
        parent: snapshot.parent.clone(),
        workflow: snapshot.workflow.clone(),
    };
    Ok(Run {
        identity: Arc::new(identity),
        version: snapshot.version,
        revision: snapshot.revision,
        life,
        inbox: snapshot.inbox.iter().map(received).collect(),
        seen: snapshot.inbox.last().map_or(Seq(0), |message| message.seq),
        // Parts are merged into the state, so each new state is written whole.
        parts: Vec::new(),
    })
}

/// The snapshot after a plan; children and what never changes are those of the one before.
pub(super) fn to_snapshot(
    before: &Snapshot,
    run: &Run,
    plan: Plan,
    now: Timestamp,
) -> Result<Snapshot, LoadError> {
    let mut after = before.clone();
    let hot = Hot::read(&plan.head.body)?;
    after.version = run.version;
    after.revision = run.revision;
    after.status = RunStatus::of(plan.head.status, false);
    after.at = plan.head.at;
    after.calls = hot.calls.into_owned();
    after.error = hot.error.map(Cow::into_owned);
    after.inbox.retain(|message| Some(message.seq) != plan.consume);
    after.updated_at = now;
    match (&run.life, plan.state) {
        (Life::Ended { .. }, Some(output)) => {
            after.state = RawValue::NULL.to_owned();
            after.output = Some(merge(&output, &[])?);
        }
        (Life::At { .. } | Life::Parked { .. }, Some(state)) => {
            let parts: Vec<Part> = plan.parts.into_iter().filter_map(put).collect();
            after.state = merge(&state, &parts)?;
        }
        (Life::At { .. } | Life::Parked { .. } | Life::Ended { .. }, None) => {}
    }
    Ok(after)
}

/// The first snapshot of a run.
pub(super) fn newborn(new_run: NewRun, now: Timestamp) -> Result<Snapshot, LoadError> {
    let hot = Hot::read(&new_run.head.body)?;
    Ok(Snapshot {
        format: FORMAT,
        id: new_run.id,
        uid: new_run.uid,
        workflow: new_run.queue,
        version: new_run.head.version,
        revision: Revision(0),
        status: RunStatus::of(new_run.head.status, false),
        at: new_run.head.at,
        state: merge(&new_run.state, &new_run.parts)?,
        calls: hot.calls.into_owned(),
        inbox: Vec::new(),
        undo: Vec::new(),
        parent: hot.parent.map(Cow::into_owned),
        children: Vec::new(),
        output: None,
        error: None,
        created_at: now,
        updated_at: now,
    })
}

/// A message as the core sees it.
fn received(message: &InboxMessage) -> Received {
    Received {
        seq: message.seq,
        key: None,
        kind: message.kind.clone(),
        body: Bytes::copy_from_slice(message.body.get().as_bytes()),
        at: message.at,
    }
}

/// A part that is written.
fn put(op: PartOp) -> Option<Part> {
    match op {
        PartOp::Put(part) => Some(part),
        PartOp::Delete { .. } => None,
    }
}
