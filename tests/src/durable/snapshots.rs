//! Runs on snapshots: each is written to JSON text and read again before it is advanced, as if by another process.

use std::{error::Error, sync::Arc};

use refluxo::{
    Engine,
    engine::Storeless,
    machine::Machine,
    snapshot::{ParkReason, RunStatus, Snapshot, WaitingFor},
};
use serde_json::Value;

use super::TRANSITIONS_MAX;
use crate::{
    clock::{self, RunClock},
    poll::poll_once,
    script,
    trace::{Outcome, record},
    types::Ledger,
};

/// Runs a workflow to its end.
pub(super) fn run<M: Machine>(first: &M) -> Outcome {
    drive(first).unwrap_or_else(|error| Outcome::Stuck(error.to_string()))
}

fn drive<M: Machine>(first: &M) -> Result<Outcome, Box<dyn Error>> {
    let engine = Engine::storeless().register::<M>().provide(Ledger).clock(Arc::new(RunClock)).build()?;
    let mut snapshot = engine.first("run", first)?;
    for _ in 0..TRANSITIONS_MAX {
        let text = serde_json::to_string(&snapshot)?;
        snapshot = serde_json::from_str(&text).map_err(|error| format!("{text} can't be read: {error}"))?;
        if let Some(outcome) = outcome(&snapshot)? {
            return Ok(outcome);
        }
        snapshot = provide(&engine, snapshot)?;
        snapshot = poll_once(engine.advance(&snapshot)).ok_or("a step is pending")??;
    }
    Err(format!("no end after {TRANSITIONS_MAX} transitions").into())
}

/// How the run ended, if it has.
fn outcome(snapshot: &Snapshot) -> Result<Option<Outcome>, serde_json::Error> {
    Ok(match snapshot.status {
        RunStatus::Completed | RunStatus::Failed => {
            Some(Outcome::Returned(snapshot.output::<Value>()?.unwrap_or_default()))
        }
        RunStatus::Parked => Some(match &snapshot.error {
            Some(ParkReason::WorkflowPanicked { .. }) => Outcome::Panicked,
            Some(reason) => Outcome::Stuck(reason.to_string()),
            None => Outcome::Stuck("parked without a reason".to_owned()),
        }),
        _ => None,
    })
}

/// Gives the run, or the child that it waits for, what that waits for.
fn provide(engine: &Storeless, snapshot: Snapshot) -> Result<Snapshot, Box<dyn Error>> {
    match awaited(&snapshot) {
        Some(WaitingFor::Timer { until }) => clock::wait_until(*until),
        Some(WaitingFor::Signal { name }) => {
            record("signal", name);
            let payload = script::next(name).ok_or("the script has no more signals")?;
            return Ok(engine.deliver_json(&snapshot, name, &payload)?);
        }
        _ => {}
    }
    Ok(snapshot)
}

/// What the run waits for; for a run that waits for a child, what the child waits for.
fn awaited(snapshot: &Snapshot) -> Option<&WaitingFor> {
    match &snapshot.calls.first()?.waiting_for {
        WaitingFor::Child { id } => awaited(snapshot.children.iter().find(|child| child.id == *id)?),
        other => Some(other),
    }
}
