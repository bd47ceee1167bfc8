//! Runs at many calls.

use super::{
    shape::{child, group, join, join_all, signal, sleep, spawn, start, step},
    *,
};
use crate::{
    core::{Progress, after, signal_kind},
    snapshot::GroupCall,
    store::{Status, Then},
    suspend::Rule,
};

/// A group that a run is at.
fn group_at<'a>(run: &'a Run, at: &str) -> &'a GroupCall {
    calls(run).group(&path(at)).unwrap_or_else(|| panic!("there is no group at `{at}`"))
}

fn paths(run: &Run) -> Vec<String> {
    calls(run).iter().map(|(path, _)| path.to_string()).collect()
}

#[test]
fn branches_that_begin_with_steps_or_code_need_no_record() {
    let (run, plan) = arrive(newborn(), Cause::Started, &join([step(), start(), signal("Hello")]));
    assert_eq!(parts(&plan), ["+b:2"]);
    assert_eq!((plan.then, plan.head.status), (Then::Go, Status::Ready));
    assert_eq!(paths(&run), ["", "0", "1", "2"]);
    let ready = [task("0", Ready::Step, NOW), task("1", Ready::Start, NOW)];
    assert_eq!(run.next(NOW), Next::Act(ready.to_vec()));
}

#[test]
fn each_branch_has_a_key_of_its_own() {
    let run = at(&join([step(), step()]));
    let keys = ["", "0", "1"].map(|at| call(&run, at).key.clone());
    assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2], "{keys:?}");
}

#[test]
fn a_branch_that_ends_keeps_its_output_while_the_others_go_on() {
    let run = at(&join([step(), signal("Hello")]));
    let (run, plan) = moved_at(run, "0", STEPPED, ended("7")).expect("it may end");
    assert_eq!(parts(&plan), ["+o:0"]);
    assert_eq!((plan.state.is_none(), plan.then), (true, Then::Rest { due: None }));
    assert_eq!(paths(&run), ["", "1"]);
    let entry = &entries(&plan)[0];
    assert_eq!((&entry["branch"], &entry["branchEnd"]["failed"]), (&"0".into(), &false.into()));
}

#[test]
fn the_end_of_a_join_moves_the_function_and_removes_what_was_kept() {
    let run = at(&join([step(), signal("Hello")]));
    let (run, _) = moved_at(run, "0", STEPPED, ended("7")).expect("it may end");
    let run = with(run, &signal_kind("Hello"), NOW);
    assert_eq!(run.next(NOW), Next::Act(vec![task("1", Ready::Signal(Seq(1)), NOW)]));
    let machine = step();
    let last = one_move("", "1", Cause::Signal(Seq(1)), to(&machine));
    let (run, plan) = run.apply(moves(vec![last]), NOW).expect("the last branch has ended");
    assert_eq!(parts(&plan), ["-b:1", "-o:0"]);
    assert_eq!((paths(&run), run.state(), plan.consume), (vec![String::new()], "Charge", vec![Seq(1)]));
    assert!(plan.state.is_some());
}

#[test]
fn outcomes_that_come_together_go_into_one_commit_and_write_only_what_stays() {
    let run = at(&join([step(), step(), sleep(60)]));
    let both = vec![one_move("0", "0", STEPPED, ended("7")), one_move("1", "1", STEPPED, ended("8"))];
    let (_, plan) = run.clone().apply(moves(both), NOW).expect("both may end");
    assert_eq!(parts(&plan), ["+o:0", "+o:1"]);
    let machine = step();
    let all = vec![
        one_move("0", "0", STEPPED, ended("7")),
        one_move("1", "1", STEPPED, ended("8")),
        one_move("", "2", Cause::Timer, to(&machine)),
    ];
    let (_, plan) = run.apply(moves(all), NOW).expect("all may end");
    assert_eq!(parts(&plan), ["-b:2"], "outputs that nobody will read are not written");
    assert_eq!(plan.entries.len(), 3);
}

