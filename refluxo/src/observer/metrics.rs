//! Metrics for Prometheus and its like, through the facade of the crate [`metrics`]: the feature `metrics`.
//!
//! | name | kind | labels | what it tells |
//! |---|---|---|---|
//! | `refluxo_runs_started_total` | counter | `workflow` | runs that a worker has begun with |
//! | `refluxo_run_start_delay_seconds` | histogram | `workflow` | from a run's creation until then |
//! | `refluxo_runs_ended_total` | counter | `workflow`, `status` | runs that are `completed`, `failed` or `cancelled` |
//! | `refluxo_run_duration_seconds` | histogram | `workflow`, `status` | from a run's creation to its end |
//! | `refluxo_runs_parked_total` | counter | `workflow`, `reason` | runs that need an operator: **alert** |
//! | `refluxo_runs_taken_up_total` | counter | `workflow`, `how` | runs that a worker took: `started`, `claimed`, or `taken_over` from a worker that did not bring them to rest |
//! | `refluxo_runs_held` | gauge | | runs that this worker holds now |
//! | `refluxo_slots` | gauge | | runs that it may hold |
//! | `refluxo_claims_total` | counter | | times that it has looked for due runs |
//! | `refluxo_claim_duration_seconds` | histogram | | how long the store took for that |
//! | `refluxo_backlogged` | gauge | | 1 if its last look filled all of its slots, so that more may be due: **alert** if it stays |
//! | `refluxo_states_reached_total` | counter | `workflow` | states that runs reached |
//! | `refluxo_commit_duration_seconds` | histogram | | how long the store took to keep one, all tries together |
//! | `refluxo_step_attempts_total` | counter | `workflow`, `step`, `outcome` | attempts that are over: `returned`, `failed`, `timed_out`, `panicked` or `dropped` |
//! | `refluxo_step_attempt_duration_seconds` | histogram | `workflow`, `step`, `outcome` | how long they took |
//! | `refluxo_step_retries_total` | counter | `workflow`, `step` | those after which another one follows |
//! | `refluxo_leases_lost_total` | counter | `workflow` | runs that another worker took from this one: **alert** |
//! | `refluxo_store_errors_total` | counter | `operation`, `kind` | what the store could not do: `retry`, `unknown` (it may have been written) or `fatal` |
//! | `refluxo_events_missed_total` | counter | | events that are in none of these, as the recorder was too slow |
//!
//! No label has values without bound: the ids of runs are in none. All counters are there from the worker's beginning, as zeros, so
//! that Prometheus' `increase` sees the first run that is parked; those of steps are there from a step's first attempt or retry.

use std::sync::Arc;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use super::{
    Attempted, Claimed, Ended, Event, Observer, Parked, Reached, Serving, Started, StoreFailed, TakenUp,
    Taking,
};
use crate::{
    snapshot::ParkReason,
    store::{Operation, Status, StoreError},
};

/// Gives what runs do to the recorder that the program has installed; without one it costs a little and does nothing.
///
/// The names are [above](self). Install the recorder before [`MetricsObserver::new`], which tells it what each name means.
///
/// ```
/// use refluxo::{Engine, MemoryStore, observer::MetricsObserver};
///
/// let builder = Engine::builder(MemoryStore::new()).observe(MetricsObserver::new());
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MetricsObserver;

impl MetricsObserver {
    /// Describes the metrics to the recorder.
    #[must_use]
    pub fn new() -> Self {
        describe_counter!("refluxo_runs_started_total", "Runs that a worker has begun with");
        describe_counter!("refluxo_runs_ended_total", "Runs that are over");
        describe_counter!("refluxo_runs_parked_total", "Runs that need an operator");
        describe_counter!("refluxo_runs_taken_up_total", "Runs that a worker took");
        describe_counter!("refluxo_claims_total", "Times that the worker has looked for due runs");
        describe_counter!("refluxo_states_reached_total", "States that runs reached");
        describe_counter!("refluxo_step_attempts_total", "Attempts to run steps that are over");
        describe_counter!("refluxo_step_retries_total", "Attempts after which another one follows");
        describe_counter!("refluxo_leases_lost_total", "Runs that another worker took from this one");
        describe_counter!("refluxo_store_errors_total", "What the store could not do");
        describe_counter!("refluxo_events_missed_total", "Events that the other metrics lack");
        describe_gauge!("refluxo_runs_held", "Runs that the worker holds now");
        describe_gauge!("refluxo_slots", "Runs that the worker may hold");
        describe_gauge!("refluxo_backlogged", "Whether more may be due than the worker can work on");
        let seconds = [
            ("refluxo_run_start_delay_seconds", "From a run's creation until a worker has begun with it"),
            ("refluxo_run_duration_seconds", "From a run's creation to its end"),
            ("refluxo_claim_duration_seconds", "How long the store took to give due runs"),
            ("refluxo_commit_duration_seconds", "How long the store took to keep a state"),
            ("refluxo_step_attempt_duration_seconds", "How long attempts to run steps took"),
        ];
        for (name, what) in seconds {
            describe_histogram!(name, Unit::Seconds, what);
        }
        Self
    }
}

