//! What operators want of runs at every kind of await, cell by cell.

use super::{
    shape::{Shape, child, group, join, signal, sleep, spawn, step},
    store::Stored,
    *,
};
use crate::{
    core::{End, Stage, signal_kind},
    store::{Status, Then},
    suspend::Rule,
};

/// A run at each kind of await at which nothing is in flight, with one call to be undone.
fn resting() -> Vec<Run> {
    let machines = [
        step(),
        sleep(60),
        signal("Hello"),
        spawn(),
        join([step(), sleep(60)]),
        group(Rule::Try, [signal("Hello"), step()]),
        group(Rule::Any, [signal("Hello"), sleep(60)]),
    ];
    machines.iter().map(|machine| pushed(machine, &["release"])).collect()
}

/// A run with a step in flight.
fn in_flight(machine: &Shape, at: &str) -> Run {
    let mut run = pushed(machine, &["release"]);
    run.set_out(path(at));
    run
}

fn undoes(run: &Run) -> bool {
    matches!(run.life, Life::Ending { end: End::Cancelled, stage: Stage::Undo { .. }, .. })
}

#[test]
fn cancel_and_abort_undo_at_once_what_waits() {
    for run in resting() {
        for verb in ["cancel", "abort"] {
            let (run, plan) = told(run.clone(), verb);
            assert!(undoes(&run), "{verb} {run:?}");
            assert_eq!((plan.head.status, plan.then), (Status::Cancelling, Then::Go));
            assert_eq!(run.next(NOW), Next::Act(vec![Task::Undo { ready: Ready::Step, at: NOW }]));
            let entry = &entries(&plan)[0];
            assert_eq!((&entry["verb"], &entry["heeded"]), (&verb.into(), &true.into()));
        }
    }
}

