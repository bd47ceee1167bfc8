//! Steps that fail: they are run again, under the same key, by whoever has the run then, and nobody waits for them meanwhile.

mod support;

use std::{collections::BTreeSet, time::Duration};

use refluxo::{
    Run,
    engine::ResultError,
    snapshot::{ParkReason, RunStatus, WaitingFor},
};
use support::{
    Place, passing,
    script::{Line, Script, Word, script},
    soon, step, until,
};

everywhere! {
    a_step_that_fails_is_run_again_under_its_key,
    a_pause_between_attempts_holds_no_worker_and_survives_it,
    after_the_last_attempt_the_workflow_gets_the_error,
    a_predicate_ends_the_attempts,
    a_step_that_panics_is_run_again,
    after_the_last_panic_the_run_is_parked_and_a_retry_counts_on,
    a_step_that_panics_once_and_has_one_attempt_parks_the_run,
    what_takes_too_long_is_given_up,
    what_comes_in_time_beats_the_timeout_however_late_it_is_looked_at,
    a_step_that_nobody_waits_for_is_told,
    a_limit_counts_from_when_the_call_was_entered,
}

/// A step that fails so many times.
fn flaky(text: &str, failures: u32) -> Line {
    Line::Flaky(text.to_owned(), failures)
}

fn within(seconds: u64, line: Line) -> Line {
    Line::Within(seconds, Box::new(line))
}

async fn waiting(run: &Run<Script>) {
    until(async || run.snapshot().await.unwrap().status == RunStatus::Waiting).await;
}

/// The attempts' numbers, and how many keys they had.
fn attempts(place: &Place) -> (Vec<u32>, usize) {
    let notes = place.world.notes();
    let keys: BTreeSet<_> = notes.iter().map(|noted| &noted.key).collect();
    (notes.iter().map(|noted| noted.attempt).collect(), keys.len())
}

async fn a_step_that_fails_is_run_again_under_its_key(place: Place) {
    let engine = place.patient_engine().await;
    let run = engine.start("a", script([flaky("one", 2)])).await.unwrap();
    let told = passing(&place, run.result()).await.unwrap();
    assert_eq!(told, Ok(vec!["one".to_owned()]));
    assert_eq!(attempts(&place), (vec![1, 2, 3], 1));
}

async fn a_pause_between_attempts_holds_no_worker_and_survives_it(place: Place) {
    let engine = place.patient_engine().await;
    let run = engine.start("a", script([flaky("one", 1)])).await.unwrap();
    waiting(&run).await;
    let snapshot = run.snapshot().await.unwrap();
    let call = &snapshot.calls[0];
    assert_eq!(call.waiting_for, WaitingFor::Step { name: "flaky".to_owned() });
    assert_eq!(
        (call.attempt, call.retry.as_ref().map(|retry| retry.due > snapshot.updated_at)),
        (2, Some(true))
    );
    drop((engine, run));

    let next = place.patient_engine().await;
    let run = next.run::<Script>("a").await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(attempts(&place).0, [1], "its time has not come");
    place.clock.advance(Duration::from_secs(1));
    assert_eq!(soon(run.result()).await.unwrap().unwrap(), ["one"]);
    assert_eq!(attempts(&place), (vec![1, 2], 1));
}

async fn after_the_last_attempt_the_workflow_gets_the_error(place: Place) {
    let engine = place.patient_engine().await;
    let run = engine.start("a", script([flaky("one", 3)])).await.unwrap();
    assert_eq!(passing(&place, run.result()).await.unwrap(), Err("one failed".to_owned()));
    assert_eq!(attempts(&place).0, [1, 2, 3]);
}

async fn a_predicate_ends_the_attempts(place: Place) {
    let engine = place.patient_engine().await;
    let run = engine.start("a", script([flaky("bad", 3)])).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), Err("for good".to_owned()));
    assert_eq!(attempts(&place).0, [1]);
}

async fn a_step_that_panics_is_run_again(place: Place) {
    let engine = place.patient_engine().await;
    let run = engine.start("a", script([flaky("crash", 2)])).await.unwrap();
    assert_eq!(passing(&place, run.result()).await.unwrap().unwrap(), ["crash"]);
    assert_eq!(attempts(&place), (vec![1, 2, 3], 1));
}

