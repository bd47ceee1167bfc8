//! Attempts to run steps.

use std::{
    any::Any,
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::Instrument;

use super::telling::{Spans, Telling};
use crate::{
    core::{StepRun, bounded},
    machine::Outcome,
    observer::{AttemptOutcome, Audience},
    suspend::{Judged, Resources, Retry, StepContext, StepSpec, StepTask, Tether, TimedOut},
    time::Timestamp,
};

/// What came of an attempt.
pub(crate) struct Attempt {
    pub(crate) step: &'static str,
    pub(crate) retry: &'static Retry,
    pub(crate) run: StepRun,
    pub(crate) end: AttemptEnd,
    /// To be told when it is known what follows.
    pub(crate) telling: Telling,
    /// What its error or its panic says, for the run's history.
    pub(crate) words: Option<String>,
}

/// What came of having an attempt made.
pub(crate) enum Tried {
    /// It was made.
    Ended(Attempt),
    /// It was told to stop before it had its turn: its call, under its idempotency key.
    NotBegun { key: Arc<str>, task: Box<dyn StepTask> },
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
    async fn enter(&self, step: &'static str, limit: u32) -> Admitted {
        let room = {
            let mut stiles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            stiles.entry(step).or_insert_with(|| Arc::new(Semaphore::new(limit.max(1) as usize))).clone()
        };
        // It fails only if the semaphore is closed, which none is.
        Admitted { _room: room.acquire_owned().await.ok() }
    }
}

/// That an attempt may begin; its place among the others of its name is free again when this is dropped.
pub(crate) struct Admitted {
    _room: Option<OwnedSemaphorePermit>,
}

/// What attempts are made with.
#[derive(Default)]
pub(crate) struct Workshop {
    pub(crate) resources: Arc<Resources>,
    pub(crate) audience: Arc<Audience>,
    spans: Spans,
    turnstiles: Turnstiles,
}

impl Workshop {
    /// A workshop with these.
    pub(crate) fn new(resources: Resources, audience: Audience, spans: Spans) -> Self {
        Self {
            resources: Arc::new(resources),
            audience: Arc::new(audience),
            spans,
            turnstiles: Turnstiles::default(),
        }
    }

    /// Whether a step is run in the store's transaction: what stands in for it in a test is not.
    pub(crate) fn is_transactional(&self, task: &dyn StepTask) -> bool {
        task.spec().transaction && !self.resources.replaces(task.name())
    }

    /// Waits for a step's turn among the others of its name.
    pub(crate) async fn admit(&self, step: &'static str, spec: &StepSpec) -> Admitted {
        match spec.concurrency {
            Some(limit) => self.turnstiles.enter(step, limit).await,
            None => Admitted { _room: None },
        }
    }
}

/// Makes one attempt to run a step, unless it is told to stop before it has its turn.
///
/// # Cancel safety
///
/// Dropping the future drops the step's body wherever it is.
pub(crate) async fn attempt_in_turn(
    workshop: &Workshop,
    task: Box<dyn StepTask>,
    context: StepContext,
    tether: &Tether,
    now: impl Fn() -> Timestamp,
) -> Tried {
    let (step, spec) = (task.name(), task.spec());
    let admitted = tokio::select! {
        // When its turn comes in a pause, it does not begin.
        biased;
        () = tether.stopped() => None,
        admitted = async {
            let admitted = workshop.admit(step, spec).await;
            tether.held_fast().await;
            admitted
        } => Some(admitted),
    };
    match admitted {
        // It keeps its place to the end.
        Some(_admitted) => {
            let run = |task, context| workshop.resources.run(task, context);
            Tried::Ended(attempt_by(workshop, task, context, now, run).await)
        }
        None => Tried::NotBegun { key: context.idempotency_key().into(), task },
    }
}

/// Makes one attempt to run a step, whose body is what `run` makes. `now` tells the time by the store's clock.
///
/// # Cancel safety
///
/// Dropping the future drops the step's body wherever it is.
pub(crate) async fn attempt_by<B: Future<Output = Outcome>>(
    workshop: &Workshop,
    task: Box<dyn StepTask>,
    context: StepContext,
    now: impl Fn() -> Timestamp,
    run: impl FnOnce(Box<dyn StepTask>, StepContext) -> B,
) -> Attempt {
    let (step, spec) = (task.name(), task.spec());
    let _over = context.cancelled_on_drop();
    let started = now();
    let mut telling = Telling::begin(&workshop.audience, &context, started);
    let span = workshop.spans.of(&context);
    // The body may panic when it is made as well as when it is polled.
    let body = async { run(task, context.clone()).await }.instrument(span.clone());
    let body = AssertUnwindSafe(body).catch_unwind();
    let ((end, words), in_time) = match spec.timeout {
        None => (judge(body.await, spec.judge), true),
        Some(timeout) => {
            if let Ok(returned) = tokio::time::timeout(timeout.after, body).await {
                (judge(returned, spec.judge), true)
            } else {
                let late = TimedOut { step: step.to_owned(), after: timeout.after };
                // `From<TimedOut>` is the user's code.
                let outcome = catch_unwind(AssertUnwindSafe(|| (timeout.outcome)(late)));
                (judge(outcome, spec.judge), false)
            }
        }
    };
    let outcome = end.outcome(in_time);
    let run = StepRun { started, ended: now(), how: outcome };
    span.record("outcome", outcome.as_str());
    telling.ended(outcome);
    Attempt { step, retry: &spec.retry, run, end, words: words.map(bounded), telling }
}

/// Tells a failed attempt from a good one, and what its error says.
fn judge(
    returned: Result<Outcome, Box<dyn Any + Send>>,
    judge: fn(&Outcome) -> Judged,
) -> (AttemptEnd, Option<String>) {
    let judged = returned.and_then(|outcome| {
        // So is the predicate of `if = …`.
        catch_unwind(AssertUnwindSafe(|| judge(&outcome))).map(|judged| (outcome, judged))
    });
    match judged {
        Ok((outcome, Judged::Good)) => (AttemptEnd::Good(outcome), None),
        Ok((outcome, Judged::Failed { again, words })) => (AttemptEnd::Failed { outcome, again }, words),
        Err(panic) => {
            let message = words(&*panic);
            (AttemptEnd::Panicked { message: message.clone() }, Some(message))
        }
    }
}

impl AttemptEnd {
    /// Whether another attempt may help.
    pub(crate) fn may_be_made_again(&self) -> bool {
        match self {
            Self::Good(_) => false,
            Self::Failed { again, .. } => *again,
            Self::Panicked { .. } => true,
        }
    }

    /// How observers are told of it.
    fn outcome(&self, in_time: bool) -> AttemptOutcome {
        match (self, in_time) {
            (Self::Panicked { .. }, _) => AttemptOutcome::Panicked,
            (Self::Good(_) | Self::Failed { .. }, false) => AttemptOutcome::TimedOut,
            (Self::Failed { .. }, true) => AttemptOutcome::Failed,
            (Self::Good(_), true) => AttemptOutcome::Returned,
        }
    }
}

/// What a panic said.
pub(crate) fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "something that is not text".to_owned());
    bounded(text)
}
