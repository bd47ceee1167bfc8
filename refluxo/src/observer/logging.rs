//! Writes what runs do to the log.

use super::{
    AttemptOutcome, Attempted, Ended, Event, Observer, Parked, Reached, Serving, Started, TakenUp, Taking,
};
use crate::store::Status;

/// Tells what runs do through [`tracing`]: that the worker begins, that a run begins, reaches a state and ends at the level `INFO`,
/// a run that needs an operator at `ERROR`; an attempt that came to nothing and a run that was taken over at `WARN`; the rest at `DEBUG`.
///
/// The program has to have a subscriber that writes the log somewhere. What the store refuses and leases that are lost the
/// engine itself logs, also without an observer.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct LoggingObserver;

impl Observer for LoggingObserver {
    fn told(&self, event: &Event) {
        match event {
            Event::Serving(Serving { workflows, slots, .. }) => {
                tracing::info!(?workflows, slots, "a worker begins");
            }
            Event::Started(Started { run, workflow, after, .. }) => {
                tracing::info!(%run, %workflow, ?after, "a run begins");
            }
            Event::Reached(reached) => log_state(reached),
            Event::Parked(Parked { run, workflow, at, reason }) => {
                tracing::error!(%run, %workflow, at, %reason, "a run was parked");
            }
            Event::Ended(Ended { run, workflow, status, after }) => {
                tracing::info!(%run, %workflow, %status, ?after, "a run has ended");
            }
            Event::TakenUp(TakenUp { run, workflow, how: Taking::TakenOver, .. }) => {
                tracing::warn!(%run, %workflow, "a run was taken over that another worker did not bring to rest");
            }
            Event::TakenUp(TakenUp { run, workflow, how: Taking::Started | Taking::Claimed, .. }) => {
                tracing::debug!(%run, %workflow, "a run was taken up");
            }
            Event::LetGo(let_go) => tracing::debug!(run = %let_go.run, "a run was let go of"),
            Event::Attempting(attempting) => {
                let cx = &attempting.context;
                let (run, step, attempt) = (cx.run_id(), cx.step(), cx.attempt());
                tracing::debug!(run, step, attempt, "a step begins");
            }
            Event::Attempted(attempted) => log_attempt(attempted),
            Event::Missed(missed) => {
                tracing::warn!(events = missed.events, "the log is too slow: events were left out of it");
            }
            // The engine logs them.
            Event::LeaseLost(_) | Event::StoreFailed(_) | Event::Claimed(_) => {}
        }
    }
}

/// Parked and ended runs have events of their own.
fn log_state(reached: &Reached) {
    let Reached { run, workflow, at, status, revision, .. } = reached;
    match status {
        Status::Ready | Status::Waiting | Status::Paused | Status::Cancelling => {
            tracing::info!(%run, %workflow, at, %status, %revision, "a run reached a state");
        }
        Status::Parked | Status::Completed | Status::Failed | Status::Cancelled => {}
    }
}

fn log_attempt(attempted: &Attempted) {
    let Attempted { context, took, outcome, again, .. } = attempted;
    let (run, step, attempt) = (context.run_id(), context.step(), context.attempt());
    match outcome {
        AttemptOutcome::Returned | AttemptOutcome::Dropped => {
            tracing::debug!(run, step, attempt, ?took, %outcome, "a step has ended");
        }
        AttemptOutcome::Failed | AttemptOutcome::TimedOut | AttemptOutcome::Panicked => {
            let again = again.map(tracing::field::display);
            tracing::warn!(run, step, attempt, ?took, %outcome, again, "an attempt has failed");
        }
    }
}
