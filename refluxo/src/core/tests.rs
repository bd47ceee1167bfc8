//! States and events in, states and plans out.

use bytes::Bytes;

use super::{
    Calls, Cause, Event, Life, Move, Next, Origin, Plan, Ready, Run, StepRun, Task, To, birth, signal_kind,
};
use crate::{
    engine::AnyMachine,
    machine::{Changes, Description, Graph, Machine, Outcome, Transition, Undos},
    snapshot::{Call, LoadError, Parent, ParkReason, Path, StateReader, StateWriter, WaitingFor},
    store::{Effect, PartOp, Received, Revision, RunId, Seq, Start, Status, Then, Uid},
    suspend::{Begin, Deadline, Pending},
    time::Timestamp,
};

/// A machine that waits for whatever a test says.
struct Waits {
    at: &'static str,
    pending: fn() -> Pending<'static>,
    /// A field that stays the same from state to state.
    large: String,
}

impl Machine for Waits {
    type Output = ();
    type Frame = ();
    const NAME: &'static str = "waits";
    const VERSION: u32 = 3;
    const GRAPH: &'static Graph = &Graph { states: &[] };

    fn at(&self) -> &'static str {
        self.at
    }

    fn pending(&self) -> Pending<'_> {
        (self.pending)()
    }

    fn begin(self) -> (Begin, ()) {
        (Begin::Start, ())
    }

    fn resume((): (), _: Outcome, _: &mut Undos) -> Transition<Self, ()> {
        Transition::Done(())
    }

    fn encode(&self, writer: &mut StateWriter<'_>) {
        writer.stable_field(0, "large", &self.large);
    }

    fn decode(at: &str, _: StateReader<'_>) -> Result<Self, LoadError> {
        Err(LoadError::UnknownState { workflow: Self::NAME, state: at.to_owned() })
    }

    fn describe(_: &mut Description) {}
}

const NOW: Timestamp = Timestamp::from_micros(1_000_000);

fn waits(at: &'static str, pending: fn() -> Pending<'static>) -> Waits {
    Waits { at, pending, large: String::new() }
}

fn step() -> Pending<'static> {
    Pending::Step { name: "charge" }
}

fn hello() -> Pending<'static> {
    Pending::Signal { name: "Hello" }
}

fn minute() -> Pending<'static> {
    Pending::Timer(Deadline::After(std::time::Duration::from_mins(1)))
}

/// A run that was just created.
fn newborn() -> Run {
    let id = RunId::new("order-42").expect("an id");
    let origin = Origin { id: id.clone(), uid: Uid::from_u128(7), root: id, parent: None };
    let (run, _) = birth(origin, &waits("Start", || Pending::Start), Start::Now).expect("it can be saved");
    run
}

/// The run at the state of a machine, by a cause.
fn arrive(run: Run, cause: Cause, machine: &dyn AnyMachine) -> (Run, Plan) {
    let to = To::Suspended { machine, changes: &Changes::none() };
    moved(run, cause, to).expect("the cause fits the call")
}

/// The run, by an outcome of the call that its function is at.
fn moved(run: Run, cause: Cause, to: To<'_>) -> Result<(Run, Plan), super::Impossible> {
    let moves = vec![Move { path: Path::ROOT, leaf: Path::ROOT, cause, to }];
    run.apply(Event::Moved { moves, pushed: Vec::new() }, NOW)
}

/// What is to be done about the call that a run's function is at.
fn act(ready: Ready, at: Timestamp) -> Next {
    Next::Act(vec![Task::Call { path: Path::ROOT, ready, at }])
}

/// The call that a run's function is at.
fn call(run: &Run) -> &Call {
    match &run.life {
        Life::At { calls: Calls { root, .. }, .. } => root,
        Life::Ending { .. } | Life::Ended { .. } => panic!("it is at a call"),
    }
}

fn stuck(reason: ParkReason) -> Event<'static> {
    Event::Stuck { path: Path::ROOT, reason }
}

/// A run at a state that waits for something.
fn at(pending: fn() -> Pending<'static>) -> Run {
    arrive(newborn(), Cause::Started, &waits("Waiting", pending)).0
}

fn message(seq: u64, kind: String) -> Received {
    Received { seq: Seq(seq), key: None, kind, body: Bytes::from_static(b"null"), at: NOW }
}

const STEPPED: Cause = Cause::Step(StepRun { started: NOW, ended: NOW });

#[test]
fn a_run_that_comes_to_a_step_goes_on() {
    let (run, plan) = arrive(newborn(), Cause::Started, &waits("Charge", step));
    assert_eq!((plan.then, plan.head.status, plan.head.at.as_str()), (Then::Go, Status::Ready, "Charge"));
    assert_eq!((run.revision, run.version, run.next(NOW)), (Revision(1), 3, act(Ready::Step, NOW)));
    assert!(plan.effects.is_empty() && plan.consume.is_empty() && plan.state.is_some());
}

#[test]
fn a_timer_ends_so_long_after_it_was_entered() {
    let (run, plan) = arrive(newborn(), Cause::Started, &waits("Sleep", minute));
    let until = NOW.saturating_add(std::time::Duration::from_mins(1));
    assert_eq!((plan.then, plan.head.status), (Then::Rest { due: Some(until) }, Status::Waiting));
    assert_eq!(run.next(NOW), Next::Rest(Some(until)));
    assert_eq!(run.next(until), act(Ready::Timer, until));
}

