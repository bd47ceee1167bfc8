//! The durable way: the engine in virtual time.

use std::{future::IntoFuture, rc::Rc, time::Duration};

use refluxo::{
    engine::ResultError,
    machine::Machine,
    snapshot::ParkReason,
    testing::{TestBuilder, TestEngine, crash_everywhere},
};

use super::{Arrival, START, arrive, beside, in_virtual_time, traced};
use crate::{
    script::Sent,
    trace::{self, Case, Outcome},
    types::Ledger,
};

#[path = "steps.rs"]
#[expect(clippy::duplicate_mod, reason = "the same steps, mounted both ways, are the point of this suite")]
pub mod slow_steps;

/// What a program sees when it is mounted as a machine.
pub mod prelude {
    pub use super::{case, slow_steps::*, steady};
    pub use crate::{concurrent::at, durable::steps::*, timed_cases, types::*};
    pub use refluxo::{prelude::*, time::Timestamp};
}

/// What the steps see when they are mounted as steps.
mod step_prelude {
    pub(super) use refluxo::step;
}

/// One program with one input, run as a machine.
pub fn case<M: Machine>(
    name: &'static str,
    call: impl Fn() -> M + 'static,
    signals: impl Fn() -> Vec<Arrival> + 'static,
) -> Case {
    Case { name, run: Box::new(move || traced(run(call(), signals()))) }
}

/// The same for a program that does the same however long its steps take, so that it may crash anywhere.
pub fn steady<M: Machine>(
    name: &'static str,
    call: impl Fn() -> M + 'static,
    signals: impl Fn() -> Vec<Arrival> + 'static,
) -> Case {
    let (call, signals) = (Rc::new(call), Rc::new(signals));
    let run = move || {
        let trace = traced(run(call(), signals()));
        let (call, signals) = (call.clone(), signals.clone());
        let crashes = crash_everywhere(move || call()).world(world).script(move |engine, run| {
            let signals = signals();
            async move {
                let send = async |Sent { name, payload }| {
                    drop(engine.signal_json(run.id(), name, &payload).await);
                };
                arrive(signals, send).await;
            }
        });
        in_virtual_time(crashes.into_future());
        drop(trace::take_calls());
        trace
    };
    Case { name, run: Box::new(run) }
}

/// What every engine begins with. A step of a child that is cancelled has no grace: tokio drops what it is no longer awaiting.
fn world() -> TestBuilder {
    TestEngine::builder()
        .starting_at(START)
        .provide(Ledger)
        .with(|engine| engine.cancel_grace(Duration::ZERO))
}

/// Runs a workflow to its end.
async fn run<M: Machine>(first: M, signals: Vec<Arrival>) -> Outcome {
    let engine = world().register::<M>().build().await;
    let run = engine.start("run", first).await.expect("a run can be started");
    // One that comes after the end is refused, which is no matter of the program.
    let send = async |Sent { name, payload }| drop(engine.signal_json("run", name, &payload).await);
    let result = beside(arrive(signals, send), engine.end_of(&run)).await;
    match result {
        Ok(output) => Outcome::returned(&output),
        Err(ResultError::Parked { reason: ParkReason::WorkflowPanicked { .. }, .. }) => Outcome::Panicked,
        Err(error) => Outcome::Stuck(error.to_string()),
    }
}