impl Default for MetricsObserver {
    fn default() -> Self {
        Self::new()
    }
}

impl Observer for MetricsObserver {
    fn told(&self, event: &Event) {
        match event {
            Event::Serving(serving) => begin(serving),
            Event::Started(Started { workflow, after, .. }) => {
                counter!("refluxo_runs_started_total", "workflow" => workflow.clone()).increment(1);
                histogram!("refluxo_run_start_delay_seconds", "workflow" => workflow.clone()).record(*after);
            }
            Event::TakenUp(TakenUp { workflow, how, held, .. }) => {
                counter!("refluxo_runs_taken_up_total", "workflow" => workflow.clone(), "how" => how.as_str())
                    .increment(1);
                hold(*held);
            }
            Event::Reached(Reached { workflow, stored_in, .. }) => {
                counter!("refluxo_states_reached_total", "workflow" => workflow.clone()).increment(1);
                histogram!("refluxo_commit_duration_seconds").record(*stored_in);
            }
            Event::Parked(Parked { workflow, reason, .. }) => {
                let reason = reason.name();
                counter!("refluxo_runs_parked_total", "workflow" => workflow.clone(), "reason" => reason)
                    .increment(1);
            }
            Event::Ended(Ended { workflow, status, after, .. }) => {
                let labels = [("workflow", workflow.to_string()), ("status", status.to_string())];
                counter!("refluxo_runs_ended_total", &labels).increment(1);
                histogram!("refluxo_run_duration_seconds", &labels).record(*after);
            }
            Event::LetGo(let_go) => hold(let_go.held),
            Event::LeaseLost(lost) => {
                counter!("refluxo_leases_lost_total", "workflow" => lost.workflow.clone()).increment(1);
            }
            Event::Attempting(_) => {}
            Event::Attempted(attempted) => count_attempt(attempted),
            Event::Claimed(Claimed { took, is_full, slots, .. }) => {
                counter!("refluxo_claims_total").increment(1);
                histogram!("refluxo_claim_duration_seconds").record(*took);
                gauge!("refluxo_backlogged").set(u8::from(*is_full));
                gauge!("refluxo_slots").set(*slots);
            }
            Event::StoreFailed(StoreFailed { operation, error }) => {
                let labels = [("operation", operation.to_string()), ("kind", kind(error).to_owned())];
                counter!("refluxo_store_errors_total", &labels).increment(1);
            }
            Event::Missed(missed) => counter!("refluxo_events_missed_total").increment(missed.events),
        }
    }
}

/// Has all that is counted without knowing steps be there.
fn begin(serving: &Serving) {
    gauge!("refluxo_slots").set(serving.slots);
    for workflow in &serving.workflows {
        begin_workflow(workflow);
    }
    for operation in Operation::ALL {
        for kind in KINDS {
            let labels = [("operation", operation.to_string()), ("kind", kind.to_owned())];
            counter!("refluxo_store_errors_total", &labels).increment(0);
        }
    }
    counter!("refluxo_claims_total").increment(0);
    counter!("refluxo_events_missed_total").increment(0);
}

fn begin_workflow(workflow: &Arc<str>) {
    for name in ["refluxo_runs_started_total", "refluxo_states_reached_total", "refluxo_leases_lost_total"] {
        counter!(name, "workflow" => workflow.clone()).increment(0);
    }
    for status in Status::ALL.into_iter().filter(|status| status.is_ended()) {
        let labels = [("workflow", workflow.to_string()), ("status", status.to_string())];
        counter!("refluxo_runs_ended_total", &labels).increment(0);
    }
    for reason in ParkReason::NAMES {
        counter!("refluxo_runs_parked_total", "workflow" => workflow.clone(), "reason" => *reason)
            .increment(0);
    }
    for how in Taking::ALL {
        counter!("refluxo_runs_taken_up_total", "workflow" => workflow.clone(), "how" => how.as_str())
            .increment(0);
    }
}

#[expect(clippy::cast_precision_loss, reason = "no worker holds so many runs")]
fn hold(held: usize) {
    gauge!("refluxo_runs_held").set(held as f64);
}

fn count_attempt(attempted: &Attempted) {
    let (workflow, step) = (attempted.context.workflow().to_owned(), attempted.context.step());
    let labels =
        [("workflow", workflow.clone()), ("step", step.into()), ("outcome", attempted.outcome.to_string())];
    counter!("refluxo_step_attempts_total", &labels).increment(1);
    histogram!("refluxo_step_attempt_duration_seconds", &labels).record(attempted.took);
    if attempted.again.is_some() {
        counter!("refluxo_step_retries_total", "workflow" => workflow, "step" => step).increment(1);
    }
}