#[test]
fn a_signal_that_is_there_already_is_taken_without_a_rest() {
    let mut run = at(step);
    run.inbox = vec![
        message(1, signal_kind("Other")),
        message(2, signal_kind("Hello")),
        message(3, signal_kind("Hello")),
    ];
    let (run, plan) = arrive(run, STEPPED, &waits("Hello", hello));
    assert_eq!((plan.then, run.next(NOW)), (Then::Go, act(Ready::Signal(Seq(2)), NOW)));
    let (run, plan) = arrive(run, Cause::Signal(Seq(2)), &waits("Hello", hello));
    assert_eq!((plan.consume, run.next(NOW)), (vec![Seq(2)], act(Ready::Signal(Seq(3)), NOW)));
    assert_eq!(run.inbox.len(), 2);
}

#[test]
fn a_key_belongs_to_one_call_of_one_life() {
    let key = |run: &Run| call(run).key.clone();
    let first = at(step);
    let (second, _) = arrive(first.clone(), STEPPED, &waits("Charge", step));
    assert_eq!(key(&first), key(&at(step)), "the same call has the same key");
    assert_ne!(key(&first), key(&second));
    assert_eq!(key(&first).len(), 32);
    let (looked, _) = first.clone().apply(Event::Looked, NOW).expect("messages may be looked at");
    assert_eq!(key(&first), key(&looked), "the key stays while the call does");
}

#[test]
fn a_child_is_started_with_the_commit_that_waits_for_it() {
    static CHILD: Waits = Waits { at: "Start", pending: || Pending::Start, large: String::new() };
    let (run, plan) = arrive(newborn(), Cause::Started, &waits("Ship", || Pending::Child(&CHILD)));
    let [Effect::Start(child)] = &plan.effects[..] else { panic!("it starts a child") };
    assert_eq!(plan.then, Then::Rest { due: None });
    assert!(child.id.as_str().starts_with("order-42/waits-"), "{}", child.id);
    assert_eq!((child.parent.as_ref(), &child.root), (Some(&run.identity.id), &run.identity.id));
    assert_eq!(call(&run).waiting_for, WaitingFor::Child { id: child.id.clone() });
}

#[test]
fn the_end_of_a_child_is_told_to_its_parent() {
    let parent = Parent { id: RunId::new("parent").expect("an id"), uid: Uid::from_u128(1) };
    let id = RunId::new("child").expect("an id");
    let origin = Origin { id, uid: Uid::from_u128(2), root: parent.id.clone(), parent: Some(parent) };
    let (run, _) = birth(origin, &waits("Start", || Pending::Start), Start::Now).expect("it can be saved");
    let returned = To::Returned { output: &7_u8, failed: true };
    let (run, plan) = moved(run, Cause::Started, returned).expect("it may return");
    assert_eq!((plan.then, plan.head.status), (Then::End, Status::Failed));
    assert!(plan.state.is_none(), "the state of a failed run stays");
    assert!(
        matches!(&plan.parts[..], [PartOp::Put(part)] if part.name == "r:output" && &part.body[..] == b"7")
    );
    let [Effect::Deliver(message)] = &plan.effects[..] else { panic!("it tells its parent") };
    assert_eq!((message.to.as_str(), message.uid), ("parent", Some(Uid::from_u128(1))));
    assert_eq!(message.kind, "child:child");
    assert_eq!(&message.body[..], br#"{"failed":true,"output":7}"#);
    assert!(matches!(run.life, Life::Ended { status: Status::Failed, .. }));
}

#[test]
fn a_large_field_is_written_once_and_removed_at_the_end() {
    let large = || Waits { large: "x".repeat(5_000), ..waits("Charge", step) };
    let (run, plan) = arrive(newborn(), Cause::Started, &large());
    assert!(matches!(&plan.parts[..], [PartOp::Put(part)] if part.name == "large"));
    let (run, plan) = arrive(run, STEPPED, &large());
    assert!(plan.parts.is_empty() && plan.state.is_some_and(|state| &state[..] == b"{}"));
    let (_, plan) = run.clone().apply(stuck(ParkReason::Poisoned { claims: 6 }), NOW).expect("it may");
    assert!(plan.parts.is_empty() && plan.state.is_none());
    let (_, plan) = moved(run, STEPPED, To::Returned { output: &(), failed: false }).expect("it may return");
    assert!(matches!(&plan.parts[..], [PartOp::Delete { name }] if name == "large"));
}

#[test]
fn what_can_not_happen_is_an_error_that_names_both() {
    let machine = waits("Charge", step);
    let to = To::Suspended { machine: &machine, changes: &Changes::none() };
    let error = moved(at(hello), Cause::Timer, to).expect_err("it waits for a signal").to_string();
    assert!(error.contains("order-42 is at the state `Waiting` (Signal { name: \"Hello\" })"), "{error}");
    assert!(error.contains("and yet a time came"), "{error}");
}

#[test]
fn messages_leave_a_parked_run_parked() {
    let (run, _) = at(step).apply(stuck(ParkReason::Poisoned { claims: 6 }), NOW).expect("it may");
    let (run, plan) = run.apply(Event::Looked, NOW).expect("it may be looked at");
    assert_eq!((plan.head.status, plan.then), (Status::Parked, Then::Rest { due: None }));
    assert!(run.parked.is_some() && plan.entries.is_empty());
}
