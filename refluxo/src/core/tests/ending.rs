//! Undoing what a run did.

use super::{
    shape::{Waits, child, group, sleep, start, step},
    *,
};
use crate::{
    core::{Again, End, Stage},
    store::{Status, Then},
    suspend::Rule,
};

/// A run that failed, and pushed these calls before.
fn failed(names: &[&'static str]) -> (Run, Plan) {
    moved(pushed(&step(), names), STEPPED, To::Returned { output: &7_u8, failed: true }).expect("it may fail")
}

/// The run after the call at the top was made.
fn undone(run: Run) -> (Run, Plan) {
    assert_eq!(run.next(NOW), Next::Act(vec![Task::Undo { ready: Ready::Step, at: NOW }]));
    run.apply(Event::Undone(STEPPED), NOW).expect("it undoes something")
}

fn undo_call(run: &Run) -> &Call {
    match &run.life {
        Life::Ending { stage: Stage::Undo { call }, .. } => call,
        other => panic!("it undoes nothing: {other:?}"),
    }
}

fn undo_failed() -> ParkReason {
    ParkReason::UndoFailed { undo: "release".to_owned(), message: "no".to_owned() }
}

#[test]
fn what_is_pushed_is_kept_with_the_transition_that_pushed_it() {
    let (one, two) = (Local::new(1_u8), Local::new(2_u8));
    let machine = step();
    let moves = vec![one_move("", "", Cause::Started, to(&machine))];
    let event = Event::Moved { moves, pushed: vec![pushing("release", &one), pushing("refund", &two)] };
    let (run, plan) = newborn().apply(event, NOW).expect("it can be saved");
    let [crate::store::PartOp::Put(first), crate::store::PartOp::Put(second)] = &plan.parts[..] else {
        panic!("two parts are written")
    };
    assert_eq!((first.name.as_str(), &first.body[..]), ("u:0", &br#"{"release":1}"#[..]));
    assert_eq!((second.name.as_str(), &second.body[..]), ("u:1", &br#"{"refund":2}"#[..]));
    assert_eq!(run.undo, ["release", "refund"]);
}

#[test]
fn a_run_that_fails_undoes_the_last_first_and_then_has_failed() {
    let (run, plan) = failed(&["release", "refund"]);
    assert_eq!(
        (plan.head.status, plan.then, parts(&plan)),
        (Status::Ready, Then::Go, vec!["+r:output".into()])
    );
    assert_eq!(undo_call(&run).branch, "u:1");
    let first = undo_call(&run).key.clone();
    let (run, plan) = undone(run);
    assert_eq!((parts(&plan), plan.then), (vec!["-u:1".to_owned()], Then::Go));
    assert_ne!(undo_call(&run).key, first);
    let (run, plan) = undone(run);
    assert_eq!(
        (parts(&plan), plan.then, plan.head.status),
        (vec!["-u:0".to_owned()], Then::End, Status::Failed)
    );
    assert!(matches!(run.life, Life::Ended { status: Status::Failed, .. }));
}

#[test]
fn what_is_pushed_in_the_turn_that_fails_is_undone_too() {
    let call = Local::new(7_u8);
    let moves = vec![one_move("", "", STEPPED, To::Returned { output: &7_u8, failed: true })];
    let event = Event::Moved { moves, pushed: vec![pushing("refund", &call)] };
    let (run, plan) = pushed(&step(), &["release"]).apply(event, NOW).expect("it may fail");
    assert_eq!(parts(&plan), ["+r:output", "+u:1"]);
    assert_eq!(undo_call(&run).branch, "u:1");
}

#[test]
fn a_run_that_completes_undoes_nothing_and_keeps_nothing() {
    let output = To::Returned { output: &7_u8, failed: false };
    let (run, plan) = moved(pushed(&step(), &["release"]), STEPPED, output).expect("it may return");
    assert_eq!((parts(&plan), plan.then), (vec!["-u:0".to_owned()], Then::End));
    assert!(run.undo.is_empty() && run.reserved.is_empty());
}

#[test]
fn what_a_loser_pushed_stays() {
    let run = at(&group(Rule::Any, [start(), sleep(60)]));
    let (call, machine) = (Local::new(7_u8), step());
    let moves = vec![one_move("0", "0", Cause::Started, to(&machine))];
    let (run, _) =
        run.apply(Event::Moved { moves, pushed: vec![pushing("release", &call)] }, NOW).expect("it may");
    let moves = vec![one_move("", "1", Cause::Timer, to(&machine))];
    let (run, _) = run.apply(super::moves(moves), later(60)).expect("it may");
    assert_eq!(run.undo, ["release"]);
}

#[test]
fn an_undo_call_is_tried_again_under_its_key() {
    let (run, _) = failed(&["release"]);
    let key = undo_call(&run).key.clone();
    let Cause::Step(times) = STEPPED else { panic!("a step") };
    let again = Event::UndoAgain { run: times, words: None, again: Again { due: later(60), began: NOW } };
    let (run, plan) = run.apply(again, NOW).expect("it may fail");
    assert_eq!((plan.then, undo_call(&run).attempt), (Then::Rest { due: Some(later(60)) }, 2));
    assert_eq!(undo_call(&run).key, key);
    assert_eq!(run.next(later(60)), Next::Act(vec![Task::Undo { ready: Ready::Step, at: later(60) }]));
}

#[test]
fn an_undo_call_that_can_not_be_made_parks_and_a_retry_makes_it_again() {
    let (run, plan) = stuck_at(failed(&["release"]).0, "", undo_failed());
    assert_eq!((plan.head.status, plan.then), (Status::Parked, Then::Rest { due: None }));
    let key = undo_call(&run).key.clone();
    let (run, _) = told(run, "retry");
    assert_eq!((undo_call(&run).attempt, &undo_call(&run).key), (2, &key));
    assert_eq!(undo_call(&run).retry.as_ref().map(|retry| retry.forgiven), Some(1));
    assert!(matches!(undone(run).0.life, Life::Ended { .. }));
}

#[test]
fn an_abort_gives_up_what_can_not_be_undone() {
    for (run, status) in [
        (failed(&["release", "refund"]).0, Status::Failed),
        (told(pushed(&step(), &["release", "refund"]), "cancel").0, Status::Cancelled),
    ] {
        let (run, plan) = told(run, "abort");
        assert_eq!(entries(&plan)[0]["heeded"], false, "it undoes as well as it can");
        let (run, _) = stuck_at(run, "", undo_failed());
        let (run, plan) = told(run, "abort");
        assert_eq!((plan.head.status, plan.then), (status, Then::End));
        assert!(parts(&plan).is_empty(), "what is left stays to be seen");
        assert_eq!(run.undo.len(), 2);
    }
}

#[test]
fn a_cancel_does_not_change_how_a_run_ends() {
    let (run, plan) = told(failed(&["release"]).0, "cancel");
    assert_eq!((&entries(&plan)[0]["heeded"], plan.head.status), (&false.into(), Status::Ready));
    assert!(matches!(run.life, Life::Ending { end: End::Failed { .. }, .. }));
}

#[test]
fn undoing_can_be_paused() {
    let (mut run, _) = failed(&["release", "refund"]);
    run.set_out(Path::ROOT);
    let (run, plan) = told(run, "pause");
    assert_eq!(plan.then, Then::Go, "the call in flight ends");
    let (run, plan) = run.apply(Event::Undone(STEPPED), NOW).expect("it undoes something");
    assert_eq!((plan.then, plan.head.status), (Then::Rest { due: None }, Status::Paused));
    let (run, _) = told(run, "resume");
    undone(run);
}

#[test]
fn a_child_may_undo() {
    let (run, _) = failed(&["ship_back"]);
    let machine = Waits::Child(Box::new(start())).at("");
    assert!(run.undo_must_enter(&machine));
    let (run, plan) = run.apply(Event::UndoEntered(&machine), NOW).expect("it may");
    let [first] = &started(&plan)[..] else { panic!("it starts a child") };
    assert_eq!(plan.then, Then::Rest { due: None });
    assert!(!run.undo_must_enter(&machine));
    let run = with(run, &format!("child:{}", first.id), NOW);
    assert_eq!(run.next(NOW), Next::Act(vec![Task::Undo { ready: Ready::Child(Seq(1)), at: NOW }]));
    let (failed, _) = stuck_at(run.clone(), "", undo_failed());
    let (failed, _) = told(failed, "retry");
    assert!(failed.undo_must_enter(&machine));
    let (_, plan) = failed.apply(Event::UndoEntered(&machine), NOW).expect("it may");
    assert!(started(&plan)[0].id != first.id, "another attempt is another child");
    let (run, plan) = run.apply(Event::Undone(Cause::Child(Seq(1))), NOW).expect("it undoes something");
    assert_eq!((plan.consume, plan.then), (vec![Seq(1)], Then::End));
    assert!(run.inbox.is_empty());
}

#[test]
fn an_undo_call_with_a_limit_is_entered_once() {
    let (run, _) = failed(&["release"]);
    let machine = step().limited(60);
    assert!(run.undo_must_enter(&machine) && !run.undo_must_enter(&step()));
    let (run, plan) = run.apply(Event::UndoEntered(&machine), NOW).expect("it may");
    assert_eq!(plan.then, Then::Go);
    assert!(!run.undo_must_enter(&machine));
    assert_eq!(run.next(later(60)), Next::Act(vec![Task::Undo { ready: Ready::Elapsed, at: later(60) }]));
}

#[test]
fn branches_can_not_undo() {
    let (run, _) = failed(&["release"]);
    let machine = group(Rule::All, [step()]);
    let (run, _) = run.apply(Event::UndoEntered(&machine), NOW).expect("it may");
    assert!(matches!(run.parked, Some(ParkReason::UndoUnreadable { .. })), "{:?}", run.parked);
}

#[test]
fn a_failed_child_tells_its_parent_when_it_has_undone_what_it_did() {
    let call = Local::new(7_u8);
    let moves = vec![one_move("", "", Cause::Started, To::Returned { output: &7_u8, failed: true })];
    let event = Event::Moved { moves, pushed: vec![pushing("release", &call)] };
    let (run, plan) = newborn_child().apply(event, NOW).expect("it may fail");
    assert!(plan.effects.is_empty());
    let (_, plan) = undone(run);
    let [crate::store::Effect::Deliver(end)] = &plan.effects[..] else { panic!("it tells its parent") };
    assert_eq!(&end.body[..], br#"{"failed":true,"output":7}"#);
}

#[test]
fn the_children_of_a_failing_group_are_cancelled_and_not_waited_for() {
    let run = pushed(&group(Rule::Try, [child(), step()]), &["release"]);
    let output = To::Returned { output: &7_u8, failed: true };
    let (run, plan) = run.apply(super::moves(vec![one_move("", "1", STEPPED, output)]), NOW).expect("it may");
    assert_eq!(letters(&plan), ["verb:cancel"]);
    undone(run);
}
