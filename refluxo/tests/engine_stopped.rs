//! Workers that were stopped for longer than their leases.
#![cfg(feature = "testing")]

mod support;

use std::{sync::Arc, time::Duration};

use refluxo::{Engine, MemoryStore, store::Store, testing::VirtualClock, time::Timestamp};
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