#[test]
fn an_outcome_that_can_not_be_saved_takes_none_of_those_before_it_along() {
    let mut run = at(&join([step(), step()]));
    run.set_out(path("0"));
    run.set_out(path("1"));
    let call = Local::new(7_u8);
    let returned = To::Returned { output: &f64::NAN, failed: false };
    let moves = vec![one_move("0", "0", STEPPED, ended("7")), one_move("", "1", STEPPED, returned)];
    let pushed = vec![pushing("release", &call), Pushed { by: 1, name: "refund", call: &call }];
    let (run, plan) = run.apply(Event::Moved { moves, pushed }, NOW).expect("the first one can be saved");
    assert_eq!((parts(&plan), plan.moved), (vec!["+o:0".to_owned(), "+u:0".to_owned()], 1));
    assert_eq!((&run.undo[..], run.parked.is_none(), plan.then), (&["release".into()][..], true, Then::Go));
    let (at, reason) = plan.stuck.expect("the second one is still to be told of");
    assert!(at == path("1") && matches!(reason, ParkReason::Unsaved { .. }), "{at} {reason}");
    let (run, plan) = run.apply(Event::Stuck { path: at, reason }, NOW).expect("it may");
    assert_eq!((plan.head.status, paths(&run)), (Status::Parked, vec![String::new(), "1".to_owned()]));
}

#[test]
fn a_block_that_moves_on_keeps_its_state_beside_that_of_the_function() {
    let run = at(&join([start(), step()]));
    let (run, plan) = moved_at(run, "0", Cause::Started, to(&signal("Hello"))).expect("it may move");
    assert_eq!(parts(&plan), ["+b:0", "+f:0"]);
    assert!(plan.state.is_none());
    assert_eq!(call(&run, "0").at.as_deref(), Some("Hello"));
    assert_eq!(call(&run, "0").entered, run.revision);
    let (run, plan) = moved_at(with(run, &signal_kind("Hello"), NOW), "0", Cause::Signal(Seq(1)), ended("1"))
        .expect("it may end");
    assert_eq!(parts(&plan), ["-b:0", "-f:0", "+o:0"]);
    assert_eq!(paths(&run), ["", "1"]);
}

#[test]
fn groups_stand_in_branches() {
    let inner = join([step(), step()]);
    let (run, plan) = arrive(newborn(), Cause::Started, &join([inner, sleep(60)]));
    assert_eq!(parts(&plan), ["+b:0", "+b:1"]);
    assert_eq!(paths(&run), ["", "0", "0.0", "0.1", "1"]);
    let (run, plan) = moved_at(run, "0.0", STEPPED, ended("7")).expect("it may end");
    assert_eq!(parts(&plan), ["+o:0.0"]);
    let last = one_move("0", "0.1", STEPPED, ended("[7,8]"));
    let (run, plan) = run.apply(moves(vec![last]), NOW).expect("the inner group is over");
    assert_eq!(parts(&plan), ["-b:0", "+o:0", "-o:0.0"]);
    assert_eq!(paths(&run), ["", "1"]);
}

#[test]
fn a_limit_starts_a_branch_when_another_one_ends() {
    let run = at(&join_all(2, vec![step(), step(), step(), signal("Hello")]));
    assert_eq!((paths(&run), group_at(&run, "").started), (vec![String::new(), "0".into(), "1".into()], 2));
    let (third, fourth) = (step(), signal("Hello"));
    let next = |number, machine| To::Ended { output: b"7", failed: false, next: Some((number, machine)) };
    let (run, plan) = moved_at(run, "1", STEPPED, next(2, &third)).expect("it may end");
    assert_eq!(parts(&plan), ["+o:1"], "a plain step needs no record");
    assert_eq!((paths(&run).len(), group_at(&run, "").started), (3, 3));
    let (run, plan) = moved_at(run, "0", STEPPED, next(3, &fourth)).expect("it may end");
    assert_eq!(parts(&plan), ["+b:3", "+o:0"]);
    assert_eq!(paths(&run), ["", "2", "3"]);
    assert_eq!(call(&run, "3").entered, run.revision, "it waits since it was started");
}

#[test]
fn a_limit_in_a_branch_is_counted_in_its_record() {
    let inner = join_all(1, vec![step(), step()]);
    let run = at(&join([inner, sleep(60)]));
    let second = step();
    let next = To::Ended { output: b"7", failed: false, next: Some((1, &second)) };
    let (run, plan) = moved_at(run, "0.0", STEPPED, next).expect("it may end");
    assert_eq!(parts(&plan), ["+b:0", "+o:0.0"]);
    assert_eq!(group_at(&run, "0").started, 2);
}

