//! Workers that come and go, share a store, are full, or don't understand what they find.

mod support;

use std::time::Duration;

use refluxo::{
    Engine, MemoryStore,
    engine::{BuildError, ResultError},
    machine::{Description, Graph, Machine, Outcome, Transition, Undos},
    snapshot::{LoadError, ParkReason, RunStatus, StateReader, StateWriter},
    suspend::{Begin, Pending},
};
use support::{
    Place, build,
    script::{Line, Script, Word, script},
    soon, step, until,
};

everywhere! {
    a_shutdown_lets_the_step_in_flight_end_and_stores_what_came_of_it,
    a_step_that_outlasts_the_grace_runs_again_under_its_key,
    a_dropped_engine_leaves_its_runs_to_the_next_at_once,
    an_engine_that_was_shut_down_still_starts_and_reads_runs,
    a_signal_to_a_run_at_work_waits_until_it_is_wanted,
    no_more_runs_are_worked_on_than_there_is_room_for,
    a_waiting_run_takes_no_room,
    two_workers_share_the_runs,
    a_run_that_kills_its_workers_is_parked,
    a_state_that_the_code_does_not_know_is_parked_with_its_bytes,
}

async fn a_shutdown_lets_the_step_in_flight_end_and_stores_what_came_of_it(place: Place) {
    let engine = place.engine().await;
    engine.start("a", script([step("gate"), step("two")])).await.unwrap();
    soon(place.world.somebody_at_the_gate()).await;
    let opened = async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        place.world.open_gate();
    };
    soon(async { tokio::join!(engine.shutdown(), opened) }).await;
    assert_eq!(place.world.texts(), ["gate"]);
    assert_eq!(engine.snapshot("a").await.unwrap().revision.0, 2);

    let next = place.engine().await;
    let run = next.run::<Script>("a").await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap().unwrap(), ["gate", "two"]);
    assert_eq!(place.world.texts(), ["gate", "two"]);
}

async fn a_step_that_outlasts_the_grace_runs_again_under_its_key(place: Place) {
    let builder = place.builder(place.store().await).shutdown_grace(Duration::from_millis(5));
    let engine = build(builder).await;
    engine.start("a", script([step("gate")])).await.unwrap();
    soon(place.world.somebody_at_the_gate()).await;
    soon(engine.shutdown()).await;

    let next = place.engine().await;
    soon(place.world.somebody_at_the_gate()).await;
    place.world.open_gate();
    let run = next.run::<Script>("a").await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap().unwrap(), ["gate"]);
    let notes = place.world.notes();
    assert_eq!((notes.len(), &notes[0].key), (2, &notes[1].key));
}

async fn a_dropped_engine_leaves_its_runs_to_the_next_at_once(place: Place) {
    let engine = place.engine().await;
    drop(engine.start("a", script([step("gate")])).await.unwrap());
    soon(place.world.somebody_at_the_gate()).await;
    drop(engine);

    // The clock stands, so no lease has ended.
    let next = place.engine().await;
    soon(place.world.somebody_at_the_gate()).await;
    place.world.open_gate();
    let run = next.run::<Script>("a").await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap().unwrap(), ["gate"]);
}

async fn an_engine_that_was_shut_down_still_starts_and_reads_runs(place: Place) {
    let engine = place.engine().await;
    soon(engine.shutdown()).await;
    let run = engine.start("a", script([Line::Listen])).await.unwrap();
    run.signal(Word("hello".to_owned())).await.unwrap();
    assert_eq!(run.snapshot().await.unwrap().status, RunStatus::Ready);

    let _worker = place.engine().await;
    assert_eq!(soon(run.result()).await.unwrap().unwrap(), ["hello"]);
}

async fn a_signal_to_a_run_at_work_waits_until_it_is_wanted(place: Place) {
    let engine = place.engine().await;
    let run =
        engine.start("a", script([step("gate"), step("two"), Line::Listen, Line::Sleep(0)])).await.unwrap();
    soon(place.world.somebody_at_the_gate()).await;
    run.signal(Word("early".to_owned())).await.unwrap();
    assert_eq!(run.snapshot().await.unwrap().inbox.len(), 1);
    place.world.open_gate();
    assert_eq!(soon(run.result()).await.unwrap().unwrap(), ["gate", "two", "early", "slept"]);
}

