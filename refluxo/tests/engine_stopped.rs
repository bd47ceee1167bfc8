//! Workers that were stopped for longer than their leases.
#![cfg(feature = "testing")]

mod support;

use std::{sync::Arc, time::Duration};

use refluxo::{MemoryStore, prelude::*, store::Store, testing::VirtualClock, time::Timestamp};
use support::{
    build,
    faulty::Faulty,
    script::{Script, script},
    step,
    world::World,
};

const LEASE: Duration = Duration::from_secs(10);

fn store() -> MemoryStore {
    MemoryStore::builder().clock(Arc::new(VirtualClock::starting_at(Timestamp::EPOCH))).build()
}

/// A worker on this line to a store.
async fn worker(line: impl Store, world: &World) -> Engine {
    let builder = Engine::builder(line).register::<Script>().provide(world.of_the_next_worker());
    build(builder.lease(LEASE)).await
}

/// Leaves a run of one step to whoever comes.
async fn leave(store: &MemoryStore, world: &World) -> Engine {
    let office = worker(store.clone(), world).await;
    office.shutdown().await;
    office.start("a", script([step("one")])).await.unwrap();
    office
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_slept_through_its_lease_begins_no_step_that_another_one_has_done() {
    let (store, world) = (store(), World::new());
    let office = leave(&store, &world).await;
    // It holds the run and does not know it for three leases.
    let _slow = worker(Faulty::late_at_first(Arc::new(store.clone()), 3 * LEASE), &world).await;
    tokio::time::sleep(LEASE / 2).await;
    let _other = worker(store.clone(), &world).await;
    let run = office.run::<Script>("a").await.unwrap();
    assert_eq!(run.result().await.unwrap().unwrap(), ["one"]);
    tokio::time::sleep(5 * LEASE).await;
    assert_eq!(world.texts(), ["one"]);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_slept_through_its_lease_goes_on_if_nobody_else_has_the_run() {
    let (store, world) = (store(), World::new());
    let office = leave(&store, &world).await;
    let _slow = worker(Faulty::late_at_first(Arc::new(store.clone()), 3 * LEASE), &world).await;
    let run = office.run::<Script>("a").await.unwrap();
    assert_eq!(run.result().await.unwrap().unwrap(), ["one"]);
    assert_eq!(world.texts(), ["one"]);
}

/// Where only one can be at a time.
#[step(concurrency = 1)]
async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

#[workflow]
async fn journey(time: Duration) {
    pass(time).await;
}

/// Its leases end before it knows, and it gets the runs once more. What it did for the old leases keeps nobody waiting.
#[tokio::test(start_paused = true)]
async fn a_worker_that_gets_a_run_again_lets_go_of_what_it_did_for_it_before() {
    let idle = Duration::from_secs(30);
    let line = Faulty::renews_nothing(Arc::new(store()), idle + LEASE / 4);
    let engine = build(Engine::builder(line).register::<Journey>().lease(LEASE)).await;
    let first = engine.start("first", journey(idle + LEASE / 2)).await.unwrap();
    let second = engine.start("second", journey(Duration::ZERO)).await.unwrap();
    let both = async { (first.result().await.unwrap(), second.result().await.unwrap()) };
    tokio::time::timeout(100 * LEASE, both).await.expect("the second one has its turn");
}
