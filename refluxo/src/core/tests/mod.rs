//! States and events in, states and plans out.

mod ending;
mod entering;
mod groups;
mod kept;
mod leaves;
pub(super) mod many;
mod retries;
mod shape;
mod simulation;
mod store;
mod verbs;

use std::time::Duration;

use bytes::Bytes;

use self::shape::{Shape, start};
use super::{
    Calls, Cause, Event, Impossible, Life, Move, Next, Origin, Plan, Pushed, Ready, Run, StepRun, Task, To,
    birth,
};
use crate::{
    engine::AnyMachine,
    local::Local,
    machine::Changes,
    observer::AttemptOutcome,
    snapshot::{Call, Parent, ParkReason, Path, WaitingFor},
    store::{Lane, Received, RunId, Seq, Start, Uid},
    time::Timestamp,
};

const NOW: Timestamp = Timestamp::from_micros(1_000_000);

const STEPPED: Cause = Cause::Step(StepRun { started: NOW, ended: NOW, how: AttemptOutcome::Returned });

/// So many seconds after [`NOW`].
fn later(seconds: u64) -> Timestamp {
    NOW.saturating_add(Duration::from_secs(seconds))
}

fn path(text: &str) -> Path {
    text.parse().expect("a path")
}

fn id(name: &str) -> RunId {
    RunId::new(name).expect("an id")
}

/// A run that was just created.
fn newborn() -> Run {
    let origin = Origin::of(id("order-42"), Uid::from_u128(7));
    birth(origin, &start(), Start::Now).expect("it can be saved").0
}

/// As [`newborn`], awaited by another run.
fn newborn_child() -> Run {
    let parent = Parent { id: id("parent"), uid: Uid::from_u128(1) };
    let origin = Origin {
        id: id("child"),
        uid: Uid::from_u128(2),
        root: id("parent"),
        parent: Some(parent),
        tells: None,
        trace: None,
        lane: Lane::default(),
    };
    birth(origin, &start(), Start::Now).expect("it can be saved").0
}

/// The run, where an outcome of the call of its function led.
fn moved(run: Run, cause: Cause, to: To<'_>) -> Result<(Run, Plan), Impossible> {
    moved_at(run, "", cause, to)
}

/// The run, where an outcome of the call at a path led.
fn moved_at(run: Run, at: &str, cause: Cause, to: To<'_>) -> Result<(Run, Plan), Impossible> {
    run.apply(moves(vec![one_move(at, at, cause, to)]), NOW)
}

fn moves(moves: Vec<Move<'_>>) -> Event<'_> {
    Event::Moved { moves, pushed: Vec::new() }
}

fn one_move<'a>(path: &str, leaf: &str, cause: Cause, to: To<'a>) -> Move<'a> {
    Move { path: self::path(path), leaf: self::path(leaf), cause, to, words: None, attributes: &[] }
}

fn to(machine: &dyn AnyMachine) -> To<'_> {
    To::Suspended { machine, changes: ALL }
}

const ALL: &Changes = &Changes::all();

fn ended(output: &str) -> To<'_> {
    To::Ended { output: output.as_bytes(), failed: false, next: None }
}

/// The run at the state of a machine, by an outcome of the call of its function.
fn arrive(run: Run, cause: Cause, machine: &dyn AnyMachine) -> (Run, Plan) {
    moved(run, cause, to(machine)).expect("the cause fits the call")
}

/// A run at a state.
fn at(machine: &Shape) -> Run {
    arrive(newborn(), Cause::Started, machine).0
}

