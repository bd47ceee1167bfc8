//! Runs at one call.

use super::{
    shape::{Shape, child, join, signal, sleep, spawn, step},
    *,
};
use crate::{
    core::signal_kind,
    store::{Effect, PartOp, Revision, Status, Then},
};

fn hello() -> Shape {
    signal("Hello")
}

#[test]
fn a_run_that_comes_to_a_step_goes_on() {
    let (run, plan) = arrive(newborn(), Cause::Started, &step());
    assert_eq!((plan.then, plan.head.status, plan.head.at.as_str()), (Then::Go, Status::Ready, "Charge"));
    assert_eq!((run.revision, run.version, run.next(NOW)), (Revision(1), 3, act(Ready::Step, NOW)));
    assert!(plan.effects.is_empty() && plan.consume.is_empty() && plan.state.is_some());
}

#[test]
fn a_timer_ends_so_long_after_it_was_entered() {
    let (run, plan) = arrive(newborn(), Cause::Started, &sleep(60));
    assert_eq!((plan.then, plan.head.status), (Then::Rest { due: Some(later(60)) }, Status::Waiting));
    assert_eq!(run.next(NOW), Next::Rest(Some(later(60))));
    assert_eq!(run.next(later(61)), act(Ready::Timer, later(60)));
}

#[test]
fn a_signal_that_is_there_already_is_taken_without_a_rest() {
    let run = with(with(at(&step()), &signal_kind("Other"), NOW), &signal_kind("Hello"), NOW);
    let run = with(run, &signal_kind("Hello"), NOW);
    let (run, plan) = arrive(run, STEPPED, &hello());
    assert_eq!((plan.then, run.next(NOW)), (Then::Go, act(Ready::Signal(Seq(2)), NOW)));
    let (run, plan) = arrive(run, Cause::Signal(Seq(2)), &hello());
    assert_eq!((plan.consume, run.next(NOW)), (vec![Seq(2)], act(Ready::Signal(Seq(3)), NOW)));
    assert_eq!(run.inbox.len(), 2);
}

#[test]
fn a_key_belongs_to_one_call_of_one_life() {
    let key = |run: &Run| call(run, "").key.clone();
    let first = at(&step());
    let (second, _) = arrive(first.clone(), STEPPED, &step());
    assert_eq!(key(&first), key(&at(&step())), "the same call has the same key");
    assert_ne!(key(&first), key(&second));
    assert_eq!(key(&first).len(), 32);
    let (looked, _) = first.clone().apply(Event::Looked, NOW).expect("messages may be looked at");
    assert_eq!(key(&first), key(&looked), "the key stays while the call does");
}

#[test]
fn a_child_is_started_with_the_commit_that_waits_for_it() {
    let (run, plan) = arrive(newborn(), Cause::Started, &child());
    let [Effect::Start(child)] = &plan.effects[..] else { panic!("it starts a child") };
    assert_eq!(plan.then, Then::Rest { due: None });
    assert!(child.id.as_str().starts_with("order-42/shape-"), "{}", child.id);
    assert_eq!((child.parent.as_ref(), &child.root), (Some(&run.identity.id), &run.identity.id));
    assert_eq!(call(&run, "").waiting_for, WaitingFor::Child { id: child.id.clone() });
}

#[test]
fn a_spawned_run_is_the_top_of_its_own_family_and_awaited_by_nobody() {
    let (run, plan) = arrive(newborn(), Cause::Started, &spawn());
    let [spawned] = &started(&plan)[..] else { panic!("it starts a run") };
    assert_eq!((&spawned.parent, &spawned.root), (&None, &spawned.id));
    assert_eq!((plan.then, run.next(NOW)), (Then::Go, act(Ready::Spawned, NOW)));
    let (_, plan) = arrive(run, Cause::Spawned, &step());
    assert!(plan.effects.is_empty(), "it is started once");
}

#[test]
fn the_end_of_a_child_is_told_to_its_parent() {
    let failed = To::Returned { output: &7_u8, failed: true };
    let (run, plan) = moved(newborn_child(), Cause::Started, failed).expect("it may return");
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
    let large = || Shape { large: "x".repeat(5_000), ..step() };
    let (run, plan) = arrive(newborn(), Cause::Started, &large());
    assert_eq!(parts(&plan), ["+large"]);
    let unchanged = To::Suspended { machine: &large(), changes: &Changes::none() };
    let (run, plan) = moved(run, STEPPED, unchanged).expect("it may");
    assert!(plan.parts.is_empty() && plan.state.is_some_and(|state| &state[..] == b"{}"));
    let (_, plan) = stuck(run.clone());
    assert!(plan.parts.is_empty() && plan.state.is_none());
    let (_, plan) = moved(run, STEPPED, To::Returned { output: &(), failed: false }).expect("it may return");
    assert_eq!(parts(&plan), ["-large"]);
}