/// All that [`kind`] gives.
const KINDS: [&str; 3] = ["retry", "unknown", "fatal"];

/// What a caller may conclude from an error.
fn kind(error: &StoreError) -> &'static str {
    match error {
        StoreError::Retry(_) => "retry",
        StoreError::Unknown(_) => "unknown",
        StoreError::Fatal(_) => "fatal",
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Mutex, time::Duration};

    use metrics::{
        Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, with_local_recorder,
    };

    use super::*;
    use crate::{
        observer::{AttemptOutcome, LeaseLost, LetGo, Missed},
        store::{Revision, RunId},
        suspend::StepContext,
        time::Timestamp,
    };

    /// Writes down the names, the kinds and the labels of what is described and what is registered.
    #[derive(Default)]
    struct Names {
        described: Mutex<BTreeSet<(String, &'static str)>>,
        registered: Mutex<BTreeSet<(String, &'static str, String)>>,
    }

    impl Names {
        fn describe(&self, name: &KeyName, kind: &'static str) {
            self.described.lock().unwrap().insert((name.as_str().to_owned(), kind));
        }

        fn register(&self, key: &Key, kind: &'static str) {
            let labels: Vec<_> = key.labels().map(|label| format!("`{}`", label.key())).collect();
            self.registered.lock().unwrap().insert((key.name().to_owned(), kind, labels.join(", ")));
        }
    }

    impl Recorder for Names {
        fn describe_counter(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
            self.describe(&name, "counter");
        }

        fn describe_gauge(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
            self.describe(&name, "gauge");
        }

        fn describe_histogram(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
            self.describe(&name, "histogram");
        }

        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            self.register(key, "counter");
            Counter::noop()
        }

        fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
            self.register(key, "gauge");
            Gauge::noop()
        }

        fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
            self.register(key, "histogram");
            Histogram::noop()
        }
    }

    /// One event of each kind.
    fn events() -> Vec<Event> {
        let run = || RunId::new("a").unwrap();
        let workflow = || Arc::<str>::from("checkout");
        let (after, took, held, at) = (Duration::from_secs(1), Duration::from_secs(1), 1, String::new);
        let (status, revision, stored_in) = (Status::Completed, Revision(1), took);
        let context = StepContext::new("a".into(), "charge", 1, "key".into());
        let outcome = AttemptOutcome::Failed;
        let error = StoreError::retry(&"a store".into(), Operation::Commit, std::io::Error::other("down"));
        vec![
            Event::Serving(Serving { workflows: vec![workflow()], slots: 1 }),
            Event::Started(Started { run: run(), workflow: workflow(), parent: None, after }),
            Event::TakenUp(TakenUp { run: run(), workflow: workflow(), how: Taking::Claimed, held }),
            Event::Reached(Reached {
                run: run(),
                workflow: workflow(),
                at: at(),
                status,
                revision,
                stored_in,
            }),
            Event::Parked(Parked {
                run: run(),
                workflow: workflow(),
                at: at(),
                reason: ParkReason::Poisoned { claims: 6 },
            }),
            Event::Ended(Ended { run: run(), workflow: workflow(), status, after }),
            Event::LetGo(LetGo { run: run(), workflow: workflow(), held }),
            Event::LeaseLost(LeaseLost { run: run(), workflow: workflow() }),
            Event::Attempted(Attempted {
                context,
                started: Timestamp::EPOCH,
                took,
                outcome,
                again: Some(Timestamp::EPOCH),
            }),
            Event::Claimed(Claimed { runs: 1, took, is_full: true, slots: 1 }),
            Event::StoreFailed(StoreFailed { operation: Operation::Commit, error }),
            Event::Missed(Missed { events: 1 }),
        ]
    }

    #[test]
    fn the_table_has_the_names_the_kinds_and_the_labels() {
        let names = Names::default();
        with_local_recorder(&names, || {
            let observer = MetricsObserver::new();
            for event in events() {
                observer.told(&event);
            }
        });
        let described = names.described.into_inner().unwrap();
        let registered = names.registered.into_inner().unwrap();
        let rows = include_str!("metrics.rs").lines().filter_map(|line| line.strip_prefix("//! | `refluxo_"));
        let documented: BTreeSet<_> = rows
            .map(|row| {
                let cells: Vec<&str> = row.split('|').map(str::trim).collect();
                (format!("refluxo_{}", cells[0].trim_matches('`')), cells[1].to_owned(), cells[2].to_owned())
            })
            .collect();
        let told: BTreeSet<_> = registered
            .iter()
            .map(|(name, kind, labels)| (name.clone(), (*kind).to_owned(), labels.clone()))
            .collect();
        assert_eq!(documented, told);
        assert!(
            described
                .iter()
                .map(|(name, kind)| (name, kind))
                .eq(registered.iter().map(|(name, kind, _)| (name, kind)))
        );
    }
}
