//! A worker that dies at each of its store's operations in turn, before the store has done it and after, while it copies a run, goes
//! on with the copy, or keeps the states of a run.

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering,
    time::Duration,
};

use refluxo::{Engine, Run, engine::ForkError};
use support::{
    Place, build,
    faulty::{Fault, Faulty},
    passing,
    script::{Line, Script, Told, Word, script},
    soon, step, until, until_death,
};

everywhere! {
    a_copy_is_made_once_and_ends_wherever_its_first_worker_dies,
    states_are_kept_wherever_the_first_worker_dies,
}

/// Has a first worker die at each of its operations, before and after. A trial tells whether its worker had so many.
async fn every_death(place: &Place, at_least: u32, trial: impl AsyncFn(Place, u32, Fault) -> bool) {
    for fault in [Fault::Silence, Fault::SilenceAfter] {
        let mut number = 0;
        while trial(place.another(), number, fault).await {
            number += 1;
        }
        assert!(number > at_least, "the worker asks its store for more than {number} things");
    }
}

/// Lets a worker, which is dropped then, do something until it dies at its operation of this number; tells whether it did.
async fn dies(place: &Place, number: u32, fault: Fault, work: impl AsyncFnOnce(&Engine)) -> bool {
    let (faulty, died) = Faulty::dies_at(place.store().await, number, fault);
    let mortal = build(place.builder(faulty).keep_states(2)).await;
    until_death(place, &died, work(&mortal)).await;
    drop(mortal);
    died.load(Ordering::Relaxed)
}

/// An engine that works on no run, and by which runs are started and told things.
async fn office(place: &Place) -> Engine {
    let office = place.patient_engine().await;
    soon(office.shutdown()).await;
    office
}

/// What a run came to, with the help of a worker that lives.
async fn end(place: &Place, run: &Run<Script>) -> Told {
    let builder = place.builder(place.store().await).lease(Duration::from_secs(1_000_000));
    let worker = build(builder.keep_states(2)).await;
    let told = passing(place, run.result()).await.unwrap();
    drop(worker);
    let mut keys: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for noted in place.world.notes() {
        keys.entry((noted.run, noted.text)).or_default().insert(noted.key);
    }
    assert!(keys.values().all(|keys| keys.len() == 1), "a step ran under several keys: {keys:?}");
    told
}

async fn a_copy_is_made_once_and_ends_wherever_its_first_worker_dies(place: Place) {
    every_death(&place, 12, async |place, number, fault| {
        let branches = vec![
            vec![step("two")],
            vec![Line::Listen],
            vec![Line::Child(vec![step("three"), Line::Sleep(1)])],
        ];
        let first = place.patient_engine().await;
        let run = first.start("a", script([step("one"), Line::All(branches), step("last")])).await.unwrap();
        until(async || place.world.texts().len() == 3 && run.snapshot().await.unwrap().branches.len() > 3)
            .await;
        soon(first.shutdown()).await;
        let speak = async || {
            let copy = first.run::<Script>("b").await.unwrap();
            // It may have ended before it heard what was said to it once more.
            drop(copy.signal(Word("x".to_owned())).await);
            copy
        };
        let died = dies(&place, number, fault, async |mortal| {
            mortal.fork("a", "b").await.unwrap();
            drop(speak().await.result().await);
        })
        .await;
        match first.fork("a", "b").await {
            Ok(()) | Err(ForkError::IdTaken { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        let copy = speak().await;
        assert_eq!(end(&place, &copy).await.unwrap(), ["one", "{two|x|[three slept]}", "last"]);
        assert_eq!(run.snapshot().await.unwrap().at, "All", "the first run is left where it was");
        died
    })
    .await;
}

async fn states_are_kept_wherever_the_first_worker_dies(place: Place) {
    every_death(&place, 6, async |place, number, fault| {
        let lines = [step("one"), Line::Undo("undo".to_owned()), step("two"), Line::Sleep(1), step("three")];
        let run = office(&place).await.start("a", script(lines)).await.unwrap();
        let died = dies(&place, number, fault, async |_| drop(run.result().await)).await;
        let told = end(&place, &run).await;
        let kept = run.kept_states().await.unwrap();
        assert!(kept.values().eq(["Sleep", "Note"]), "{kept:?}");
        for revision in kept.into_keys() {
            let copy = run.fork(format!("from-{revision}")).from(revision).await.unwrap();
            assert_eq!(end(&place, &copy).await, told);
        }
        died
    })
    .await;
}