#[test]
fn what_can_not_happen_is_an_error_that_names_both() {
    let error =
        moved(at(&hello()), Cause::Timer, to(&step())).expect_err("it waits for a signal").to_string();
    assert!(error.contains("order-42 is at the state `Hello` (Signal { name: \"Hello\" })"), "{error}");
    assert!(error.contains("and yet a time came"), "{error}");
}

#[test]
fn messages_leave_a_parked_run_parked() {
    let (run, _) = stuck(at(&step()));
    let (run, plan) = run.apply(Event::Looked, NOW).expect("it may be looked at");
    assert_eq!((plan.head.status, plan.then), (Status::Parked, Then::Rest { due: None }));
    assert!(run.parked.is_some() && plan.entries.is_empty());
}

#[test]
fn a_state_that_can_not_be_saved_parks_the_run_where_it_was() {
    let failed = To::Returned { output: &f64::NAN, failed: false };
    let (run, plan) = moved(at(&step()), STEPPED, failed).expect("it may return");
    assert!(matches!(run.parked, Some(ParkReason::Unsaved { .. })), "{:?}", run.parked);
    assert_eq!((plan.state, run.state()), (None, "Charge"));
}

#[test]
fn the_earlier_of_a_deadline_and_a_signal_counts_however_late_they_are_looked_at() {
    let (run, plan) = arrive(newborn(), Cause::Started, &hello().limited(60));
    assert_eq!(plan.then, Then::Rest { due: Some(later(60)) });
    let kind = signal_kind("Hello");
    let in_time = with(run.clone(), &kind, later(60));
    assert_eq!(in_time.next(later(90)), act(Ready::Signal(Seq(1)), later(60)));
    let late = with(run.clone(), &kind, later(61));
    assert_eq!(late.next(later(90)), act(Ready::Elapsed, later(60)));
    assert_eq!(run.next(later(59)), Next::Rest(Some(later(60))));
    let (_, plan) = arrive(late, Cause::Elapsed, &step());
    assert!(plan.consume.is_empty(), "the late signal is left for the next who awaits it");
    assert_eq!(entries(&plan)[0]["elapsed"], true);
}

#[test]
fn of_two_times_that_are_over_the_earlier_one_counts() {
    let run = at(&sleep(30).limited(60));
    assert_eq!(run.next(later(90)), act(Ready::Timer, later(30)));
    let run = at(&sleep(60).limited(30));
    assert_eq!(run.next(NOW), Next::Rest(Some(later(30))));
    assert_eq!(run.next(later(90)), act(Ready::Elapsed, later(30)));
}

#[test]
fn a_step_that_is_out_of_time_is_not_begun_and_one_in_flight_is_given_up() {
    let mut run = at(&step().limited(60));
    assert_eq!(run.next(later(59)), act(Ready::Step, later(59)));
    assert_eq!(run.next(later(60)), act(Ready::Elapsed, later(60)));
    run.set_out(Path::ROOT);
    assert_eq!(run.next(NOW), Next::Rest(Some(later(60))));
    let (run, plan) = arrive(run, Cause::Elapsed, &sleep(60));
    assert_eq!((plan.dropped, run.in_flight.len()), (vec![Path::ROOT], 0));
}

#[test]
fn a_child_that_took_too_long_is_cancelled_and_its_late_end_is_swept() {
    let run = at(&child().limited(60));
    let late = super::child(&run, "");
    let (run, plan) = arrive(run, Cause::Elapsed, &hello());
    assert_eq!(letters(&plan), ["verb:cancel"]);
    let run = with(run, &format!("child:{late}"), NOW);
    assert_eq!(run.next(NOW), Next::Rest(None));
    let (run, plan) = run.apply(Event::Looked, NOW).expect("messages may be looked at");
    assert_eq!((plan.consume, run.inbox.len()), (vec![Seq(1)], 0));
}

#[test]
fn a_run_stays_in_its_holders_hands_while_a_step_is_in_flight() {
    let mut run = at(&join([step(), sleep(60)]));
    run.set_out(path("0"));
    let (run, plan) = run.apply(Event::Looked, NOW).expect("it may be looked at");
    assert_eq!(plan.then, Then::Go);
    assert_eq!(run.next(NOW), Next::Rest(Some(later(60))));
}

#[test]
fn an_unknown_verb_is_swept() {
    let run = with(at(&sleep(60)), "verb:dance", NOW);
    assert_eq!(run.next(NOW), Next::Rest(Some(later(60))));
    let (_, plan) = run.apply(Event::Looked, NOW).expect("it may be looked at");
    assert_eq!(plan.consume, [Seq(1)]);
}

#[test]
fn a_newborn_waits_to_be_started() {
    assert_eq!(newborn().next(NOW), act(Ready::Start, NOW));
    assert_eq!(call(&newborn(), "").waiting_for, WaitingFor::Start);
}