#[test]
fn the_losers_of_a_select_leave_nothing() {
    let mut run = at(&group(Rule::Any, [step(), child(), signal("Hello"), sleep(60)]));
    run.set_out(path("0"));
    let run = with(run, &signal_kind("Hello"), NOW);
    let loser = super::child(&run, "1");
    let winner = sleep(5);
    let won = one_move("", "3", Cause::Timer, to(&winner));
    let (run, plan) = run.apply(moves(vec![won]), later(60)).expect("the timer is over");
    assert_eq!(parts(&plan), ["-b:1", "-b:2", "-b:3"]);
    assert_eq!(letters(&plan), ["verb:cancel"]);
    assert_eq!(plan.dropped, [path("0")]);
    assert!(plan.consume.is_empty(), "a signal that lost is taken by the next who awaits it");
    let run = with(run, &format!("child:{loser}"), NOW);
    let (_, plan) = run.apply(Event::Looked, NOW).expect("it may be looked at");
    assert_eq!(plan.consume, [Seq(2)], "the end of a child that lost is swept");
}

#[test]
fn a_child_that_is_entered_and_lost_in_one_event_is_never_started() {
    let run = at(&group(Rule::Any, [start(), sleep(60)]));
    let (first, select) = (child(), group(Rule::Any, [child(), sleep(60)]));
    let both =
        vec![one_move("0", "0", Cause::Started, to(&first)), one_move("", "1", Cause::Timer, to(&select))];
    let (run, plan) = run.apply(moves(both), later(60)).expect("both may move");
    let [only] = &started(&plan)[..] else { panic!("one child is started: {:?}", plan.effects) };
    assert_eq!((&only.id, letters(&plan).len()), (&super::child(&run, "0"), 0));
}

#[test]
fn a_child_that_won_is_not_cancelled() {
    let run = at(&group(Rule::Any, [child(), child()]));
    let run = with(run.clone(), &format!("child:{}", super::child(&run, "1")), NOW);
    let machine = step();
    let won = one_move("", "1", Cause::Child(Seq(1)), to(&machine));
    let (_, plan) = run.clone().apply(moves(vec![won]), NOW).expect("a child has ended");
    let crate::store::Effect::Deliver(message) = &plan.effects[0] else { panic!("a message") };
    assert_eq!((plan.effects.len(), &message.to), (1, &super::child(&run, "0")));
}

#[test]
fn a_select_in_a_loop_has_new_keys_each_time() {
    let select = group(Rule::Any, [step(), sleep(60)]);
    let run = at(&select);
    let key = call(&run, "0").key.clone();
    let round = one_move("", "1", Cause::Timer, to(&select));
    let (run, _) = run.apply(moves(vec![round]), later(60)).expect("the timer is over");
    assert_ne!(call(&run, "0").key, key);
}

#[test]
fn of_branches_that_await_one_signal_the_oldest_takes_the_first() {
    let run = at(&join([start(), signal("Hello"), signal("Hello")]));
    let (run, _) = moved_at(run, "0", Cause::Started, to(&signal("Hello"))).expect("it may move");
    let hello = signal_kind("Hello");
    let run = with(with(run, &hello, NOW), &hello, later(1));
    let ready = [task("1", Ready::Signal(Seq(1)), NOW), task("2", Ready::Signal(Seq(2)), later(1))];
    assert_eq!(run.next(NOW), Next::Act(ready.to_vec()));
}

#[test]
fn a_signal_that_came_too_late_for_one_branch_goes_to_the_next() {
    let run = at(&join([signal("Hello").limited(10), signal("Hello")]));
    let run = with(run, &signal_kind("Hello"), later(20));
    let ready = [task("0", Ready::Elapsed, later(10)), task("1", Ready::Signal(Seq(1)), later(20))];
    assert_eq!(run.next(later(30)), Next::Act(ready.to_vec()));
}

#[test]
fn a_run_rests_until_the_first_of_its_branches_is_due() {
    let (run, plan) =
        arrive(newborn(), Cause::Started, &join([sleep(60), sleep(30), signal("Hello").limited(90)]));
    assert_eq!(plan.then, Then::Rest { due: Some(later(30)) });
    let ready = [task("0", Ready::Timer, later(60)), task("1", Ready::Timer, later(30))];
    assert_eq!(run.next(later(70)), Next::Act(ready.to_vec()));
}

