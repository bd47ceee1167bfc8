//! Numbers that a program shows itself.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Serialize;

use super::{AttemptOutcome, Attempted, Claimed, Ended, Event, Observer, Taking};
use crate::store::Status;

/// Counts what runs do, for a program that shows its own numbers: on a status page, at the end of a batch, in a test.
///
/// Clones count together: give one to the engine and keep the other. [`BasicMetrics::snapshot`] has every event that was
/// told by then, each whole.
///
/// ```
/// # async fn example() -> Result<(), refluxo::engine::BuildError> {
/// use refluxo::{Engine, MemoryStore, observer::BasicMetrics};
///
/// let metrics = BasicMetrics::new();
/// let engine = Engine::builder(MemoryStore::new()).observe(metrics.clone()).build().await?;
/// // …
/// println!("{} runs are held", metrics.snapshot().held);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct BasicMetrics {
    counted: Arc<Mutex<MetricsSnapshot>>,
}

/// What [`BasicMetrics`] has counted, since it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MetricsSnapshot {
    /// By the names of the workflows.
    pub workflows: BTreeMap<String, WorkflowMetrics>,
    /// By the names of the steps.
    pub steps: BTreeMap<String, StepMetrics>,
    /// How many runs the worker holds.
    pub held: usize,
    /// How many it may hold.
    pub slots: u32,
    /// Whether more may be due than it can work on.
    pub is_full: bool,
    /// How often the store was asked for due runs, and how long it took.
    pub claims: Timing,
    /// How often states were stored, and how long it took.
    pub commits: Timing,
    /// How often the store failed, by what it was asked for.
    pub store_errors: BTreeMap<String, u64>,
    /// How many events were missed, so that the other numbers are too low.
    pub missed: u64,
}

/// What was counted of a workflow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WorkflowMetrics {
    /// How many runs have begun.
    pub started: u64,
    /// How many have completed, with how long they lasted.
    pub completed: Timing,
    /// How many have failed.
    pub failed: Timing,
    /// How many were cancelled.
    pub cancelled: Timing,
    /// How often one was parked.
    pub parked: u64,
    /// How many states were reached.
    pub states: u64,
    /// How many runs were taken over from another worker.
    pub taken_over: u64,
    /// How many were lost to another worker.
    pub leases_lost: u64,
}

/// What was counted of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StepMetrics {
    /// How many attempts have returned, and how long they took.
    pub returned: Timing,
    /// How many have returned an `Err`.
    pub failed: Timing,
    /// How many took too long.
    pub timed_out: Timing,
    /// How many have panicked.
    pub panicked: Timing,
    /// How many were dropped.
    pub dropped: Timing,
    /// After how many another one follows.
    pub retried: u64,
}

/// How often something was done, and how long it took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Timing {
    /// How often.
    pub count: u64,
    /// How long, all together.
    pub total: Duration,
    /// How long at most.
    pub longest: Duration,
}

impl Timing {
    /// How long on average; zero if it was never done.
    #[must_use]
    pub fn mean(&self) -> Duration {
        u32::try_from(self.count).ok().and_then(|count| self.total.checked_div(count)).unwrap_or_default()
    }

    fn add(&mut self, took: Duration) {
        self.count += 1;
        self.total = self.total.saturating_add(took);
        self.longest = self.longest.max(took);
    }
}

impl BasicMetrics {
    /// Counts from zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was counted so far.
    #[must_use]
    pub fn snapshot(&self) -> MetricsSnapshot {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, MetricsSnapshot> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for BasicMetrics {
    fn told(&self, event: &Event) {
        self.lock().count(event);
    }
}

impl MetricsSnapshot {
    fn count(&mut self, event: &Event) {
        match event {
            Event::Serving(serving) => {
                self.slots = serving.slots;
                for name in &serving.workflows {
                    self.workflow(name);
                }
            }
            Event::Started(started) => self.workflow(&started.workflow).started += 1,
            Event::TakenUp(taken) => {
                self.held = taken.held;
                if taken.how == Taking::TakenOver {
                    self.workflow(&taken.workflow).taken_over += 1;
                }
            }
            Event::Reached(reached) => {
                self.commits.add(reached.stored_in);
                self.workflow(&reached.workflow).states += 1;
            }
            Event::Parked(parked) => self.workflow(&parked.workflow).parked += 1,
            Event::Ended(ended) => self.end(ended),
            Event::LetGo(let_go) => self.held = let_go.held,
            Event::LeaseLost(lost) => self.workflow(&lost.workflow).leases_lost += 1,
            Event::Attempting(_) => {}
            Event::Attempted(attempted) => self.attempt(attempted),
            Event::Claimed(Claimed { took, is_full, slots, .. }) => {
                self.claims.add(*took);
                (self.is_full, self.slots) = (*is_full, *slots);
            }
            Event::StoreFailed(failed) => {
                *self.store_errors.entry(failed.operation.to_string()).or_default() += 1;
            }
            Event::Missed(missed) => self.missed += missed.events,
        }
    }

    fn end(&mut self, ended: &Ended) {
        let workflow = self.workflow(&ended.workflow);
        match ended.status {
            Status::Completed => workflow.completed.add(ended.after),
            Status::Failed => workflow.failed.add(ended.after),
            Status::Cancelled => workflow.cancelled.add(ended.after),
            Status::Ready | Status::Waiting | Status::Paused | Status::Parked | Status::Cancelling => {}
        }
    }

    fn attempt(&mut self, attempted: &Attempted) {
        let step = self.steps.entry(attempted.context.step().to_owned()).or_default();
        let timing = match attempted.outcome {
            AttemptOutcome::Returned => &mut step.returned,
            AttemptOutcome::Failed => &mut step.failed,
            AttemptOutcome::TimedOut => &mut step.timed_out,
            AttemptOutcome::Panicked => &mut step.panicked,
            AttemptOutcome::Dropped => &mut step.dropped,
        };
        timing.add(attempted.took);
        step.retried += u64::from(attempted.again.is_some());
    }

    fn workflow(&mut self, name: &str) -> &mut WorkflowMetrics {
        self.workflows.entry(name.to_owned()).or_default()
    }
}