/// A run at a state, which has pushed calls of these names.
fn pushed(machine: &Shape, names: &[&'static str]) -> Run {
    let call = Local::new(7_u8);
    let moves = vec![one_move("", "", Cause::Started, to(machine))];
    let pushed = names.iter().map(|name| pushing(name, &call)).collect();
    newborn().apply(Event::Moved { moves, pushed }, NOW).expect("it can be saved").0
}

/// A call of this name, pushed by the first move.
fn pushing<'a>(name: &'static str, call: &'a Local) -> Pushed<'a> {
    Pushed { by: 0, name, call }
}

/// The run, with a message.
fn with(mut run: Run, kind: &str, at: Timestamp) -> Run {
    let seq = run.inbox.last().map_or(run.seen, |last| last.seq).next();
    run.inbox.push(message(seq.0, kind, at));
    run.seen = seq;
    run
}

fn message(seq: u64, kind: &str, at: Timestamp) -> Received {
    Received { seq: Seq(seq), key: None, kind: kind.to_owned(), body: Bytes::from_static(b"null"), at }
}

/// The run, after it has heeded a verb.
fn told(run: Run, verb: &str) -> (Run, Plan) {
    let run = with(run, &format!("verb:{verb}"), NOW);
    let Next::Act(tasks) = run.next(NOW) else { panic!("it is told") };
    let [Task::Told(seq)] = tasks[..] else { panic!("a verb comes before anything else") };
    let (run, plan) = run.apply(Event::Told(seq), NOW).expect("a run can be told");
    assert_eq!(plan.consume, [seq]);
    (run, plan)
}

/// The run, parked for a reason that has to do with a call.
fn stuck_at(run: Run, at: &str, reason: ParkReason) -> (Run, Plan) {
    run.apply(Event::Stuck { path: path(at), reason }, NOW).expect("it may get stuck")
}

fn stuck(run: Run) -> (Run, Plan) {
    stuck_at(run, "", ParkReason::Poisoned { claims: 6 })
}

fn panicked() -> ParkReason {
    ParkReason::StepPanicked { step: "charge".to_owned(), message: "no".to_owned() }
}

/// What is to be done about the call that a run's function is at.
fn act(ready: Ready, at: Timestamp) -> Next {
    Next::Act(vec![task("", ready, at)])
}

fn task(at: &str, ready: Ready, since: Timestamp) -> Task {
    Task::Call { path: path(at), ready, at: since }
}

/// The calls that a run is at.
fn calls(run: &Run) -> &Calls {
    match &run.life {
        Life::At { calls, .. } => calls,
        Life::Ending { .. } | Life::Ended { .. } => panic!("it is at a call"),
    }
}

/// The call at a path.
fn call<'a>(run: &'a Run, at: &str) -> &'a Call {
    calls(run).get(&path(at)).unwrap_or_else(|| panic!("there is no call at `{at}`"))
}

/// The id of the child that is awaited at a path.
fn child(run: &Run, at: &str) -> RunId {
    match &call(run, at).waiting_for {
        WaitingFor::Child { id } => id.clone(),
        other => panic!("no child is awaited but {other:?}"),
    }
}

/// The kinds of the messages that leave a run.
fn letters(plan: &Plan) -> Vec<&str> {
    let letters = plan.effects.iter().filter_map(|effect| match effect {
        crate::store::Effect::Deliver(message) => Some(message.kind.as_str()),
        crate::store::Effect::Start(_) => None,
    });
    letters.collect()
}

/// The runs that a plan starts.
fn started(plan: &Plan) -> Vec<&crate::store::NewRun> {
    let started = plan.effects.iter().filter_map(|effect| match effect {
        crate::store::Effect::Start(run) => Some(&**run),
        crate::store::Effect::Deliver(_) => None,
    });
    started.collect()
}

/// The changes of parts, `+` for one that is written.
fn parts(plan: &Plan) -> Vec<String> {
    let ops = plan.parts.iter().map(|op| match op {
        crate::store::PartOp::Put(part) => format!("+{}", part.name),
        crate::store::PartOp::Delete { name } => format!("-{name}"),
    });
    ops.collect()
}

/// The entries of a run's history.
fn entries(plan: &Plan) -> Vec<serde_json::Value> {
    plan.entries.iter().map(|entry| serde_json::from_slice(entry).expect("JSON")).collect()
}
