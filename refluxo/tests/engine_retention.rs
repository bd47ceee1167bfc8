//! Runs that are over are removed by themselves.

mod support;

use std::time::Duration;

use refluxo::{
    Engine,
    engine::{EngineBuilder, Retention},
    prelude::*,
};
use support::{
    Place, build,
    script::{Line, Script, script},
};

const HOUR: Duration = Duration::from_hours(1);

/// A workflow of another name.
#[workflow]
async fn other(number: u8) -> u8 {
    number
}

/// The ids of all runs.
async fn ids(engine: &Engine) -> Vec<String> {
    let page = engine.runs().page(1_000).await.unwrap();
    let mut ids: Vec<String> = page.runs.iter().map(|run| run.id.to_string()).collect();
    ids.sort();
    ids
}

/// An engine that looks often; leases outlast the test.
fn restless(builder: EngineBuilder) -> EngineBuilder {
    builder.register::<Other>().lease(1_000_000 * HOUR).purge_every(Duration::from_secs(1))
}

/// Lets the store's time pass, and the engine look.
async fn pass(place: &Place, time: Duration) {
    place.clock.advance(time);
    tokio::time::sleep(Duration::from_mins(10)).await;
}

async fn end_one_of_each_kind(engine: &Engine) {
    engine.start("completed", script([])).await.unwrap().result().await.unwrap().unwrap();
    engine
        .start("failed", script([Line::Fail("no".to_owned())]))
        .await
        .unwrap()
        .result()
        .await
        .unwrap()
        .unwrap_err();
    let cancelled = engine.start("cancelled", script([Line::Listen])).await.unwrap();
    cancelled.cancel().await.unwrap();
    cancelled.result().await.unwrap_err();
    engine.start("other", other(1)).await.unwrap().result().await.unwrap();
    engine.start("waits", script([Line::Listen])).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn runs_are_kept_as_long_as_was_said() {
    let place = Place::memory();
    let builder = restless(place.builder(place.store().await));
    let retention = Retention::of(3 * HOUR).completed(HOUR);
    let engine = build(builder.retain_of::<Other>(Retention::FOREVER.failed(HOUR)).retain(retention)).await;
    end_one_of_each_kind(&engine).await;
    pass(&place, Duration::from_secs(3_599)).await;
    assert_eq!(ids(&engine).await, ["cancelled", "completed", "failed", "other", "waits"]);
    pass(&place, Duration::from_secs(2)).await;
    assert_eq!(ids(&engine).await, ["cancelled", "failed", "other", "waits"]);
    pass(&place, 2 * HOUR).await;
    assert_eq!(ids(&engine).await, ["other", "waits"]);
    pass(&place, 1_000 * HOUR).await;
    assert_eq!(ids(&engine).await, ["other", "waits"]);
}

#[tokio::test(start_paused = true)]
async fn an_engine_removes_nothing_unless_it_is_told_to() {
    let place = Place::memory();
    let engine = build(restless(place.builder(place.store().await))).await;
    end_one_of_each_kind(&engine).await;
    pass(&place, 1_000 * HOUR).await;
    assert_eq!(ids(&engine).await.len(), 5);
}

/// It knows nothing of what those who registered them need.
#[tokio::test(start_paused = true)]
async fn runs_of_workflows_that_are_not_registered_are_left_alone() {
    let place = Place::memory();
    let engine = build(restless(place.builder(place.store().await))).await;
    end_one_of_each_kind(&engine).await;
    engine.shutdown().await;
    let builder = Engine::builder(place.store().await).register::<Other>().retain(Retention::of(HOUR));
    let purging = build(builder.purge_every(Duration::from_secs(1))).await;
    pass(&place, 1_000 * HOUR).await;
    assert_eq!(ids(&purging).await, ["cancelled", "completed", "failed", "waits"]);
}

/// More than a batch, while others work; each engine takes what it finds.
#[tokio::test(start_paused = true)]
async fn several_engines_purge_at_once() {
    let place = Place::handing_back();
    let purging =
        async || build(restless(place.builder(place.store().await)).retain(Retention::of(HOUR))).await;
    let engines = [purging().await, purging().await, purging().await];
    for number in 0..700 {
        engines[0]
            .start(format!("done {number}"), script([]))
            .await
            .unwrap()
            .result()
            .await
            .unwrap()
            .unwrap();
    }
    place.clock.advance(2 * HOUR);
    for number in 0..50 {
        let lines = [support::step("one"), Line::Child(vec![support::step("two")])];
        let run: Run<Script> =
            engines[number % 3].start(format!("new {number}"), script(lines)).await.unwrap();
        run.result().await.unwrap().unwrap();
    }
    tokio::time::sleep(Duration::from_mins(10)).await;
    let left = ids(&engines[0]).await;
    assert_eq!(left.len(), 100, "the new ones and their children");
    assert!(left.iter().all(|id| id.starts_with("new")));
}
