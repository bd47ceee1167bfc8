//! States and events in, states and plans out.

use bytes::Bytes;

use super::{Arrived, Cause, Event, Life, Next, Origin, Plan, Returned, Run, StepRun, birth, signal_kind};
use crate::{
    engine::AnyMachine,
    machine::{Changes, Description, Graph, Machine, Outcome, Transition, Undos},
    snapshot::{LoadError, Parent, ParkReason, StateReader, StateWriter, WaitingFor},
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
    let arrived = Arrived { cause, machine, changes: &Changes::none() };
    run.apply(Event::Arrived(arrived), NOW).expect("the cause fits the call")
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
    assert_eq!((run.revision, run.version, run.next(NOW)), (Revision(1), 3, Next::Step));
    assert!(plan.effect.is_none() && plan.consume.is_none() && plan.state.is_some());
}

#[test]
fn a_timer_ends_so_long_after_it_was_entered() {
    let (run, plan) = arrive(newborn(), Cause::Started, &waits("Sleep", minute));
    let until = NOW.saturating_add(std::time::Duration::from_mins(1));
    assert_eq!((plan.then, plan.head.status), (Then::Rest { due: Some(until) }, Status::Waiting));
    assert_eq!(run.next(NOW), Next::Rest(Some(until)));
    assert_eq!(run.next(until), Next::Timer);
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
    assert_eq!((plan.then, run.next(NOW)), (Then::Go, Next::Signal(Seq(2))));
    let (run, plan) = arrive(run, Cause::Signal(Seq(2)), &waits("Hello", hello));
    assert_eq!((plan.consume, run.next(NOW)), (Some(Seq(2)), Next::Signal(Seq(3))));
    assert_eq!(run.inbox.len(), 2);
}

#[test]
fn a_key_belongs_to_one_call_of_one_life() {
    let key = |run: &Run| match &run.life {
        Life::At { call, .. } => call.key.clone(),
        Life::Parked { .. } | Life::Ended { .. } => panic!("it is at a call"),
    };
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
    let Some(Effect::Start(child)) = plan.effect else { panic!("it starts a child") };
    assert_eq!(plan.then, Then::Rest { due: None });
    assert!(child.id.as_str().starts_with("order-42/waits-"), "{}", child.id);
    assert_eq!((child.parent.as_ref(), &child.root), (Some(&run.identity.id), &run.identity.id));
    let Life::At { call, .. } = &run.life else { panic!("it waits") };
    assert_eq!(call.waiting_for, WaitingFor::Child { id: child.id });
}

#[test]
fn the_end_of_a_child_is_told_to_its_parent() {
    let parent = Parent { id: RunId::new("parent").expect("an id"), uid: Uid::from_u128(1) };
    let id = RunId::new("child").expect("an id");
    let origin = Origin { id, uid: Uid::from_u128(2), root: parent.id.clone(), parent: Some(parent) };
    let (run, _) = birth(origin, &waits("Start", || Pending::Start), Start::Now).expect("it can be saved");
    let returned = Returned { cause: Cause::Started, output: &7_u8, failed: true };
    let (run, plan) = run.apply(Event::Returned(returned), NOW).expect("it may return");
    assert_eq!((plan.then, plan.head.status), (Then::End, Status::Failed));
    assert_eq!(plan.state.as_deref(), Some(&b"7"[..]));
    let Some(Effect::Deliver(message)) = plan.effect else { panic!("it tells its parent") };
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
    let (_, plan) = run.clone().apply(Event::Stuck(ParkReason::Poisoned { claims: 6 }), NOW).expect("it may");
    assert!(plan.parts.is_empty() && plan.state.is_none());
    let returned = Returned { cause: STEPPED, output: &(), failed: false };
    let (_, plan) = run.apply(Event::Returned(returned), NOW).expect("it may return");
    assert!(matches!(&plan.parts[..], [PartOp::Delete { name }] if name == "large"));
}

#[test]
fn what_can_not_happen_is_an_error_that_names_both() {
    let machine = waits("Charge", step);
    let arrived = Arrived { cause: Cause::Timer, machine: &machine, changes: &Changes::none() };
    let error = at(hello).apply(Event::Arrived(arrived), NOW).expect_err("it waits for a signal").to_string();
    assert!(error.contains("order-42 is at the state `Waiting` (Signal { name: \"Hello\" })"), "{error}");
    assert!(error.contains("and yet a time came"), "{error}");
}

#[test]
fn messages_leave_a_parked_run_parked() {
    let (run, _) = at(step).apply(Event::Stuck(ParkReason::Poisoned { claims: 6 }), NOW).expect("it may");
    let (run, plan) = run.apply(Event::Looked, NOW).expect("it may be looked at");
    assert_eq!((plan.head.status, plan.then), (Status::Parked, Then::Rest { due: None }));
    assert!(matches!(run.life, Life::Parked { .. }) && plan.entry.is_none());
}
