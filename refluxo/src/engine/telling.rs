//! What an attempt to run a step shows to the outside: the events of its beginning and its end, and its span.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use tokio::time::Instant;
use tracing::Span;

use super::steps::words;
use crate::{
    observer::{AttemptOutcome, Attempted, Attempting, Audience, Event},
    suspend::StepContext,
    time::Timestamp,
};

/// Tells the observers the end of an attempt, once: when it is known what follows, or when it is dropped.
pub(crate) struct Telling(Option<Box<Unfinished>>);

/// An attempt whose end was not told yet.
struct Unfinished {
    audience: Arc<Audience>,
    began: Instant,
    attempted: Attempted,
    is_over: bool,
}

impl Telling {
    /// Tells that an attempt begins.
    pub(super) fn begin(audience: &Arc<Audience>, context: &StepContext, started: Timestamp) -> Self {
        if audience.is_empty() {
            return Self(None);
        }
        let context = context.clone();
        audience.tell(|| Event::Attempting(Attempting { context: context.clone(), at: started }));
        let (outcome, took) = (AttemptOutcome::Dropped, std::time::Duration::ZERO);
        let attempted = Attempted { context, started, took, outcome, again: None };
        let (audience, began) = (audience.clone(), Instant::now());
        Self(Some(Box::new(Unfinished { audience, began, attempted, is_over: false })))
    }

    /// Notes how it ended.
    pub(super) fn ended(&mut self, outcome: AttemptOutcome) {
        if let Some(unfinished) = &mut self.0 {
            unfinished.attempted.outcome = outcome;
            unfinished.attempted.took = unfinished.began.elapsed();
            unfinished.is_over = true;
        }
    }

    /// Tells its end, and when the next attempt is made, if there is one.
    pub(crate) fn tell(mut self, again: Option<Timestamp>) {
        if let Some(unfinished) = self.0.take() {
            let Unfinished { audience, attempted, .. } = *unfinished;
            audience.tell(|| Event::Attempted(Attempted { again, ..attempted }));
        }
    }
}

impl Drop for Telling {
    /// Nobody wanted it any more.
    fn drop(&mut self) {
        if let Some(mut unfinished) = self.0.take() {
            if !unfinished.is_over {
                unfinished.attempted.took = unfinished.began.elapsed();
            }
            unfinished.attempted.outcome = AttemptOutcome::Dropped;
            let Unfinished { audience, attempted, .. } = *unfinished;
            audience.tell(|| Event::Attempted(attempted));
        }
    }
}

/// Makes the spans in which the bodies of steps run.
#[derive(Default)]
pub(crate) struct Spans(Option<MakeSpan>);

/// What a program makes them by.
pub(crate) type MakeSpan = Box<dyn Fn(&StepContext) -> Span + Send + Sync>;

impl Spans {
    /// Spans that the program makes.
    pub(crate) fn new(make: MakeSpan) -> Self {
        Self(Some(make))
    }

    /// The span of an attempt.
    pub(super) fn of(&self, context: &StepContext) -> Span {
        let Some(make) = &self.0 else { return span(context) };
        catch_unwind(AssertUnwindSafe(|| make(context))).unwrap_or_else(|panic| {
            tracing::error!(message = words(&*panic), "the function that makes a step's span panicked");
            span(context)
        })
    }
}

/// The span of an attempt where the program does not say otherwise.
fn span(context: &StepContext) -> Span {
    tracing::info_span!(
        "refluxo.step",
        run = context.run_id(),
        workflow = context.workflow(),
        step = context.step(),
        attempt = context.attempt(),
        outcome = tracing::field::Empty,
    )
}

/// Says to which trace a run belongs that is started.
#[derive(Default)]
pub(crate) struct Traces(Option<Capture>);

/// How a program says it.
pub(crate) type Capture = Box<dyn Fn() -> Option<String> + Send + Sync>;

impl Traces {
    /// Traces that the program tells.
    pub(crate) fn new(capture: Capture) -> Self {
        Self(Some(capture))
    }

    /// The trace of a run that is started now.
    pub(crate) fn capture(&self) -> Option<String> {
        let capture = self.0.as_ref()?;
        catch_unwind(AssertUnwindSafe(capture)).unwrap_or_else(|panic| {
            tracing::error!(message = words(&*panic), "the function that tells a run's trace panicked");
            None
        })
    }
}
