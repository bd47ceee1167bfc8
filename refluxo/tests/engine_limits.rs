//! No more runs of a workflow are worked on at once than it may have, by all workers together.

mod support;

use std::{collections::BTreeSet, time::Duration};

use refluxo::{
    Engine,
    engine::{BuildError, StartError},
    prelude::*,
    time::Clock,
};
use support::{
    Place, build, passing,
    script::{Line, Script, Word, script},
    soon, step, until,
};

everywhere! {
    no_more_runs_of_a_workflow_are_worked_on_than_its_limit_however_many_workers_there_are,
    the_runs_of_a_key_are_worked_on_one_after_another,
    what_sleeps_or_waits_leaves_its_place,
    a_worker_that_dies_leaves_its_places_to_others,
    a_worker_that_shuts_down_leaves_its_places_to_others,
    a_run_that_is_cancelled_while_it_waits_for_its_turn_ends_in_its_turn,
    many_runs_of_many_keys_all_end,
    no_more_runs_begin_in_a_time_than_the_rate_however_many_workers_there_are,
    a_worker_that_dies_leaves_those_that_wait_to_begin_to_others,
    what_comes_before_its_time_is_no_beginning,
    what_is_cancelled_before_it_begins_leaves_its_start_to_others,
}

async fn limited(place: &Place, runs: u32) -> Engine {
    build(place.builder(place.store().await).limit_of::<Script>(runs)).await
}

async fn one_per_key(place: &Place) -> Engine {
    build(place.builder(place.store().await).limit_per_key_of::<Script>(1)).await
}

