//! What runs in the place of steps.

use std::{
    any::TypeId,
    collections::HashMap,
    future::{pending, ready},
    sync::Arc,
};

use super::recording::{CallEnd, Recorder};
use crate::{
    machine::Outcome,
    suspend::{Judged, Resources, Stage, Step, StepContext, StepFuture, StepTask},
};

/// Stands in for the body of the step `S`: any function of the call and its context that gives a future of the step's output, such as
/// `|call, _context| async move { Ok(call.total) }`. See [`TestBuilder::mock`](super::TestBuilder::mock).
pub trait Mock<S: Step>: Fn(S, StepContext) -> <Self as Mock<S>>::Body + Send + Sync + 'static {
    /// What it gives.
    type Body: Future<Output = S::Output> + Send + 'static;
}

impl<S: Step, F, B> Mock<S> for F
where
    F: Fn(S, StepContext) -> B + Send + Sync + 'static,
    B: Future<Output = S::Output> + Send + 'static,
{
    type Body = B;
}

/// Runs the bodies of steps, or what stands in for them, and has each attempt recorded.
pub(super) struct TestStage {
    pub(super) recorder: Arc<Recorder>,
    pub(super) stand_ins: StandIns,
}

/// What stands in for steps, by the types of their calls.
#[derive(Clone, Default)]
pub(super) struct StandIns(HashMap<TypeId, StandIn>);

/// What stands in for one step.
#[derive(Clone, Default)]
struct StandIn {
    step: &'static str,
    /// In the order in which they were asked for.
    faults: Vec<Fault>,
    body: Option<Body>,
}

/// A mock of whatever step.
type Body = Arc<dyn Fn(Box<dyn StepTask>, StepContext) -> StepFuture + Send + Sync>;

/// What befalls the first attempts of every call of a step.
#[derive(Clone)]
struct Fault {
    /// The last attempt that it befalls.
    last: u32,
    body: Arc<dyn Fn() -> StepFuture + Send + Sync>,
}

impl StandIns {
    /// Has a mock run in the place of the body.
    pub(super) fn mock<S: Step>(&mut self, mock: impl Mock<S>) {
        self.of::<S>().body = Some(Arc::new(move |task, context| {
            let call = task.into_any().downcast::<S>();
            let body = mock(*call.expect("it was found by its type"), context);
            Box::pin(async move { Outcome::new(body.await) })
        }));
    }

    /// Has the first attempts give what `output` makes.
    pub(super) fn fail<S: Step>(
        &mut self,
        last: u32,
        output: impl Fn() -> S::Output + Send + Sync + 'static,
    ) {
        self.befall::<S>(last, move || Box::pin(ready(Outcome::new(output()))));
    }

    /// Has the first attempts panic.
    pub(super) fn panic<S: Step>(&mut self, last: u32) {
        self.befall::<S>(last, || panic!("the test has `{}` panic", S::NAME));
    }

    /// Has the first attempts never end.
    pub(super) fn hang<S: Step>(&mut self, last: u32) {
        self.befall::<S>(last, || Box::pin(pending()));
    }

    fn befall<S: Step>(&mut self, last: u32, body: impl Fn() -> StepFuture + Send + Sync + 'static) {
        self.of::<S>().faults.push(Fault { last, body: Arc::new(body) });
    }

    fn of<S: Step>(&mut self) -> &mut StandIn {
        let new = || StandIn { step: S::NAME, ..StandIn::default() };
        self.0.entry(TypeId::of::<S>()).or_insert_with(new)
    }
}

impl Stage for TestStage {
    fn run(&self, task: Box<dyn StepTask>, context: StepContext, resources: Arc<Resources>) -> StepFuture {
        // The engine's own, as those of schedules.
        if task.name().starts_with("refluxo.") {
            return task.run(context, resources);
        }
        let running = self.recorder.begin(&*task, &context);
        let judge = task.spec().judge;
        let type_id = (&*task as &dyn std::any::Any).type_id();
        let stand_in = self.stand_ins.0.get(&type_id).cloned();
        Box::pin(async move {
            let outcome = body(stand_in, task, context, resources).await;
            running.end(match judge(&outcome) {
                Judged::Good => CallEnd::Returned,
                Judged::Failed { .. } => CallEnd::Failed,
            });
            outcome
        })
    }

    fn replaces(&self, step: &str) -> bool {
        self.stand_ins.0.values().any(|stand_in| stand_in.step == step && stand_in.body.is_some())
    }
}

/// The body of an attempt, or what stands in for it.
fn body(
    stand_in: Option<StandIn>,
    task: Box<dyn StepTask>,
    context: StepContext,
    resources: Arc<Resources>,
) -> StepFuture {
    let Some(StandIn { faults, body, .. }) = stand_in else { return task.run(context, resources) };
    if let Some(fault) = faults.iter().find(|fault| context.attempt() <= fault.last) {
        return (fault.body)();
    }
    match body {
        Some(body) => body(task, context),
        None => task.run(context, resources),
    }
}
