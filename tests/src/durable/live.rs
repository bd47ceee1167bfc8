//! Runs in memory: the machine is driven by hand, with no engine around it, and its state is never decoded.
//!
//! Only what must be JSON is: a child's first state and its output.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use refluxo::{
    machine::{Machine, Outcome as Returned, Transition, Undos},
    suspend::{Begin, Deadline, Pending, Resources, StepContext, StepTask},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

use super::TRANSITIONS_MAX;
use crate::{
    clock,
    poll::poll_once,
    script,
    trace::{Outcome, record},
    types::Ledger,
};

/// Drives a child from its first state to its output.
type DriveChild = fn(Value) -> Result<Box<RawValue>, String>;

thread_local! {
    /// The workflows whose cases this thread has listed: those that may be awaited as children.
    static CHILDREN: RefCell<BTreeMap<&'static str, DriveChild>> = const { RefCell::new(BTreeMap::new()) };
}

/// Remembers a workflow, which may be a child of another one.
pub(super) fn remember<M: Machine + Serialize + DeserializeOwned>() {
    CHILDREN.with_borrow_mut(|children| children.insert(M::NAME, drive_child::<M>));
}

/// Runs a workflow to its end.
pub(super) fn run<M: Machine + Serialize>(first: M) -> Outcome {
    match catch_unwind(AssertUnwindSafe(|| drive(first))) {
        Ok(Ok(output)) => Outcome::returned(&output),
        Ok(Err(reason)) => Outcome::Stuck(reason),
        Err(_panic) => Outcome::Panicked,
    }
}

fn drive_child<M: Machine + Serialize + DeserializeOwned>(first: Value) -> Result<Box<RawValue>, String> {
    let first: M =
        serde_json::from_value(first).map_err(|error| format!("a child can't be read: {error}"))?;
    serde_json::value::to_raw_value(&drive(first)?)
        .map_err(|error| format!("a child's output can't be saved: {error}"))
}

fn drive<M: Machine + Serialize>(mut machine: M) -> Result<M::Output, String> {
    for _ in 0..TRANSITIONS_MAX {
        let awaited = Awaited::of(&machine)?;
        let (begin, frame) = machine.begin();
        match M::resume(frame, awaited.perform(begin)?, &mut Undos::default()) {
            Transition::Suspend(next, _changes) => machine = next,
            Transition::Done(output) => return Ok(output),
            Transition::Branch(_) => return Err("a branch ended outside of a join".to_owned()),
            Transition::Unreadable(error) => return Err(error.to_string()),
        }
    }
    Err(format!("no end after {TRANSITIONS_MAX} transitions"))
}

/// What a state waits for, noted before the state is taken apart.
enum Awaited {
    /// What `begin` tells by itself.
    Plain,
    Timer(Deadline),
    Signal(&'static str),
    Child {
        workflow: String,
        first: Value,
    },
}

impl Awaited {
    fn of<M: Machine + Serialize>(machine: &M) -> Result<Self, String> {
        Ok(match machine.pending() {
            Pending::Timer(deadline) => Self::Timer(deadline),
            Pending::Signal { name } => Self::Signal(name),
            Pending::Child(child) => {
                let mut parent = serde_json::to_value(machine).map_err(|error| error.to_string())?;
                Self::Child { workflow: child.workflow().to_owned(), first: parent["state"]["call"].take() }
            }
            _ => Self::Plain,
        })
    }

    /// Does what the state waits for, at once.
    fn perform(self, begin: Begin) -> Result<Returned, String> {
        match (self, begin) {
            (Self::Plain, Begin::Start) => Ok(Returned::new(())),
            (Self::Plain, Begin::Step(task)) => run_step(task),
            (Self::Timer(deadline), Begin::Timer) => {
                match deadline {
                    Deadline::After(duration) => clock::wait_for(duration),
                    Deadline::At(due) => clock::wait_until(due),
                }
                Ok(Returned::new(()))
            }
            (Self::Signal(name), Begin::Signal(read)) => {
                record("signal", name);
                let payload = script::next(name).ok_or("the script has no more signals")?;
                let payload = serde_json::value::to_raw_value(&payload).map_err(|error| error.to_string())?;
                read(&payload).map_err(|error| error.to_string())
            }
            (Self::Child { workflow, first }, Begin::Child(read)) => {
                let drive = CHILDREN
                    .with_borrow(|children| children.get(workflow.as_str()).copied())
                    .ok_or_else(|| format!("the child {workflow} has no case of its own"))?;
                read(&drive(first)?).map_err(|error| error.to_string())
            }
            _ => Err("the state begins something else than what it says to be pending".to_owned()),
        }
    }
}

/// Runs a step. None is ever pending.
fn run_step(task: Box<dyn StepTask>) -> Result<Returned, String> {
    let context = StepContext::new("run".into(), task.name(), 1, "key".into());
    let mut resources = Resources::default();
    resources.insert(Ledger);
    poll_once(task.run(context, Arc::new(resources))).ok_or_else(|| "a step is pending".to_owned())
}