async fn no_more_runs_of_a_workflow_are_worked_on_than_its_limit_however_many_workers_there_are(
    place: Place,
) {
    let (one, other) = (limited(&place, 3).await, limited(&place, 3).await);
    let mut runs = Vec::new();
    for number in 0..4 {
        runs.push(one.start(format!("one-{number}"), script([step("gate")])).await.unwrap());
        runs.push(other.start(format!("other-{number}"), script([step("gate")])).await.unwrap());
    }
    for through in 0..8 {
        // Three at first, and for each that goes through one that follows.
        for _ in 0..if through == 0 { 3 } else { usize::from(through < 6) } {
            soon(place.world.somebody_at_the_gate()).await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert_eq!(place.world.texts().len(), (3 + through).min(8));
        place.world.open_gate();
    }
    for run in runs {
        soon(run.result()).await.unwrap().unwrap();
    }
}

async fn the_runs_of_a_key_are_worked_on_one_after_another(place: Place) {
    let (one, other) = (one_per_key(&place).await, one_per_key(&place).await);
    let mut runs = Vec::new();
    for (engine, id, key) in [(&one, "a1", "a"), (&other, "a2", "a"), (&one, "a3", "a"), (&other, "b1", "b")]
    {
        runs.push(engine.start(id, script([step("gate"), step(id)])).key(key).await.unwrap());
    }
    runs.push(one.start("plain", script([step("gate"), step("plain")])).await.unwrap());
    // One of each key, and the one that has none.
    for _ in 0..3 {
        soon(place.world.somebody_at_the_gate()).await;
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(place.world.texts(), ["gate", "gate", "gate"]);
    for _ in 0..5 {
        place.world.open_gate();
    }
    for run in runs {
        soon(run.result()).await.unwrap().unwrap();
    }
    // No run of the key began before the one before it was through.
    let of_a: Vec<String> =
        place.world.notes().into_iter().filter(|n| n.run.starts_with('a')).map(|n| n.run).collect();
    let mut in_turn = of_a.clone();
    in_turn.dedup();
    assert_eq!((of_a.len(), in_turn.len()), (6, 3), "{of_a:?}");
}

async fn what_sleeps_or_waits_leaves_its_place(place: Place) {
    let engine =
        build(place.builder(place.store().await).limit_of::<Script>(1).limit_per_key_of::<Script>(1)).await;
    let sleeper = engine.start("sleeper", script([Line::Sleep(60), step("woken")])).key("a").await.unwrap();
    let listener = engine.start("listener", script([Line::Listen])).key("a").await.unwrap();
    let family = engine.start("family", script([Line::Child(vec![step("child")])])).key("a").await.unwrap();
    soon(family.result()).await.unwrap().unwrap();
    listener.signal(Word("hello".to_owned())).await.unwrap();
    assert_eq!(soon(listener.result()).await.unwrap().unwrap(), ["hello"]);
    assert_eq!(passing(&place, sleeper.result()).await.unwrap().unwrap(), ["slept", "woken"]);
}

async fn a_worker_that_dies_leaves_its_places_to_others(place: Place) {
    let doomed = one_per_key(&place).await;
    doomed.start("a1", script([step("gate")])).key("a").await.unwrap();
    soon(place.world.somebody_at_the_gate()).await;
    doomed.start("a2", script([step("gate")])).key("a").await.unwrap();
    let other = one_per_key(&place).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(place.world.texts().len(), 1);
    drop(doomed);
    for _ in 0..2 {
        place.world.open_gate();
    }
    for id in ["a1", "a2"] {
        let run = other.run::<Script>(id).await.unwrap();
        passing(&place, run.result()).await.unwrap().unwrap();
    }
}

async fn a_worker_that_shuts_down_leaves_its_places_to_others(place: Place) {
    let builder = place.builder(place.store().await).limit_of::<Script>(1);
    let leaving = build(builder.shutdown_grace(Duration::from_millis(5))).await;
    leaving.start("a1", script([step("gate")])).await.unwrap();
    soon(place.world.somebody_at_the_gate()).await;
    let other = limited(&place, 1).await;
    let second = other.start("a2", script([step("two")])).await.unwrap();
    soon(leaving.shutdown()).await;
    place.world.open_gate();
    passing(&place, second.result()).await.unwrap().unwrap();
    let first = other.run::<Script>("a1").await.unwrap();
    passing(&place, first.result()).await.unwrap().unwrap();
}

async fn a_run_that_is_cancelled_while_it_waits_for_its_turn_ends_in_its_turn(place: Place) {
    let engine = one_per_key(&place).await;
    let first = engine.start("a1", script([step("gate")])).key("a").await.unwrap();
    soon(place.world.somebody_at_the_gate()).await;
    let second = engine.start("a2", script([step("never")])).key("a").await.unwrap();
    second.cancel().await.unwrap();
    place.world.open_gate();
    soon(first.result()).await.unwrap().unwrap();
    until(async || second.snapshot().await.unwrap().status.is_ended()).await;
    assert_eq!(place.world.texts(), ["gate"]);
}

async fn many_runs_of_many_keys_all_end(place: Place) {
    let mut engines = Vec::new();
    for _ in 0..3 {
        let builder = place.builder(place.store().await).concurrency(4);
        engines.push(build(builder.limit_of::<Script>(6).limit_per_key_of::<Script>(2)).await);
    }
    let mut runs = Vec::new();
    for number in 0..60 {
        let engine = &engines[number % 3];
        let lines = script([step("one"), Line::Child(vec![step("child")]), step("two")]);
        runs.push(
            engine.start(format!("run-{number}"), lines).key(format!("key-{}", number % 5)).await.unwrap(),
        );
    }
    for run in runs {
        soon(run.result()).await.unwrap().unwrap();
    }
}

/// For how long the tests' rate is.
const PER: Duration = Duration::from_mins(1);

async fn paced(place: &Place) -> Engine {
    build(place.builder(place.store().await).rate_limit_of::<Script>(3, PER)).await
}

/// How many runs have taken a step.
fn having(place: &Place, step: &str) -> usize {
    let notes = place.world.notes().into_iter().filter(|noted| noted.text == step);
    notes.map(|noted| noted.run).collect::<BTreeSet<_>>().len()
}

async fn no_more_runs_begin_in_a_time_than_the_rate_however_many_workers_there_are(place: Place) {
    let engines = [paced(&place).await, paced(&place).await];
    let lines = || script([step("one"), Line::Sleep(1), step("two")]);
    let mut runs = Vec::new();
    for number in 0..10 {
        runs.push(engines[number % 2].start(format!("run-{number}"), lines()).await.unwrap());
    }
    for times in 1..4 {
        until(async || having(&place, "one") == 3 * times).await;
        let begun = place.clock.now();
        // What has begun goes its way.
        until(async || {
            place.clock.advance(Duration::from_millis(10));
            having(&place, "two") == 3 * times
        })
        .await;
        place.clock.set(begun.saturating_add(PER).saturating_sub(Duration::from_secs(1)));
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert_eq!(having(&place, "one"), 3 * times);
        place.clock.advance(Duration::from_secs(1));
    }
    for run in runs {
        passing(&place, run.result()).await.unwrap().unwrap();
    }
}

async fn a_worker_that_dies_leaves_those_that_wait_to_begin_to_others(place: Place) {
    let doomed = paced(&place).await;
    for number in 0..4 {
        doomed.start(format!("run-{number}"), script([step("one")])).await.unwrap();
    }
    let last = "run-3";
    until(async || having(&place, "one") == 3).await;
    let other = paced(&place).await;
    drop(doomed);
    let run = other.run::<Script>(last).await.unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(having(&place, "one"), 3);
    passing(&place, run.result()).await.unwrap().unwrap();
}

async fn what_comes_before_its_time_is_no_beginning(place: Place) {
    const HOUR: Duration = Duration::from_hours(1);
    let engine = paced(&place).await;
    let start = place.clock.now();
    let mut runs = Vec::new();
    for number in 0..9 {
        let lines = script([step("one"), Line::Listen]);
        let run = engine.start(format!("run-{number}"), lines).after(HOUR).await.unwrap();
        run.signal(Word("early".to_owned())).await.unwrap();
        runs.push(run);
    }
    // Each has a look at what it was told, and rests again.
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        place.clock.advance(PER);
    }
    assert_eq!(having(&place, "one"), 0);
    place.clock.set(start.saturating_add(HOUR));
    until(async || having(&place, "one") == 3).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(having(&place, "one"), 3, "they began at once");
    for run in runs {
        passing(&place, run.result()).await.unwrap().unwrap();
    }
}

async fn what_is_cancelled_before_it_begins_leaves_its_start_to_others(place: Place) {
    let engine = paced(&place).await;
    let mut runs = Vec::new();
    for number in 0..7 {
        runs.push(engine.start(format!("run-{number}"), script([step("one")])).await.unwrap());
        place.clock.advance(Duration::from_millis(1));
    }
    until(async || having(&place, "one") == 3).await;
    for run in &runs[3..6] {
        run.cancel().await.unwrap();
    }
    place.clock.advance(PER);
    until(async || having(&place, "one") == 4).await;
    assert_eq!(soon(runs[6].result()).await.unwrap().unwrap(), ["one"]);
}

/// A workflow that no engine knows.
#[workflow]
async fn unregistered() {}

#[tokio::test]
async fn what_is_limited_has_to_be_registered_and_a_key_has_to_be_fit() {
    let builder = || Engine::builder(MemoryStore::new()).register::<Script>();
    let error = builder().limit_of::<Unregistered>(1).build().await.unwrap_err();
    assert!(matches!(error, BuildError::NotRegistered { .. }), "{error}");
    drop(unregistered());

    let world = support::world::World::new();
    let engine = builder().provide(world).build().await.unwrap();
    let error = engine.start("a", script([])).key("").await.unwrap_err();
    assert!(matches!(error, StartError::Key { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "the run a can't have the key \"\", which has to be fit for an id too: a run's id can't be empty"
    );
    engine.start("a", script([])).key("fine").await.unwrap();
    assert_eq!(engine.runs().page(1).await.unwrap().runs[0].key.as_deref(), Some("fine"));
}