#[test]
fn cancel_without_anything_to_undo_ends_the_run_and_tells_its_parent() {
    let (run, _) = moved(newborn_child(), Cause::Started, to(&sleep(60))).expect("it may");
    let (run, plan) = told(run, "cancel");
    assert!(matches!(run.life, Life::Ended { status: Status::Cancelled, .. }));
    assert_eq!((plan.then, plan.state.is_none()), (Then::End, true));
    let [crate::store::Effect::Deliver(end)] = &plan.effects[..] else { panic!("it tells its parent") };
    assert_eq!(&end.body[..], br#"{"failed":false,"cancelled":true,"output":null}"#);
}

#[test]
fn cancel_lets_steps_in_flight_end_and_begins_nothing_more() {
    let run = in_flight(&join([step(), step(), sleep(0)]), "0");
    let (run, plan) = told(run, "cancel");
    assert_eq!((plan.head.status, plan.then), (Status::Cancelling, Then::Go));
    assert_eq!((run.next(later(900)), plan.dropped.len()), (Next::Rest(None), 0));
    let (run, plan) = moved_at(run, "0", STEPPED, ended("7")).expect("it may end in its grace");
    assert_eq!((parts(&plan), plan.then), (vec!["+o:0".to_owned()], Then::Go));
    assert_eq!(run.next(NOW), Next::Act(vec![Task::EndNow]));
    let (run, plan) = run.apply(Event::Swept, NOW).expect("it is cancelled");
    assert!(undoes(&run));
    assert_eq!(parts(&plan), ["-b:2", "-o:0"]);
}

#[test]
fn what_a_cancelled_run_does_in_its_grace_is_kept_but_leads_to_no_new_call() {
    let (run, _) = told(in_flight(&step(), ""), "cancel");
    let call = Local::new(7_u8);
    let machine = child();
    let moves = vec![one_move("", "", STEPPED, to(&machine))];
    let event = Event::Moved { moves, pushed: vec![pushing("refund", &call)] };
    let (run, plan) = run.apply(event, NOW).expect("it may move");
    assert!(plan.effects.is_empty(), "the child is not started");
    assert_eq!((parts(&plan), run.next(NOW)), (vec!["+u:1".to_owned()], Next::Act(vec![Task::EndNow])));
    let (run, plan) = run.apply(Event::Swept, NOW).expect("it is cancelled");
    assert!(undoes(&run) && plan.effects.is_empty(), "nor is it told to end");
    assert!(entries(&plan).is_empty(), "nothing is unknown");
}

#[test]
fn a_run_that_returns_in_its_grace_has_returned() {
    for (failed, status) in [(false, Status::Completed), (true, Status::Ready)] {
        let (run, _) = told(in_flight(&step(), ""), "cancel");
        let output = To::Returned { output: &7_u8, failed };
        let (run, plan) = moved(run, STEPPED, output).expect("it may return");
        assert_eq!(plan.head.status, status);
        assert_eq!(matches!(run.life, Life::Ending { end: End::Failed { .. }, .. }), failed);
    }
}

#[test]
fn a_step_that_does_not_end_in_its_grace_is_unknown() {
    let (run, _) = told(in_flight(&join([step(), step()]), "0"), "cancel");
    let (_, plan) = run.apply(Event::Swept, NOW).expect("it is cancelled");
    assert_eq!(plan.dropped, [path("0")]);
    let unknown: Vec<_> = entries(&plan).into_iter().filter(|entry| entry["unknown"] == true).collect();
    assert_eq!(unknown.len(), 2, "of those that were not begun a new holder would not know that");
}

#[test]
fn an_attempt_that_fails_in_its_grace_was_the_last() {
    let (run, _) = told(in_flight(&step(), ""), "cancel");
    let again = To::Again(crate::core::Again { due: later(60), began: NOW });
    let (run, _) = moved(run, STEPPED, again).expect("it may fail");
    assert_eq!(run.next(NOW), Next::Act(vec![Task::EndNow]));
    let (_, plan) = run.apply(Event::Swept, NOW).expect("it is cancelled");
    assert!(entries(&plan).is_empty(), "its outcome is known");
}

#[test]
fn a_panic_in_its_grace_does_not_park_a_cancelled_run() {
    let (run, _) = told(in_flight(&step(), ""), "cancel");
    let (run, plan) = stuck_at(run, "", panicked());
    assert_eq!((run.parked.is_none(), plan.then), (true, Then::Go));
    assert_eq!(run.next(NOW), Next::Act(vec![Task::EndNow]));
}

#[test]
fn a_second_cancel_changes_nothing_and_an_abort_ends_the_grace() {
    let (run, _) = told(in_flight(&step(), ""), "cancel");
    let (run, plan) = told(run, "cancel");
    assert_eq!(entries(&plan)[0]["heeded"], false);
    let (run, plan) = told(run, "abort");
    assert_eq!((undoes(&run), plan.dropped), (true, vec![Path::ROOT]));
}

#[test]
fn abort_drops_steps_in_flight_whose_outcome_stays_unknown() {
    let (run, plan) = told(in_flight(&join([step(), step()]), "0"), "abort");
    assert_eq!((undoes(&run), plan.dropped.clone()), (true, vec![path("0")]));
    let entries = entries(&plan);
    assert_eq!((&entries[0]["unknown"], &entries[0]["branch"]), (&true.into(), &"0".into()));
    assert_eq!(entries.len(), 2, "the other one was not begun: {entries:?}");
}

#[test]
fn cancel_waits_for_children_and_abort_does_not() {
    for machine in [child(), join([step(), child()])] {
        let at = if machine.at == "Ship" { "" } else { "1" };
        let run = pushed(&machine, &["release"]);
        let awaited = super::child(&run, at);
        let (aborted, plan) = told(run.clone(), "abort");
        assert_eq!((letters(&plan), undoes(&aborted)), (vec!["verb:abort"], true));
        let (run, plan) = told(run, "cancel");
        assert_eq!((letters(&plan), plan.then), (vec!["verb:cancel"], Then::Rest { due: None }));
        assert!(matches!(run.life, Life::Ending { stage: Stage::Children(_), .. }));
        let run = with(run, &format!("child:{awaited}"), NOW);
        let Next::Act(tasks) = run.next(NOW) else { panic!("the child has ended") };
        let (run, plan) = match tasks[..] {
            [Task::Told(seq)] => run.apply(Event::Told(seq), NOW).expect("it is told"),
            _ => panic!("{tasks:?}"),
        };
        assert!(undoes(&run));
        assert_eq!(plan.consume.len(), 1);
    }
}

#[test]
fn abort_stops_the_wait_for_cancelled_children() {
    let (run, _) = told(pushed(&join([child(), child()]), &["release"]), "cancel");
    let (run, plan) = told(run, "abort");
    assert_eq!((letters(&plan), undoes(&run)), (vec!["verb:abort", "verb:abort"], true));
    assert_eq!(parts(&plan), ["-b:0", "-b:1"]);
}

#[test]
fn a_paused_run_rests_at_every_await_and_goes_on_where_it_stands() {
    for run in resting() {
        let before = run.next(later(900));
        let (run, plan) = told(run, "pause");
        assert_eq!((plan.head.status, plan.then), (Status::Paused, Then::Rest { due: None }));
        assert_eq!(run.next(later(900)), Next::Rest(None));
        let (run, plan) = told(run, "pause");
        assert_eq!(entries(&plan)[0]["heeded"], false);
        let (run, _) = told(run, "resume");
        assert_eq!((run.next(later(900)), run.paused), (before, false));
    }
}

#[test]
fn a_pause_lets_steps_in_flight_end_and_begins_no_new_one() {
    let (run, plan) = told(in_flight(&join([step(), step()]), "0"), "pause");
    assert_eq!((plan.then, plan.head.status), (Then::Go, Status::Paused));
    assert_eq!(run.next(NOW), Next::Rest(None));
    let again = To::Again(crate::core::Again { due: NOW, began: NOW });
    let (run, plan) = moved_at(run, "0", STEPPED, again).expect("it may fail");
    assert_eq!(plan.then, Then::Rest { due: None });
    let (run, _) = told(run, "resume");
    assert_eq!(run.next(NOW), Next::Act(vec![task("0", Ready::Step, NOW), task("1", Ready::Step, NOW)]));
}

#[test]
fn a_signal_that_came_in_a_pause_is_judged_by_when_it_came() {
    let (run, _) = told(at(&signal("Hello").limited(60)), "pause");
    let run = with(run, &signal_kind("Hello"), later(59));
    assert_eq!(run.next(later(90)), Next::Rest(None));
    let (run, _) = told(run, "resume");
    assert_eq!(run.next(later(90)), act(Ready::Signal(Seq(2)), later(59)));
}

#[test]
fn a_pause_is_lifted_by_a_cancel() {
    for verb in ["cancel", "abort"] {
        let (run, _) = told(pushed(&sleep(60), &["release"]), "pause");
        let (run, plan) = told(run, verb);
        assert_eq!((undoes(&run), run.paused, plan.head.status), (true, false, Status::Cancelling));
    }
}

#[test]
fn a_parked_run_goes_on_by_a_retry_and_keeps_a_pause() {
    for run in resting() {
        let before = run.next(later(900));
        let (run, _) = stuck(run);
        let (run, plan) = told(run, "pause");
        assert_eq!(plan.head.status, Status::Parked);
        let (run, plan) = told(run, "retry");
        assert_eq!(plan.head.status, Status::Paused);
        let (run, _) = told(run, "resume");
        assert_eq!(run.next(later(900)), before);
    }
}

#[test]
fn a_parked_run_can_be_cancelled_and_aborted() {
    for verb in ["cancel", "abort"] {
        let (run, _) = stuck(pushed(&step(), &["release"]));
        let (run, plan) = told(run, verb);
        assert_eq!((undoes(&run), run.parked, plan.then), (true, None, Then::Go));
    }
}

#[test]
fn a_run_that_was_parked_without_a_reason_can_be_retried() {
    let origin = Origin::of(id("order-42"), Uid::from_u128(7));
    let (_, mut new_run) = birth(origin, &start(), Start::Now).expect("it can be saved");
    new_run.head.status = Status::Parked;
    let run = Stored::new(new_run).read();
    assert!(matches!(run.parked, Some(ParkReason::Unreadable { .. })), "{:?}", run.parked);
    assert_eq!(run.next(NOW), Next::Rest(None));
    let (run, plan) = told(run, "retry");
    assert_eq!((&entries(&plan)[0]["heeded"], plan.head.status), (&true.into(), Status::Ready));
    assert_eq!(run.next(NOW), act(Ready::Start, NOW));
}

#[test]
fn a_join_that_is_parked_by_one_branch_goes_on_with_all_that_are_open() {
    let run = in_flight(&join([step(), step(), sleep(60)]), "1");
    let (run, _) = moved_at(run, "0", STEPPED, ended("7")).expect("it may end");
    let (run, plan) = stuck_at(run, "1", panicked());
    assert_eq!(parts(&plan), ["+b:1"]);
    let (run, _) = told(run, "retry");
    assert_eq!(run.next(NOW), Next::Act(vec![task("1", Ready::Step, NOW)]));
    assert_eq!((call(&run, "1").attempt, run.reserved.contains("o:0")), (2, true));
}

#[test]
fn steps_in_flight_are_given_up_when_a_branch_parks_the_run() {
    let mut run = in_flight(&join([step(), step()]), "0");
    run.set_out(path("1"));
    let (run, plan) =
        stuck_at(run, "0", ParkReason::WorkflowPanicked { state: "Group".into(), message: "no".into() });
    assert_eq!((plan.dropped, run.in_flight.len()), (vec![path("0"), path("1")], 0));
    assert_eq!(plan.then, Then::Rest { due: None });
}

#[test]
fn retry_and_resume_of_a_run_that_goes_on_change_nothing() {
    for run in resting() {
        for verb in ["retry", "resume"] {
            let before = run.next(NOW);
            let (run, plan) = told(run.clone(), verb);
            assert_eq!((run.next(NOW), &entries(&plan)[0]["heeded"]), (before, &false.into()));
        }
    }
}

#[test]
fn verbs_come_before_signals_and_in_their_order() {
    let run = with(at(&signal("Hello")), &signal_kind("Hello"), NOW);
    let run = with(with(run, "verb:pause", NOW), "verb:resume", NOW);
    let (run, _) = run.apply(Event::Told(Seq(2)), NOW).expect("it is told");
    assert_eq!(run.next(NOW), Next::Act(vec![Task::Told(Seq(3))]));
    let (run, _) = run.apply(Event::Told(Seq(3)), NOW).expect("it is told");
    assert_eq!(run.next(NOW), act(Ready::Signal(Seq(1)), NOW));
}

#[test]
fn the_history_says_who_wanted_it_and_why() {
    let mut run = with(at(&sleep(60)), "verb:pause", later(1));
    run.inbox[0].body = Bytes::from_static(br#"{"by":"ann","reason":"lunch"}"#);
    let (_, plan) = run.apply(Event::Told(Seq(1)), later(2)).expect("it is told");
    let entry = &entries(&plan)[0];
    assert_eq!(
        (&entry["by"], &entry["reason"], &entry["from"]),
        (&"ann".into(), &"lunch".into(), &"Sleep".into())
    );
}

#[test]
fn a_child_that_was_cancelled_parks_who_awaits_it_and_a_retry_starts_another() {
    let run = at(&join([child(), sleep(60)]));
    let first = super::child(&run, "0");
    let run = with(run, &format!("child:{first}"), NOW);
    let (run, plan) = stuck_at(run, "0", ParkReason::ChildCancelled { child: first.clone() });
    assert_eq!(plan.consume, [Seq(1)], "its end is used up");
    let key = call(&run, "0").key.clone();
    let (run, plan) = told(run, "retry");
    assert_eq!((plan.then, run.next(NOW)), (Then::Go, Next::Act(vec![Task::Enter(vec![path("0")])])));
    let machine = child();
    let (run, plan) = run.apply(Event::Entered(vec![(path("0"), &machine)]), NOW).expect("it may");
    let [second] = &started(&plan)[..] else { panic!("it starts another child") };
    assert!(second.id != first && second.id == super::child(&run, "0"));
    assert_eq!((call(&run, "0").attempt, &call(&run, "0").key), (2, &key));
    assert_eq!(run.next(NOW), Next::Rest(Some(later(60))));
}

#[test]
fn a_child_whose_id_was_taken_is_not_waited_for() {
    let run = pushed(&child(), &["release"]);
    let taken = super::child(&run, "");
    let (run, _) = stuck_at(run, "", ParkReason::ChildIdTaken { child: taken });
    let (run, plan) = told(run, "cancel");
    assert!(undoes(&run) && plan.effects.is_empty());
}
