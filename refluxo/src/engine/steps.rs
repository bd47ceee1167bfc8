//! Attempts to run steps.

use std::{
    any::Any,
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    core::StepRun,
    machine::Outcome,
    observer::{Attempted, Attempting, Ended, Observer},
    suspend::{Judged, Resources, Retry, StepContext, StepTask, TimedOut},
    time::Timestamp,
};

/// What came of an attempt.
pub(crate) struct Attempt {
    pub(crate) step: &'static str,
    pub(crate) retry: &'static Retry,
    pub(crate) run: StepRun,
    pub(crate) end: AttemptEnd,
}

/// How an attempt ended.
pub(crate) enum AttemptEnd {
    /// With an outcome for the workflow.
    Good(Outcome),
    /// With an `Err`.
    Failed {
        /// What the workflow gets if this was the last attempt.
        outcome: Outcome,
        /// Whether another attempt may help.
        again: bool,
    },
    /// With a panic.
    Panicked {
        /// What it said.
        message: String,
    },
}

/// Who bounds how many attempts of one step are at work at once in this engine.
#[derive(Debug, Default)]
pub(crate) struct Turnstiles(Mutex<HashMap<&'static str, Arc<Semaphore>>>);

impl Turnstiles {
    /// Waits for room.
    async fn enter(&self, step: &'static str, limit: u32) -> Option<OwnedSemaphorePermit> {
        let room = {
            let mut stiles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            stiles.entry(step).or_insert_with(|| Arc::new(Semaphore::new(limit.max(1) as usize))).clone()
        };
        // It fails only if the semaphore is closed, which none is.
        room.acquire_owned().await.ok()
    }
}

/// What attempts are made with.
#[derive(Default)]
pub(crate) struct Workshop {
    pub(crate) resources: Arc<Resources>,
    pub(crate) observers: Arc<[Box<dyn Observer>]>,
    turnstiles: Turnstiles,
}

impl Workshop {
    /// A workshop with these.
    pub(crate) fn new(resources: Resources, observers: Vec<Box<dyn Observer>>) -> Self {
        Self {
            resources: Arc::new(resources),
            observers: observers.into(),
            turnstiles: Turnstiles::default(),
        }
    }
}

/// Makes one attempt to run a step. `now` tells the time by the store's clock.
///
/// The time that it waits for its turn among the others of its name does not count.
///
/// # Cancel safety
///
/// Dropping the future drops the step's body wherever it is.
pub(crate) async fn attempt(
    workshop: &Workshop,
    task: Box<dyn StepTask>,
    context: StepContext,
    now: impl Fn() -> Timestamp,
) -> Attempt {
    let (step, spec) = (task.name(), task.spec());
    let _turn = match spec.concurrency {
        Some(limit) => workshop.turnstiles.enter(step, limit).await,
        None => None,
    };
    let started = now();
    let about = About { observers: &workshop.observers, context: &context, started };
    about.tell_begin(&*task);
    // The body may panic when it is made as well as when it is polled.
    let body = async { workshop.resources.run(task, context.clone()).await };
    let body = AssertUnwindSafe(body).catch_unwind();
    let (end, ended) = match spec.timeout {
        None => (judge(body.await, spec.judge), Ended::Returned),
        Some(timeout) => {
            if let Ok(returned) = tokio::time::timeout(timeout.after, body).await {
                (judge(returned, spec.judge), Ended::Returned)
            } else {
                let late = TimedOut { step: step.to_owned(), after: timeout.after };
                // `From<TimedOut>` is the user's code.
                let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| (timeout.outcome)(late)));
                (judge(outcome, spec.judge), Ended::TimedOut)
            }
        }
    };
    let run = StepRun { started, ended: now() };
    about.tell_end(&end, ended, run.ended);
    Attempt { step, retry: &spec.retry, run, end }
}

/// Tells a failed attempt from a good one.
fn judge(returned: Result<Outcome, Box<dyn Any + Send>>, judge: fn(&Outcome) -> Judged) -> AttemptEnd {
    let judged = returned.and_then(|outcome| {
        // So is the predicate of `if = …`.
        std::panic::catch_unwind(AssertUnwindSafe(|| judge(&outcome))).map(|judged| (outcome, judged))
    });
    match judged {
        Ok((outcome, Judged::Good)) => AttemptEnd::Good(outcome),
        Ok((outcome, Judged::Failed { again })) => AttemptEnd::Failed { outcome, again },
        Err(panic) => AttemptEnd::Panicked { message: words(&*panic) },
    }
}

/// An attempt, as observers are told of it.
struct About<'a> {
    observers: &'a [Box<dyn Observer>],
    context: &'a StepContext,
    started: Timestamp,
}

impl About<'_> {
    fn tell_begin(&self, task: &dyn StepTask) {
        let attempting = Attempting { context: self.context, at: self.started, task };
        self.observers.iter().for_each(|observer| observer.attempting(&attempting));
    }

    fn tell_end(&self, end: &AttemptEnd, ended: Ended, at: Timestamp) {
        let ended = match (end, ended) {
            (AttemptEnd::Panicked { .. }, _) => Ended::Panicked,
            (AttemptEnd::Good(_) | AttemptEnd::Failed { .. }, Ended::TimedOut) => Ended::TimedOut,
            (AttemptEnd::Failed { .. }, _) => Ended::Failed,
            (AttemptEnd::Good(_), _) => Ended::Returned,
        };
        let attempted = Attempted { context: self.context, started: self.started, at, ended };
        self.observers.iter().for_each(|observer| observer.attempted(&attempted));
    }
}

/// What a panic said.
pub(crate) fn words(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "something that is not text".to_owned())
}