async fn no_more_runs_are_worked_on_than_there_is_room_for(place: Place) {
    let engine = build(place.builder(place.store().await).concurrency(2)).await;
    let mut runs = Vec::new();
    for number in 0..5 {
        runs.push(engine.start(format!("run-{number}"), script([step("gate")])).await.unwrap());
    }
    soon(place.world.somebody_at_the_gate()).await;
    soon(place.world.somebody_at_the_gate()).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(place.world.texts().len(), 2);
    for _ in 0..5 {
        place.world.open_gate();
    }
    for run in runs {
        soon(run.result()).await.unwrap().unwrap();
    }
}

async fn a_waiting_run_takes_no_room(place: Place) {
    let engine = build(place.builder(place.store().await).concurrency(1)).await;
    for number in 0..5 {
        engine.start(format!("run-{number}"), script([Line::Listen])).await.unwrap();
    }
    let run = engine.start("last", script([step("one")])).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap().unwrap(), ["one"]);
}

async fn two_workers_share_the_runs(place: Place) {
    let one = build(place.builder(place.store().await).concurrency(1)).await;
    let other = build(place.builder(place.store().await).concurrency(1)).await;
    let first = one.start("first", script([step("gate")])).await.unwrap();
    let second = one.start("second", script([step("gate")])).await.unwrap();
    soon(place.world.somebody_at_the_gate()).await;
    soon(place.world.somebody_at_the_gate()).await;
    place.world.open_gate();
    place.world.open_gate();
    soon(first.result()).await.unwrap().unwrap();
    soon(second.result()).await.unwrap().unwrap();
    drop(other);
}

async fn a_run_that_kills_its_workers_is_parked(place: Place) {
    let builder = |store| place.builder(store).poison_limit(3);
    let mut engine = build(builder(place.store().await)).await;
    engine.start("a", script([step("gate")])).await.unwrap();
    // The first of them came to a commit before it died, the next three did not.
    for _ in 0..4 {
        soon(place.world.somebody_at_the_gate()).await;
        drop(engine);
        engine = build(builder(place.store().await)).await;
    }
    let run = engine.run::<Script>("a").await.unwrap();
    until(async || run.snapshot().await.unwrap().status == RunStatus::Parked).await;
    let error = soon(run.result()).await.unwrap_err();
    let ResultError::Parked { reason: ParkReason::Poisoned { claims }, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(*claims, 4);
}

async fn a_state_that_the_code_does_not_know_is_parked_with_its_bytes(place: Place) {
    let engine = place.engine().await;
    let run = engine.start("a", script([Line::Sleep(1), step("two")])).await.unwrap();
    until(async || run.snapshot().await.unwrap().status == RunStatus::Waiting).await;
    let before = run.snapshot().await.unwrap();
    drop((run, engine));

    place.clock.advance(Duration::from_secs(1));
    let engine = build(Engine::builder(place.store().await).register::<Rewritten>()).await;
    let run = engine.run::<Rewritten>("a").await.unwrap();
    until(async || run.snapshot().await.unwrap().status == RunStatus::Parked).await;
    let error = soon(run.result()).await.unwrap_err().to_string();
    assert!(error.contains("the workflow `script` has no state `Sleep`"), "{error}");
    let after = run.snapshot().await.unwrap();
    assert_eq!((after.at, after.state.get()), (before.at, before.state.get()));
}

#[tokio::test]
async fn two_workflows_of_one_name_fail_the_build() {
    let builder = Engine::builder(MemoryStore::new()).register::<Rewritten>().register::<Script>();
    let error = builder.build().await.unwrap_err();
    let BuildError::Conflicts { conflicts } = &error else { panic!("{error}") };
    assert_eq!((conflicts.len(), conflicts[0].name.as_str()), (1, "script"));
}

/// A workflow that has the name of another one and none of its states.
struct Rewritten;

impl Machine for Rewritten {
    type Output = ();
    type Frame = ();
    const NAME: &'static str = "script";
    const VERSION: u32 = 1;
    const GRAPH: &'static Graph = &Graph { states: &[] };

    fn at(&self) -> &'static str {
        "Start"
    }

    fn pending(&self) -> Pending<'_> {
        Pending::Start
    }

    fn begin(self) -> (Begin, ()) {
        (Begin::Start, ())
    }

    fn resume((): (), _: Outcome, _: &mut Undos) -> Transition<Self, ()> {
        Transition::Done(())
    }

    fn encode(&self, _: &mut StateWriter<'_>) {}

    fn decode(at: &str, _: StateReader<'_>) -> Result<Self, LoadError> {
        Err(LoadError::UnknownState { workflow: Self::NAME, state: at.to_owned() })
    }

    fn describe(_: &mut Description) {}
}