#[test]
fn a_group_that_is_out_of_time_begins_nothing_more() {
    let run = at(&join([step(), start(), join([step(), sleep(5)])]).limited(60));
    let ready = [task("", Ready::Elapsed, later(60)), task("2.1", Ready::Timer, later(5))];
    assert_eq!(run.next(later(61)), Next::Act(ready.to_vec()));
    let machine = step();
    let (run, plan) = moved(run, Cause::Elapsed, to(&machine)).expect("its time is over");
    assert_eq!(parts(&plan), ["-b:2", "-b:2.1"]);
    assert_eq!(paths(&run), [""]);
}

#[test]
fn a_group_without_branches_is_over_at_once() {
    let (run, plan) = arrive(newborn(), Cause::Started, &join_all(4, vec![]));
    assert_eq!((plan.then, run.next(NOW)), (Then::Go, act(Ready::Empty, NOW)));
    assert!(moved(run, Cause::Empty, to(&step())).is_ok());
    assert!(moved(at(&join([step()])), Cause::Empty, to(&step())).is_err());
}

#[test]
fn a_run_that_is_spawned_in_a_branch_is_started_once() {
    let (run, plan) = arrive(newborn(), Cause::Started, &join([spawn(), step()]));
    assert_eq!(started(&plan).len(), 1);
    let (run, plan) = moved_at(run, "0", Cause::Spawned, ended("\"x\"")).expect("it was started");
    assert!(plan.effects.is_empty());
    assert_eq!(paths(&run), ["", "1"]);
}

#[test]
fn the_function_may_return_from_a_group() {
    let run = at(&group(Rule::Try, [step(), child()]));
    let output = To::Returned { output: &7_u8, failed: false };
    let (run, plan) = run.apply(moves(vec![one_move("", "0", STEPPED, output)]), NOW).expect("it may return");
    assert_eq!((parts(&plan), letters(&plan)), (vec!["-b:1".to_owned()], vec!["verb:cancel"]));
    assert!(matches!(run.life, Life::Ended { status: Status::Completed, .. }));
    assert_eq!(plan.head.status, Status::Completed);
}

#[test]
fn only_calls_that_are_there_have_outcomes() {
    let run = at(&join([step(), sleep(60)]));
    assert!(moved_at(run.clone(), "2", STEPPED, ended("7")).is_err());
    assert!(moved_at(run.clone(), "1", STEPPED, ended("7")).is_err());
    let twice = vec![one_move("0", "0", STEPPED, ended("7")), one_move("0", "0", STEPPED, ended("7"))];
    assert!(run.apply(moves(twice), NOW).is_err());
}

#[test]
fn a_group_says_what_its_branches_begin_with() {
    let names = |branches: Vec<shape::Shape>| group_at(&at(&join(branches)), "").first.clone();
    assert_eq!(names(vec![step(), step(), step()]), ["charge"]);
    assert_eq!(names(vec![step(), start(), sleep(1)]), ["charge", "", ""]);
    assert_eq!(names(vec![start(), start()]), [""; 0]);
    assert_eq!(names(vec![step().limited(1), step()]), ["", "charge"]);
}

#[test]
fn a_group_is_over_by_its_rule() {
    let open = |start| Progress::Open { start };
    let decided = Progress::Complete { by_branch: true };
    let complete = Progress::Complete { by_branch: false };
    let rule = |rule| GroupCall { rule, of: 4, limit: None, started: 4, began: NOW, first: Vec::new() };
    let [all, either, any] = [Rule::All, Rule::Try, Rule::Any].map(rule);
    for failed in [false, true] {
        assert_eq!(after(&all, 2, 1, failed), open(Some(2)));
        assert_eq!(after(&all, 4, 1, failed), open(None));
        assert_eq!(after(&all, 4, 0, failed), complete);
        assert_eq!(after(&any, 4, 3, failed), decided);
    }
    assert_eq!(after(&either, 2, 1, false), open(Some(2)));
    assert_eq!(after(&either, 4, 1, false), open(None));
    assert_eq!(after(&either, 4, 0, false), complete);
    assert_eq!(after(&either, 2, 1, true), decided);
    assert_eq!(after(&either, 4, 0, true), decided);
}
