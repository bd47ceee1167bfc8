//! The states that are kept of a run.

use super::{
    shape::{join, signal, step},
    store::Stored,
    *,
};
use crate::{
    core::{NoFork, VerbLetter, earlier, fork, kept_states},
    store::{PartOp, Revision, Status},
};

/// A run that keeps so many states, as it was created.
fn keeping(states: usize) -> (Run, Stored) {
    let origin = Origin::of(id("order-42"), Uid::from_u128(7));
    let (run, new_run) = birth(origin, &start(), Start::Now).expect("it can be saved");
    (run.keeping(states), Stored::new(new_run))
}

/// The run, after so many moves from a step to a step, each with its plan.
fn stepped(mut run: Run, stored: &mut Stored, moves: usize) -> (Run, Vec<Plan>) {
    let mut plans = Vec::new();
    let large = "x".repeat(5000);
    for number in 0..moves {
        let cause = if run.revision == Revision(0) { Cause::Started } else { STEPPED };
        let machine = super::shape::Shape { large: large.clone(), ..step() };
        let changes = if number == 0 { Changes::all() } else { Changes::none() };
        let (next, plan) =
            moved(run, cause, To::Suspended { machine: &machine, changes: &changes }).expect("it moves");
        stored.commit(&plan);
        stored.check(&next);
        (run, plans) = (next, plans.into_iter().chain([plan]).collect());
    }
    (run, plans)
}

fn revisions(stored: &Stored) -> Vec<u64> {
    kept_states(&stored.record()).expect("they can be read").into_keys().map(|revision| revision.0).collect()
}

#[test]
fn each_move_writes_one_state_and_removes_the_oldest() {
    let (run, mut stored) = keeping(3);
    let (_, plans) = stepped(run, &mut stored, 100);
    assert_eq!(revisions(&stored), [98, 99, 100]);
    for plan in &plans[3..] {
        let written = plan.parts.iter().map(|op| match op {
            PartOp::Put(part) => part.body.len(),
            PartOp::Delete { .. } => 0,
        });
        assert_eq!(parts(plan).len(), 2, "{:?}", parts(plan));
        assert!(written.sum::<usize>() < 5200, "a state is written whole, once");
    }
}

#[test]
fn nothing_is_kept_unless_that_is_asked_for() {
    let (run, mut stored) = keeping(0);
    let (_, plans) = stepped(run, &mut stored, 3);
    assert!(plans[1..].iter().all(|plan| plan.parts.is_empty()));
    assert_eq!(revisions(&stored), [0; 0]);
}

#[test]
fn a_holder_that_keeps_less_removes_the_rest() {
    let (run, mut stored) = keeping(3);
    let (run, _) = stepped(run, &mut stored, 3);
    stepped(run.keeping(0), &mut stored, 1);
    assert_eq!(revisions(&stored), [0; 0]);
}

#[test]
fn the_states_of_a_completed_run_are_left_with_its_undo_stack() {
    let (run, mut stored) = keeping(2);
    let (call, machine) = (Local::new(7_u8), step());
    let pushed = vec![pushing("release", &call)];
    let event = Event::Moved { moves: vec![one_move("", "", Cause::Started, to(&machine))], pushed };
    let (run, plan) = run.apply(event, NOW).expect("it can be saved");
    stored.commit(&plan);
    let (run, plan) =
        moved(run, STEPPED, To::Returned { output: &7_u8, failed: false }).expect("it may return");
    stored.commit(&plan);
    stored.check(&run);
    let Ok(then) = earlier(&stored.record(), Revision(1)) else { panic!("it is kept") };
    assert!(!then.undone);
    let names: Vec<_> = then.record.parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!((then.record.row.head.status, names), (Status::Ready, vec!["u:0"]));
}

#[test]
fn a_copy_keeps_no_states_of_the_first_run() {
    let (run, mut stored) = keeping(2);
    stepped(run, &mut stored, 3);
    let letter = VerbLetter::default();
    let Ok(copy) = fork(&stored.record(), id("copy"), Uid::from_u128(8), &letter, None) else {
        panic!("it can be copied")
    };
    assert!(copy.parts.iter().all(|part| !part.name.contains(':')));
}

#[test]
fn moves_of_branches_keep_nothing() {
    let (run, mut stored) = keeping(9);
    let machine = join([signal("a"), signal("b")]);
    let (run, plan) = arrive(run, Cause::Started, &machine);
    stored.commit(&plan);
    let (_, plan) =
        moved_at(with(run, "signal:a", NOW), "0", Cause::Signal(crate::store::Seq(1)), ended("1"))
            .expect("a branch may end");
    stored.commit(&plan);
    assert_eq!(revisions(&stored), [1]);
    let missing = earlier(&stored.record(), Revision(2));
    assert!(matches!(missing, Err(NoFork::NotKept { kept, .. }) if kept == [Revision(1)]));
}
