//! Copies of runs: they go on from where the first one stood, under keys of their own.

mod support;

use std::{collections::BTreeSet, time::Duration};

use refluxo::{
    Engine, Run,
    engine::{ForkError, ResultError},
    snapshot::RunStatus,
    store::Revision,
};
use support::{
    Place, build, passing,
    script::{Line, Script, Word, script},
    soon, step, until,
};

everywhere! {
    a_copy_goes_on_where_the_run_waits,
    a_copy_runs_the_step_anew_under_its_own_key,
    a_copy_of_a_failed_run_needs_force_if_something_was_undone,
    a_copy_of_a_parked_run_starts_where_it_was_parked,
    a_copy_keeps_what_branches_gave_and_where_they_are,
    a_copy_starts_its_own_children,
    a_copy_of_a_run_that_failed_in_a_group_begins_it_again,
    a_copy_undoes_what_is_left_to_be_undone,
    what_can_not_be_copied_is_refused,
    a_copy_from_each_state_that_is_kept_ends_as_the_run_did,
    a_copy_from_a_state_that_is_not_kept_is_refused,
    a_copy_from_before_what_was_undone_needs_no_force,
    a_copy_from_an_earlier_state_undoes_what_was_done_by_then,
    a_copy_of_a_completed_run_can_be_undone,
}

async fn waiting(run: &Run<Script>) {
    until(async || run.snapshot().await.unwrap().status == RunStatus::Waiting).await;
}

async fn a_copy_goes_on_where_the_run_waits(place: Place) {
    let engine = place.patient_engine().await;
    let run = engine.start("a", script([step("one"), Line::Listen, step("two")])).await.unwrap();
    waiting(&run).await;
    let copy = run.fork("b").await.unwrap();
    copy.signal(Word("hello".to_owned())).await.unwrap();
    assert_eq!(soon(copy.result()).await.unwrap().unwrap(), ["one", "hello", "two"]);
    assert_eq!(run.snapshot().await.unwrap().status, RunStatus::Waiting);
    assert_eq!(place.world.texts(), ["one", "two"]);
}

async fn a_copy_runs_the_step_anew_under_its_own_key(place: Place) {
    let engine = place.patient_engine().await;
    let run = engine.start("a", script([step("gate")])).await.unwrap();
    soon(place.world.somebody_at_the_gate()).await;
    engine.fork("a", "b").await.unwrap();
    soon(place.world.somebody_at_the_gate()).await;
    place.world.open_gate();
    place.world.open_gate();
    let copy = engine.run::<Script>("b").await.unwrap();
    assert_eq!(soon(copy.result()).await.unwrap().unwrap(), ["gate"]);
    assert_eq!(soon(run.result()).await.unwrap().unwrap(), ["gate"]);
    let keys: BTreeSet<_> = place.world.notes().into_iter().map(|noted| (noted.run, noted.key)).collect();
    assert_eq!(keys.len(), 2);
}

async fn a_copy_of_a_failed_run_needs_force_if_something_was_undone(place: Place) {
    let engine = place.patient_engine().await;
    let flaky = || Line::Flaky("bad".to_owned(), 1);
    let run = engine.start("a", script([step("one"), flaky(), step("two")])).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), Err("for good".to_owned()));
    let copy = run.fork("b").await.unwrap();
    assert_eq!(soon(copy.result()).await.unwrap(), Err("for good".to_owned()));
    assert_eq!(place.world.texts(), ["one", "bad", "bad"]);

    let lines = [Line::Undo("undo".to_owned()), step("three"), flaky()];
    let undone = engine.start("c", script(lines)).await.unwrap();
    assert!(soon(undone.result()).await.unwrap().is_err());
    assert!(matches!(undone.fork("d").await, Err(ForkError::Undone { .. })));
    let copy = undone.fork("d").force().await.unwrap();
    assert!(soon(copy.result()).await.unwrap().is_err());
    assert_eq!(place.world.texts()[3..], ["three", "bad", "undo", "bad"]);
}

async fn a_copy_of_a_parked_run_starts_where_it_was_parked(place: Place) {
    let engine = place.patient_engine().await;
    let run = engine.start("a", script([step("one"), step("boom")])).await.unwrap();
    assert!(matches!(soon(run.result()).await, Err(ResultError::Parked { .. })));
    let copy = run.fork("b").await.unwrap();
    assert!(matches!(soon(copy.result()).await, Err(ResultError::Parked { .. })));
    assert_eq!(place.world.texts(), ["one", "boom", "boom"]);
}

