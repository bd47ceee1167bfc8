//! Snapshots as runs, and plans as snapshots.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::{
    core::{Identity, Plan, Run},
    snapshot::{FORMAT, Hot, InboxMessage, LoadError, RunStatus, Snapshot, merge},
    store::{AttrOp, Attribute, Lane, NewRun, Part, PartOp, Received, Revision, Seq, Status},
    time::Timestamp,
};

/// The run that a snapshot stands for.
pub(super) fn of_snapshot(snapshot: &Snapshot) -> Result<Run, LoadError> {
    let identity = Identity {
        id: snapshot.id.clone(),
        uid: snapshot.uid,
        root: snapshot.parent.as_ref().map_or(&snapshot.id, |parent| &parent.id).clone(),
        parent: snapshot.parent.clone(),
        tells: None,
        workflow: snapshot.workflow.as_str().into(),
        trace: snapshot.trace.as_deref().map(Into::into),
        lane: Lane::default(),
    };
    // Fields that are parts are merged into the state, so each new state is written whole.
    let parts = snapshot.reserved_parts();
    let mut run = Run::read(identity, snapshot.status.stored(), snapshot.at.clone(), snapshot.hot(), &parts)?;
    run.version = snapshot.version;
    run.revision = snapshot.revision;
    run.inbox = snapshot.inbox.iter().map(received).collect();
    run.seen = snapshot.inbox.last().map_or(Seq(0), |message| message.seq);
    Ok(run)
}

/// The snapshot after a plan; what never changes is that of the one before, and so are the children.
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
    after.calls = run.calls().into_iter().cloned().collect();
    after.error.clone_from(&run.parked);
    after.paused = run.paused;
    after.ending = hot.ending;
    after.inbox.retain(|message| !plan.consume.contains(&message.seq));
    for op in plan.attributes {
        match op {
            AttrOp::Set { name, value } => after.attributes.insert(name, value),
            AttrOp::Remove { name } => after.attributes.remove(&name),
        };
    }
    after.updated_at = now;
    let (reserved, fields): (Vec<PartOp>, Vec<PartOp>) =
        plan.parts.into_iter().partition(|op| name(op).contains(':'));
    after.change_parts(reserved)?;
    match (plan.head.status, plan.state) {
        (Status::Completed, Some(output)) => {
            after.state = RawValue::NULL.to_owned();
            after.output = Some(merge(&output, &[])?);
        }
        (_, Some(state)) => {
            let fields: Vec<Part> = fields.into_iter().filter_map(put).collect();
            after.state = merge(&state, &fields)?;
        }
        (_, None) => {}
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
        branches: BTreeMap::new(),
        inbox: Vec::new(),
        undo: Vec::new(),
        parent: hot.parent.map(std::borrow::Cow::into_owned),
        attributes: new_run.attributes.into_iter().map(|Attribute { name, value }| (name, value)).collect(),
        children: Vec::new(),
        spawned: Vec::new(),
        output: None,
        error: None,
        paused: false,
        ending: None,
        trace: hot.trace.map(std::borrow::Cow::into_owned),
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

/// The name of a part that is changed.
fn name(op: &PartOp) -> &str {
    match op {
        PartOp::Put(part) => &part.name,
        PartOp::Delete { name } => name,
    }
}

/// A part that is written.
fn put(op: PartOp) -> Option<Part> {
    match op {
        PartOp::Put(part) => Some(part),
        PartOp::Delete { .. } => None,
    }
}
