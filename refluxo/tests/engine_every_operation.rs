//! A worker that dies at each of its store's operations in turn, before the store has done it and after: the next worker
//! finishes the run as if nothing had been.

mod support;

use std::{sync::atomic::Ordering, time::Duration};

use refluxo::Run;
use support::{
    Place, build,
    faulty::{Fault, Faulty},
    random::steps,
    script::{Line, Script, Word, expected, script},
    soon, step,
};

everywhere! {
    a_run_ends_wherever_its_first_worker_dies,
}

/// A script with everything in it.
fn lines() -> Vec<Line> {
    vec![
        step("one"),
        Line::Listen,
        Line::Child(vec![step("two"), Line::Sleep(1), step("three")]),
        Line::Sleep(1),
        Line::Listen,
        step("four"),
    ]
}

async fn a_run_ends_wherever_its_first_worker_dies(place: Place) {
    for fault in [Fault::Silence, Fault::SilenceAfter] {
        let mut number = 0;
        while dies_at(&place.another(), number, fault).await {
            number += 1;
        }
        assert!(number > 12, "the worker asks its store for more than {number} things");
    }
}

/// Has a worker die at its operation of this number, and another one finish. `false` if the first had no so many.
async fn dies_at(place: &Place, number: u32, fault: Fault) -> bool {
    let office = place.engine().await;
    soon(office.shutdown()).await;
    let run = office.start("a", script(lines())).await.unwrap();
    for word in ["zero", "one"] {
        run.signal(Word(word.to_owned())).await.unwrap();
    }
    let (faulty, died) = Faulty::dies_at(place.store().await, number, fault);
    let mortal = build(place.builder(faulty)).await;
    let dead = async {
        while !died.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(1)).await;
            place.clock.advance(Duration::from_millis(100));
        }
        // What it does on its own until it needs the store again.
        tokio::time::sleep(Duration::from_millis(3)).await;
    };
    soon(async {
        tokio::select! {
            result = run.result() => drop(result),
            () = dead => {}
        }
    })
    .await;
    drop(mortal);
    finish(place, &run).await;
    died.load(Ordering::Relaxed)
}

/// Has another worker finish what there is, and compares.
async fn finish(place: &Place, run: &Run<Script>) {
    let worker = place.engine().await;
    let time = async {
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            place.clock.advance(Duration::from_millis(100));
        }
    };
    let told = tokio::select! {
        told = soon(run.result()) => told.unwrap(),
        () = time => unreachable!("time does not end"),
    };
    drop(worker);
    assert_eq!(told, expected(&lines(), &mut ["zero", "one"].map(str::to_owned).into_iter()));
    let mut ran: Vec<_> = place.world.notes_in_turn().into_iter().map(|noted| noted.text).collect();
    ran.dedup();
    assert_eq!(ran, steps(&lines()), "a step began after its commit");
}