async fn a_copy_keeps_what_branches_gave_and_where_they_are(place: Place) {
    let engine = place.patient_engine().await;
    let branches =
        vec![vec![step("one")], vec![step("two"), Line::Listen], vec![Line::Listen], vec![Line::Sleep(60)]];
    let run = engine.start("a", script([Line::All(branches)])).await.unwrap();
    waiting(&run).await;
    let copy = run.fork("b").await.unwrap();
    for word in ["x", "y"] {
        copy.signal(Word(word.to_owned())).await.unwrap();
    }
    let told = passing(&place, copy.result()).await.unwrap().unwrap();
    assert!(told == ["{one|two x|y|slept}"] || told == ["{one|two y|x|slept}"], "{told:?}");
    assert_eq!(place.world.texts().len(), 2);
}

async fn a_copy_starts_its_own_children(place: Place) {
    let engine = place.patient_engine().await;
    let child = || Line::Child(vec![step("one"), Line::Sleep(60)]);
    let run =
        engine.start("a", script([child(), Line::All(vec![vec![child()], vec![child()]])])).await.unwrap();
    waiting(&run).await;
    until(async || place.world.texts().len() == 1).await;
    let copy = run.fork("b").await.unwrap();
    let told = passing(&place, copy.result()).await.unwrap().unwrap();
    assert_eq!(told, ["[one slept]", "{[one slept]|[one slept]}"]);
    assert_eq!(passing(&place, run.result()).await.unwrap().unwrap(), told);
    assert_eq!(place.world.texts().len(), 6);
}

async fn a_copy_of_a_run_that_failed_in_a_group_begins_it_again(place: Place) {
    let engine = place.patient_engine().await;
    let branches =
        vec![vec![Line::Listen], vec![step("one"), Line::Sleep(1), Line::Flaky("bad".to_owned(), 9)]];
    let run = engine.start("a", script([Line::Try(branches)])).await.unwrap();
    assert!(passing(&place, run.result()).await.unwrap().is_err());
    let copy = run.fork("b").await.unwrap();
    assert!(passing(&place, copy.result()).await.unwrap().is_err());
    assert_eq!(place.world.texts(), ["one", "bad", "one", "bad"]);
}

async fn a_copy_undoes_what_is_left_to_be_undone(place: Place) {
    let engine = place.patient_engine().await;
    let lines = [Line::Undo("undo".to_owned()), Line::Listen, Line::Fail("no".to_owned())];
    let run = engine.start("a", script(lines)).await.unwrap();
    waiting(&run).await;
    let copy = run.fork("b").await.unwrap();
    copy.signal(Word("go".to_owned())).await.unwrap();
    assert_eq!(soon(copy.result()).await.unwrap(), Err("no".to_owned()));
    assert_eq!(place.world.texts(), ["undo"]);
    assert_eq!(run.snapshot().await.unwrap().undo.len(), 1);
}

async fn what_can_not_be_copied_is_refused(place: Place) {
    let engine = place.patient_engine().await;
    let run = engine.start("a", script([step("one")])).await.unwrap();
    soon(run.result()).await.unwrap().unwrap();
    assert!(matches!(run.fork("b").await, Err(ForkError::Completed { .. })));
    assert!(matches!(engine.fork("nobody", "b").await, Err(ForkError::Unknown { .. })));
    assert!(matches!(engine.fork("a", "").await, Err(ForkError::InvalidId(_))));
    let run = engine.start("c", script([Line::Listen])).await.unwrap();
    waiting(&run).await;
    assert!(matches!(run.fork("a").await, Err(ForkError::IdTaken { .. })));
}

/// An engine that keeps so many states.
async fn keeping(place: &Place, states: usize) -> Engine {
    let builder = place.builder(place.store().await).lease(Duration::from_secs(1_000_000));
    build(builder.keep_states(states)).await
}

/// The revisions of the states that are kept, the oldest first.
async fn kept(run: &Run<Script>) -> Vec<Revision> {
    run.kept_states().await.unwrap().into_keys().collect()
}

