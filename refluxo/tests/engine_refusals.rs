//! A store that refuses commits for good: the run parks with the reason, or heeds the operator who has spoken meanwhile.

mod support;

use std::{sync::Arc, time::Duration};

use refluxo::{
    Engine, Run,
    engine::ResultError,
    snapshot::{ParkReason, RunStatus},
    store::Commit,
};
use support::{
    Place, build,
    faulty::{Doorman, Faulty},
    script::{Line, Script, script},
    soon, step, until,
};

everywhere! {
    a_run_whose_commit_is_refused_parks_and_a_retry_helps_once_the_cause_is_mended,
    a_verb_that_came_while_a_commit_was_refused_is_heeded,
    verbs_that_end_nothing_leave_a_refused_run_parked,
    a_cancelled_run_whose_commit_is_refused_ends,
    a_run_whose_verb_is_refused_too_stays_parked,
    a_cancelled_run_whose_end_is_refused_parks,
}

/// An engine whose store has a doorman. Its leases outlast a test: nobody else takes the runs over.
async fn engine(place: &Place, doorman: &Arc<Doorman>) -> Engine {
    let store = Faulty::with_doorman(place.store().await, doorman.clone());
    build(place.builder(store).lease(Duration::from_secs(1_000_000))).await
}

/// Whether a commit comes to the sleep that stands behind the first step.
fn comes_to_the_sleep(commit: &Commit) -> bool {
    commit.head.at == "Sleep" && commit.state.is_some()
}

fn nap() -> Line {
    Line::Sleep(0)
}

/// A run that is about to be refused.
async fn at_the_door(engine: &Engine, doorman: &Doorman) -> Run<Script> {
    let run = engine.start("a", script([step("one"), nap()])).await.unwrap();
    soon(doorman.somebody_at_the_door()).await;
    run
}

async fn comes_to(run: &Run<Script>, status: RunStatus) {
    until(async || run.snapshot().await.unwrap().status == status).await;
}

/// Checks that the run is parked since the store refused a commit, and that its holder has let go of it.
async fn is_parked(run: &Run<Script>) {
    match soon(run.result()).await {
        Err(ResultError::Parked { reason: ParkReason::Unsaved { message }, .. }) => {
            assert!(message.contains("it is not wanted"), "{message}");
        }
        other => panic!("it is not parked: {other:?}"),
    }
}

async fn a_run_whose_commit_is_refused_parks_and_a_retry_helps_once_the_cause_is_mended(place: Place) {
    let doorman = Doorman::new(comes_to_the_sleep);
    doorman.answer();
    let engine = engine(&place, &doorman).await;
    let run = at_the_door(&engine, &doorman).await;
    is_parked(&run).await;
    run.retry().await.unwrap();
    until(async || doorman.refused() == 2).await;
    is_parked(&run).await;
    doorman.send_home();
    run.retry().await.unwrap();
    comes_to(&run, RunStatus::Completed).await;
    assert_eq!(place.world.texts(), ["one", "one", "one"]);
}

async fn a_verb_that_came_while_a_commit_was_refused_is_heeded(place: Place) {
    let doorman = Doorman::new(comes_to_the_sleep);
    let engine = engine(&place, &doorman).await;
    let run = at_the_door(&engine, &doorman).await;
    run.cancel().await.unwrap();
    doorman.answer();
    // It is parked before it reads its inbox.
    comes_to(&run, RunStatus::Cancelled).await;
    assert!(matches!(soon(run.result()).await, Err(ResultError::Cancelled { .. })));
    assert_eq!(doorman.refused(), 1);
}

async fn verbs_that_end_nothing_leave_a_refused_run_parked(place: Place) {
    let doorman = Doorman::new(comes_to_the_sleep);
    let engine = engine(&place, &doorman).await;
    let run = at_the_door(&engine, &doorman).await;
    run.pause().await.unwrap();
    run.resume().await.unwrap();
    doorman.answer();
    is_parked(&run).await;
    assert_eq!((doorman.refused(), place.world.texts().len()), (1, 1));
}

async fn a_cancelled_run_whose_commit_is_refused_ends(place: Place) {
    let doorman = Doorman::new(comes_to_the_sleep);
    let engine = engine(&place, &doorman).await;
    let run = engine.start("a", script([step("gate"), nap()])).await.unwrap();
    soon(place.world.somebody_at_the_gate()).await;
    run.cancel().await.unwrap();
    comes_to(&run, RunStatus::Cancelling).await;
    place.world.open_gate();
    doorman.answer();
    assert!(matches!(soon(run.result()).await, Err(ResultError::Cancelled { .. })));
    assert_eq!(doorman.refused(), 1);
}

async fn a_run_whose_verb_is_refused_too_stays_parked(place: Place) {
    let doorman = Doorman::new(|commit| commit.head.at == "Sleep" || commit.head.status.is_ended());
    let engine = engine(&place, &doorman).await;
    let run = at_the_door(&engine, &doorman).await;
    run.abort().await.unwrap();
    doorman.answer();
    until(async || doorman.refused() == 2).await;
    is_parked(&run).await;
    doorman.send_home();
    run.pause().await.unwrap();
    comes_to(&run, RunStatus::Cancelled).await;
    assert_eq!(doorman.refused(), 2);
}

async fn a_cancelled_run_whose_end_is_refused_parks(place: Place) {
    let doorman = Doorman::new(|commit| commit.head.status.is_ended());
    doorman.answer();
    let engine = engine(&place, &doorman).await;
    let run = engine.start("a", script([step("gate"), nap()])).await.unwrap();
    soon(place.world.somebody_at_the_gate()).await;
    run.cancel().await.unwrap();
    comes_to(&run, RunStatus::Cancelling).await;
    place.world.open_gate();
    is_parked(&run).await;
    assert!(doorman.refused() <= 3);
    doorman.send_home();
    run.retry().await.unwrap();
    comes_to(&run, RunStatus::Cancelled).await;
}
