//! One turn of a run: what it waits for is performed, and the workflow's code runs up to the next await.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use futures_util::FutureExt;
use serde_json::value::RawValue;

use super::{AnyFrame, AnyMachine, AnyOutput, AnyTransition};
use crate::{
    core::{Arrived, Cause, ChildEnd, Event, Life, Next, Returned, Run, StepRun},
    machine::{Changes, Outcome, Undos},
    snapshot::{LoadError, ParkReason},
    store::{Received, Seq},
    suspend::{Begin, ReadOutcome, Resources, StepContext, StepTask},
    time::Timestamp,
};

/// Where a turn led.
pub(crate) enum Turn {
    /// To the next await.
    To { cause: Cause, machine: Box<dyn AnyMachine>, changes: Changes },
    /// To the end.
    Done { cause: Cause, output: Box<dyn AnyOutput>, failed: bool },
    /// Nowhere.
    Stuck(ParkReason),
}

impl Turn {
    /// What the core is told.
    pub(crate) fn event(&self) -> Event<'_> {
        match self {
            Self::To { cause, machine, changes } => {
                Event::Arrived(Arrived { cause: *cause, machine: &**machine, changes })
            }
            Self::Done { cause, output, failed } => {
                Event::Returned(Returned { cause: *cause, output: &**output, failed: *failed })
            }
            Self::Stuck(reason) => Event::Stuck(reason.clone()),
        }
    }
}

/// Performs what a run does next and runs its code. `now` tells the time by the store's clock.
pub(crate) async fn turn(
    run: &Run,
    machine: Box<dyn AnyMachine>,
    next: Next,
    resources: &Arc<Resources>,
    now: impl Fn() -> Timestamp,
) -> Turn {
    let (begin, frame) = machine.begin();
    let performed = match (next, begin) {
        (Next::Start, Begin::Start) => Ok((Cause::Started, Outcome::new(()))),
        (Next::Timer, Begin::Timer) => Ok((Cause::Timer, Outcome::new(()))),
        (Next::Step, Begin::Step(task)) => step(run, task, resources, now).await,
        (Next::Signal(seq), Begin::Signal(read)) => message(run, seq)
            .and_then(|message| signal(message, read))
            .map(|outcome| (Cause::Signal(seq), outcome)),
        (Next::Child(seq), Begin::Child(read)) => message(run, seq)
            .and_then(|message| child_end(message, read))
            .map(|outcome| (Cause::Child(seq), outcome)),
        (
            Next::Start | Next::Step | Next::Timer | Next::Signal(_) | Next::Child(_) | Next::Rest(_),
            Begin::Start
            | Begin::Step(_)
            | Begin::Timer
            | Begin::Signal(_)
            | Begin::Child(_)
            | Begin::Spawn
            | Begin::Group(_)
            | Begin::Limited(_),
        ) => Err(contradiction(run)),
    };
    match performed {
        Ok((cause, outcome)) => resume(run, cause, frame, outcome),
        Err(reason) => Turn::Stuck(reason),
    }
}

/// Runs a step's body.
async fn step(
    run: &Run,
    task: Box<dyn StepTask>,
    resources: &Arc<Resources>,
    now: impl Fn() -> Timestamp,
) -> Result<(Cause, Outcome), ParkReason> {
    let Life::At { call, .. } = &run.life else { return Err(contradiction(run)) };
    let name = task.name();
    let context =
        StepContext::new(run.identity.id.as_str().into(), name, call.attempt, call.key.as_str().into());
    let started = now();
    // The body may panic when it is made as well as when it is polled.
    let body = async { resources.run(task, context).await };
    match AssertUnwindSafe(body).catch_unwind().await {
        Ok(outcome) => Ok((Cause::Step(StepRun { started, ended: now() }), outcome)),
        Err(panic) => Err(ParkReason::StepPanicked { step: name.to_owned(), message: words(&*panic) }),
    }
}

/// Runs the workflow's code from the outcome of a call.
fn resume(run: &Run, cause: Cause, frame: Box<dyn AnyFrame>, outcome: Outcome) -> Turn {
    match catch_unwind(AssertUnwindSafe(|| frame.resume(outcome, &mut Undos::default()))) {
        Ok(AnyTransition::Suspend(machine, changes)) => Turn::To { cause, machine, changes },
        Ok(AnyTransition::Done { output, failed }) => Turn::Done { cause, output, failed },
        Ok(AnyTransition::Branch(_)) => Turn::Stuck(contradiction(run)),
        Ok(AnyTransition::Unreadable(error)) => Turn::Stuck(unreadable(&error)),
        Err(panic) => {
            let state = run.state().to_owned();
            Turn::Stuck(ParkReason::WorkflowPanicked { state, message: words(&*panic) })
        }
    }
}

/// The message at this place.
fn message(run: &Run, seq: Seq) -> Result<&Received, ParkReason> {
    run.inbox.iter().find(|message| message.seq == seq).ok_or_else(|| contradiction(run))
}

/// Reads a signal.
fn signal(message: &Received, read: ReadOutcome) -> Result<Outcome, ParkReason> {
    let body: &RawValue = serde_json::from_slice(&message.body).map_err(not_json)?;
    read(body).map_err(|error| unreadable(&error))
}

/// Reads what a child returned.
fn child_end(message: &Received, read: ReadOutcome) -> Result<Outcome, ParkReason> {
    let end: ChildEnd = serde_json::from_slice(&message.body).map_err(not_json)?;
    read(&end.output).map_err(|error| unreadable(&error))
}

/// A message whose body is not what its kind says.
fn not_json(cause: serde_json::Error) -> ParkReason {
    unreadable(&LoadError::envelope(cause))
}

/// Something stored that today's code can't read.
pub(crate) fn unreadable(error: &LoadError) -> ParkReason {
    ParkReason::Unreadable { message: error.to_string() }
}

/// A state whose call is of another kind than the envelope says.
fn contradiction(run: &Run) -> ParkReason {
    let state = run.state();
    ParkReason::Unreadable {
        message: format!("the call of the state `{state}` is of another kind than the run's envelope says"),
    }
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "something that is not text".to_owned())
}