async fn after_the_last_panic_the_run_is_parked_and_a_retry_counts_on(place: Place) {
    let engine = place.patient_engine().await;
    let run = engine.start("a", script([flaky("crash", 4)])).await.unwrap();
    let parked = passing(&place, run.result()).await.unwrap_err();
    let reason =
        ParkReason::StepPanicked { step: "flaky".to_owned(), message: "the step says so".to_owned() };
    assert!(matches!(parked, ResultError::Parked { reason: found, .. } if found == reason));
    run.retry().by("eve").reason("it was mended").await.unwrap();
    until(async || run.snapshot().await.unwrap().status != RunStatus::Parked).await;
    assert_eq!(passing(&place, run.result()).await.unwrap().unwrap(), ["crash"]);
    assert_eq!(attempts(&place), (vec![1, 2, 3, 4, 5], 1));
}

async fn a_step_that_panics_once_and_has_one_attempt_parks_the_run(place: Place) {
    let engine = place.patient_engine().await;
    let run = engine.start("a", script([step("boom")])).await.unwrap();
    assert!(matches!(soon(run.result()).await, Err(ResultError::Parked { .. })));
    assert_eq!(attempts(&place).0, [1]);
}

async fn what_takes_too_long_is_given_up(place: Place) {
    let engine = place.patient_engine().await;
    let lines = [
        within(5, Line::Listen),
        within(5, step("gate")),
        within(5, Line::Sleep(60)),
        within(5, Line::Child(vec![Line::Listen])),
        within(5, Line::All(vec![vec![step("one")], vec![Line::Listen]])),
        within(5, Line::Race(vec![vec![Line::Sleep(9)], vec![Line::Listen]])),
        step("two"),
    ];
    let run = engine.start("a", script(lines)).await.unwrap();
    let told = passing(&place, run.result()).await;
    let told = told.unwrap().unwrap();
    assert_eq!(told, ["late", "late", "late", "late", "late", "late", "two"]);
    assert_eq!(place.world.texts(), ["gate", "one", "two"]);
    assert_eq!(place.world.dropped(), ["gate"]);
}

async fn what_comes_in_time_beats_the_timeout_however_late_it_is_looked_at(place: Place) {
    let engine = place.patient_engine().await;
    let run = engine.start("a", script([within(60, Line::Listen), within(60, Line::Listen)])).await.unwrap();
    waiting(&run).await;
    soon(engine.shutdown()).await;
    run.signal(Word("in time".to_owned())).await.unwrap();
    place.clock.advance(Duration::from_mins(10));

    let next = place.patient_engine().await;
    let run = next.run::<Script>("a").await.unwrap();
    until(async || run.snapshot().await.unwrap().revision.0 >= 2).await;
    waiting(&run).await;
    soon(next.shutdown()).await;
    place.clock.advance(Duration::from_mins(10));
    run.signal(Word("too late".to_owned())).await.unwrap();

    let last = place.patient_engine().await;
    let run = last.run::<Script>("a").await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap().unwrap(), ["in time", "late"]);
}

async fn a_step_that_nobody_waits_for_is_told(place: Place) {
    let engine = place.patient_engine().await;
    let run = engine.start("a", script([within(5, step("gate")), step("two")])).await.unwrap();
    soon(place.world.somebody_at_the_gate()).await;
    assert_eq!(passing(&place, run.result()).await.unwrap().unwrap(), ["late", "two"]);
    until(async || place.world.dropped() == ["gate"]).await;
}

async fn a_limit_counts_from_when_the_call_was_entered(place: Place) {
    let engine = place.patient_engine().await;
    let run = engine.start("a", script([within(60, Line::Listen)])).await.unwrap();
    waiting(&run).await;
    place.clock.advance(Duration::from_secs(59));
    drop((engine, run));
    let next = place.patient_engine().await;
    let run = next.run::<Script>("a").await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(run.snapshot().await.unwrap().status, RunStatus::Waiting);
    place.clock.advance(Duration::from_secs(1));
    assert_eq!(soon(run.result()).await.unwrap().unwrap(), ["late"]);
}
