//! Schedules whose workers die at each operation of their store, and many workers at once: each tick is once.
#![cfg(feature = "schedule")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering,
    time::Duration,
};

use refluxo::{
    Engine,
    schedule::{ATTRIBUTE, CatchUp, Overlap, Schedule},
    store::{AttrValue, Filter, Listed, Query, Status, Store},
    time::{Clock as _, Timestamp},
};
use support::{
    Place, build,
    faulty::{Fault, Faulty},
    passing,
    script::script,
    soon, step, until,
};

everywhere! {
    each_tick_is_once_wherever_the_first_worker_dies,
    each_tick_is_once_with_many_workers_that_take_each_others_runs,
}

const SCHEDULE: &str = "ticks";

/// Some seconds from the time on when a place begins, and no more after that.
const FEW: &str = "21-23 13 22 14 11 * 2023";

/// A minute from then on.
const MANY: &str = "21-59 13 22 14 11 * 2023";

fn schedule(seconds: &str, overlap: Overlap) -> Schedule {
    Schedule::cron(seconds).unwrap().catch_up(CatchUp::All).overlap(overlap)
}

/// Lets the store's time pass, bit by bit.
async fn pass(place: &Place, duration: Duration, bit: Duration) {
    let end = place.clock.now().saturating_add(duration);
    while place.clock.now() < end {
        tokio::time::sleep(Duration::from_millis(1)).await;
        place.clock.advance(bit);
    }
}

/// The runs of the schedule that there are, by their ids.
async fn runs(store: &dyn Store) -> BTreeMap<String, Status> {
    let attributes = vec![(ATTRIBUTE.to_owned(), AttrValue::Text(SCHEDULE.to_owned()))];
    let filter = Filter { attributes, queues: vec!["script".to_owned()], ..Filter::default() };
    let listed = store.list(Query::Rows { filter, after: None, limit: 10_000 }).await.unwrap();
    let Listed::Rows { rows, .. } = listed.value else { panic!("rows were asked for") };
    rows.into_iter().map(|listed| (listed.row.id.to_string(), listed.row.head.status)).collect()
}

/// Whether so many runs of the schedule have ended.
async fn has_done(store: &dyn Store, number: usize) -> bool {
    let runs = runs(store).await;
    runs.len() == number && runs.values().all(|status| *status == Status::Completed)
}

/// Waits until every tick has its run and that has ended, and checks that there is nothing else.
async fn check(place: &Place, engine: &Engine, schedule: &Schedule) {
    let store = place.store().await;
    let ticks: BTreeSet<String> =
        schedule.ticks(Timestamp::EPOCH).map(|tick| format!("{SCHEDULE}@{tick}")).collect();
    passing(place, async {
        while !has_done(&*store, ticks.len()).await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    assert_eq!(runs(&*store).await.into_keys().collect::<BTreeSet<_>>(), ticks);
    let told = engine.schedule_handle(SCHEDULE).unwrap().describe().await.unwrap();
    assert_eq!((told.parked, told.skipped, told.next), (None, 0, vec![]));
    // A run that was started twice would have two lives, with a key each.
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for noted in place.world.notes() {
        keys.entry(noted.run).or_default().insert(noted.key);
    }
    assert_eq!(keys.keys().cloned().collect::<BTreeSet<_>>(), ticks);
    assert!(keys.values().all(|keys| keys.len() == 1), "{keys:?}");
}

async fn each_tick_is_once_wherever_the_first_worker_dies(place: Place) {
    // One by one, or all of them missed and made up one after another.
    for (overlap, steps, secs) in [(Overlap::Allow, 3, 1), (Overlap::BufferOne, 1, 10)] {
        for fault in [Fault::Silence, Fault::SilenceAfter] {
            let mut number = 0;
            while death(&place.another(), number, fault, &schedule(FEW, overlap), (steps, secs)).await {
                number += place.stride();
            }
            assert!(number > 20, "the worker asks its store for more than {number} things");
        }
    }
}

/// Has a worker die at its operation of this number, and another one go on. `false` if the first had no so many.
async fn death(
    place: &Place,
    number: u32,
    fault: Fault,
    schedule: &Schedule,
    (steps, secs): (u32, u64),
) -> bool {
    let office = place.patient_engine().await;
    soon(office.shutdown()).await;
    office.schedule(SCHEDULE, schedule.clone(), script(vec![step("tick")])).await.unwrap();
    let (faulty, died) = Faulty::dies_at(place.store().await, number, fault);
    let mortal = build(place.builder(faulty)).await;
    let store = place.store().await;
    for _ in 0..steps {
        place.clock.advance(Duration::from_secs(secs));
        let now = place.clock.now();
        let due = schedule.ticks(Timestamp::EPOCH).take_while(|tick| *tick <= now).count();
        // Time stands while it works.
        until(async || died.load(Ordering::Relaxed) || has_done(&*store, due).await).await;
    }
    drop(mortal);
    let engine = place.patient_engine().await;
    check(place, &engine, schedule).await;
    died.load(Ordering::Relaxed)
}

async fn each_tick_is_once_with_many_workers_that_take_each_others_runs(place: Place) {
    let schedule = schedule(MANY, Overlap::Allow);
    let mut engines = Vec::new();
    for _ in 0..4 {
        engines.push(hasty(&place).await);
    }
    for engine in &engines {
        engine.schedule(SCHEDULE, schedule.clone(), script(vec![step("tick")])).await.unwrap();
    }
    for turn in 0..6 {
        pass(&place, Duration::from_secs(5), Duration::from_millis(100)).await;
        // One dies, and another one comes.
        drop(engines.remove(turn % 4));
        engines.push(hasty(&place).await);
    }
    let engine = place.patient_engine().await;
    drop(engines);
    check(&place, &engine, &schedule).await;
}

/// An engine whose leases are so short that they end while steps run.
async fn hasty(place: &Place) -> Engine {
    let builder = place.builder(place.store().await);
    build(builder.lease(Duration::from_millis(300)).poison_limit(1_000)).await
}