async fn a_copy_from_each_state_that_is_kept_ends_as_the_run_did(place: Place) {
    let engine = keeping(&place, 3).await;
    // So long that the script is a part of its own.
    let long = "x".repeat(5000);
    let run =
        engine.start("a", script([step(&long), step("two"), step("three"), step("four")])).await.unwrap();
    let told = soon(run.result()).await.unwrap().unwrap();
    assert_eq!(kept(&run).await.len(), 3);
    for revision in kept(&run).await {
        let copy = run.fork(format!("from-{revision}")).from(revision).await.unwrap();
        assert_eq!(soon(copy.result()).await.unwrap().unwrap(), told);
    }
    assert_eq!(
        place.world.texts()[1..],
        ["two", "three", "four", "two", "three", "four", "three", "four", "four"]
    );
    let keys: BTreeSet<_> = place.world.notes().into_iter().map(|noted| noted.key).collect();
    assert_eq!(keys.len(), 10);
}

async fn a_copy_from_a_state_that_is_not_kept_is_refused(place: Place) {
    let engine = keeping(&place, 2).await;
    let run = engine.start("a", script([step("one"), step("two"), step("three")])).await.unwrap();
    soon(run.result()).await.unwrap().unwrap();
    let fallen_out = Revision(kept(&run).await[0].0 - 1);
    let error = run.fork("b").from(fallen_out).await.unwrap_err();
    assert!(error.to_string().contains("(kept: 2, 3)"), "{error}");
    assert!(matches!(error, ForkError::NotKept { revision: Revision(1), kept, .. } if kept.len() == 2));
    assert!(matches!(run.fork("b").await, Err(ForkError::Completed { .. })));
}

async fn a_copy_from_before_what_was_undone_needs_no_force(place: Place) {
    let engine = keeping(&place, 16).await;
    let lines = [step("before"), Line::Undo("undo".to_owned()), step("after"), Line::Fail("no".to_owned())];
    let run = engine.start("a", script(lines)).await.unwrap();
    assert!(soon(run.result()).await.unwrap().is_err());
    let [before, after] = kept(&run).await[..] else { panic!("there were two states") };
    let copy = run.fork("b").from(before).await.unwrap();
    assert!(soon(copy.result()).await.unwrap().is_err());
    assert_eq!(place.world.texts()[3..], ["before", "after", "undo"]);
    assert!(matches!(run.fork("c").from(after).await, Err(ForkError::Undone { .. })));
    let copy = run.fork("c").from(after).force().await.unwrap();
    assert!(soon(copy.result()).await.unwrap().is_err());
    assert_eq!(place.world.texts()[6..], ["after"]);
}

async fn a_copy_from_an_earlier_state_undoes_what_was_done_by_then(place: Place) {
    let engine = keeping(&place, 16).await;
    let undo = |text: &str| Line::Undo(text.to_owned());
    let lines = [undo("a"), Line::Listen, undo("b"), Line::Listen, Line::Fail("no".to_owned())];
    let run = engine.start("a", script(lines)).await.unwrap();
    run.signal(Word("go".to_owned())).await.unwrap();
    until(async || run.snapshot().await.unwrap().undo.len() == 2).await;
    let copy = run.fork("b").from(kept(&run).await[0]).await.unwrap();
    waiting(&copy).await;
    assert_eq!(copy.snapshot().await.unwrap().undo.len(), 1);
    copy.cancel().await.unwrap();
    assert!(matches!(soon(copy.result()).await, Err(ResultError::Cancelled { .. })));
    assert_eq!(place.world.texts(), ["a"]);
    assert_eq!(run.snapshot().await.unwrap().undo.len(), 2);
}

async fn a_copy_of_a_completed_run_can_be_undone(place: Place) {
    let engine = keeping(&place, 16).await;
    let run = engine.start("a", script([Line::Undo("undo".to_owned()), Line::Listen])).await.unwrap();
    run.signal(Word("go".to_owned())).await.unwrap();
    soon(run.result()).await.unwrap().unwrap();
    assert_eq!(run.snapshot().await.unwrap().undo.len(), 0);
    let copy = engine.run::<Script>("a").await.unwrap().fork("b").from(kept(&run).await[0]).await.unwrap();
    copy.cancel().await.unwrap();
    assert!(matches!(soon(copy.result()).await, Err(ResultError::Cancelled { .. })));
    assert_eq!(place.world.texts(), ["undo"]);
}
