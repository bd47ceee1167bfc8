//! A worker that dies at each of its store's operations in turn, before the store has done it and after: the next worker
//! finishes the run as if nothing had been.

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering,
    time::Duration,
};

use refluxo::{Run, engine::ResultError, snapshot::RunStatus};
use support::{
    Place, build,
    faulty::{Fault, Faulty},
    passing,
    random::steps,
    script::{Line, Script, Told, Word, expected::expected, script},
    soon, step, until_death,
};

everywhere! {
    a_run_ends_wherever_its_first_worker_dies,
    branches_end_wherever_their_first_worker_dies,
    a_race_ends_wherever_its_first_worker_dies,
    what_was_done_is_undone_wherever_the_first_worker_dies,
    a_cancelled_run_ends_wherever_its_first_worker_dies,
    an_aborted_run_ends_wherever_its_first_worker_dies,
    a_paused_run_goes_on_wherever_its_first_worker_dies,
}

/// What a run is to come through.
struct Trial {
    lines: Vec<Line>,
    /// What it is told before a worker comes.
    words: &'static [&'static str],
    order: Option<Order>,
    /// How many operations its first worker has at least.
    operations: u32,
}

/// What an operator says before a worker comes, once the run has made its first step.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    Cancel,
    Abort,
    Pause,
}

/// How a run ended, with the steps that have run, in order.
type End = (Result<Told, RunStatus>, Vec<String>);

fn undo(text: &str) -> Line {
    Line::Undo(text.to_owned())
}

/// A script with all that stands alone.
fn in_a_row() -> Vec<Line> {
    vec![
        step("one"),
        Line::Listen,
        Line::Child(vec![step("two"), Line::Sleep(1), step("three")]),
        Line::Within(60, Box::new(Line::Listen)),
        Line::Sleep(1),
        Line::Flaky("four".to_owned(), 1),
        step("five"),
    ]
}

/// A script with all that stands in branches.
fn in_branches() -> Vec<Line> {
    vec![
        Line::All(vec![
            vec![step("a1"), Line::Listen, step("a2")],
            vec![Line::Child(vec![step("b1")]), Line::Sleep(1)],
            vec![Line::Flaky("c1".to_owned(), 1)],
        ]),
        Line::Some(2, vec![vec![step("d1")], vec![step("e1"), step("e2")], vec![step("f1")]]),
        step("last"),
    ]
}

async fn a_run_ends_wherever_its_first_worker_dies(place: Place) {
    let trial = Trial { lines: in_a_row(), words: &["zero", "one"], order: None, operations: 15 };
    trial
        .every_death(&place, &|lines, (told, ran)| {
            assert_eq!(told, Ok(expected(lines, &mut ["zero", "one"].map(str::to_owned).into_iter())));
            assert_eq!(ran, steps(lines), "a step began after its commit");
        })
        .await;
}

async fn branches_end_wherever_their_first_worker_dies(place: Place) {
    let trial = Trial { lines: in_branches(), words: &["zero"], order: None, operations: 12 };
    trial
        .every_death(&place, &|lines, (told, ran)| {
            assert_eq!(told, Ok(expected(lines, &mut std::iter::once("zero".to_owned()))));
            let (ran, all): (BTreeSet<_>, BTreeSet<_>) =
                (ran.into_iter().collect(), steps(lines).into_iter().collect());
            assert_eq!(ran, all);
        })
        .await;
}

async fn a_race_ends_wherever_its_first_worker_dies(place: Place) {
    let child = Line::Child(vec![undo("undo"), Line::Sleep(900)]);
    let race =
        Line::Race(vec![vec![Line::Sleep(600)], vec![child], vec![step("one"), Line::Listen, step("two")]]);
    let trial = Trial { lines: vec![race, step("last")], words: &["zero"], order: None, operations: 7 };
    trial
        .every_death(&place, &|_, (told, ran)| {
            assert_eq!(told, Ok(Ok(vec!["2:one zero two".to_owned(), "last".to_owned()])));
            let mut own: Vec<_> = ran.into_iter().filter(|text| text != "undo").collect();
            own.dedup();
            assert_eq!(own, ["one", "two", "last"]);
        })
        .await;
}

async fn what_was_done_is_undone_wherever_the_first_worker_dies(place: Place) {
    let lines = vec![
        step("one"),
        undo("undo one"),
        Line::UndoChild(vec![step("undo two")]),
        Line::UndoFlaky("undo three".to_owned(), 1),
        Line::Try(vec![
            vec![undo("undo four"), Line::Sleep(1), Line::Fail("no".to_owned())],
            vec![Line::Listen],
        ]),
    ];
    let trial = Trial { lines, words: &[], order: None, operations: 12 };
    trial
        .every_death(&place, &|_, (told, ran)| {
            assert_eq!(told, Ok(Err("no".to_owned())));
            assert_eq!(ran, ["one", "undo four", "undo three", "undo two", "undo one"]);
        })
        .await;
}

/// A run that is at everything that can be given up.
fn to_be_ended() -> Vec<Line> {
    let child = Line::Child(vec![undo("undo child"), Line::Sleep(900)]);
    let branches = vec![vec![child], vec![Line::Listen], vec![undo("undo branch"), Line::Sleep(900)]];
    vec![undo("undo one"), Line::Sleep(0), Line::UndoFlaky("undo two".to_owned(), 1), Line::All(branches)]
}

fn was_undone(end: End) {
    let (told, ran) = end;
    assert_eq!(told, Err(RunStatus::Cancelled));
    let mut own: Vec<_> = ran.iter().filter(|text| *text != "undo child").collect();
    own.dedup();
    // Wherever the order found it.
    let all = ["undo branch", "undo two", "undo one"];
    assert!((0..=all.len()).any(|skipped| own == all[skipped..]), "{ran:?}");
}

async fn a_cancelled_run_ends_wherever_its_first_worker_dies(place: Place) {
    let order = Some(Order::Cancel);
    let trial = Trial { lines: to_be_ended(), words: &[], order, operations: 7 };
    trial.every_death(&place, &|_, end| was_undone(end)).await;
}

async fn an_aborted_run_ends_wherever_its_first_worker_dies(place: Place) {
    let order = Some(Order::Abort);
    let trial = Trial { lines: to_be_ended(), words: &[], order, operations: 7 };
    trial.every_death(&place, &|_, end| was_undone(end)).await;
}

async fn a_paused_run_goes_on_wherever_its_first_worker_dies(place: Place) {
    let lines = in_branches();
    let trial = Trial { lines, words: &["zero"], order: Some(Order::Pause), operations: 12 };
    trial
        .every_death(&place, &|lines, (told, _)| {
            assert_eq!(told, Ok(expected(lines, &mut std::iter::once("zero".to_owned()))));
        })
        .await;
}

impl Trial {
    /// Has a first worker die at each of its operations, before and after, and another one finish.
    async fn every_death(&self, place: &Place, check: &dyn Fn(&[Line], End)) {
        for fault in [Fault::Silence, Fault::SilenceAfter] {
            let mut number = 0;
            while self.death(&place.another(), number, fault, check).await {
                number += place.stride();
            }
            assert!(number > self.operations, "the worker asks its store for more than {number} things");
        }
    }

    /// Has a worker die at its operation of this number, and another one finish. `false` if the first had no so many.
    async fn death(&self, place: &Place, number: u32, fault: Fault, check: &dyn Fn(&[Line], End)) -> bool {
        let office = place.patient_engine().await;
        soon(office.shutdown()).await;
        let run = office.start("a", script(self.lines.clone())).await.unwrap();
        for word in self.words {
            run.signal(Word((*word).to_owned())).await.unwrap();
        }
        let (faulty, died) = Faulty::dies_at(place.store().await, number, fault);
        let mortal = build(place.builder(faulty)).await;
        until_death(place, &died, self.order(&run)).await;
        drop(mortal);
        check(&self.lines, self.finish(place, &run).await);
        died.load(Ordering::Relaxed)
    }

    /// Gives the order and waits until it was heeded wholly, or for the end if there is none.
    async fn order(&self, run: &Run<Script>) {
        match self.order {
            None => drop(run.result().await),
            Some(Order::Pause) => {
                run.pause().await.unwrap();
                support::until(async || run.snapshot().await.unwrap().status == RunStatus::Paused).await;
                run.resume().await.unwrap();
                drop(run.result().await);
            }
            Some(order @ (Order::Cancel | Order::Abort)) => {
                let is_at_all = async || run.snapshot().await.unwrap().at == "All";
                support::until(is_at_all).await;
                if order == Order::Cancel {
                    run.cancel().await.unwrap();
                } else {
                    run.abort().await.unwrap();
                }
                drop(run.result().await);
            }
        }
    }

    /// Has a paused run go on, again and again: the order to pause was cut off, and may be still on its way.
    async fn insist(&self, run: &Run<Script>) {
        if self.order != Some(Order::Pause) {
            std::future::pending::<()>().await;
        }
        loop {
            drop(run.resume().await);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Has another worker finish what there is.
    async fn finish(&self, place: &Place, run: &Run<Script>) -> End {
        match self.order {
            // They may have been given already; the run heeds them once.
            Some(Order::Cancel) => drop(run.cancel().await),
            Some(Order::Abort) => drop(run.abort().await),
            Some(Order::Pause) | None => {}
        }
        let worker = place.patient_engine().await;
        let told = tokio::select! {
            told = passing(place, run.result()) => told,
            () = self.insist(run) => unreachable!("nobody tires of it"),
        };
        let told = match told {
            Ok(told) => Ok(told),
            Err(ResultError::Cancelled { .. }) => Err(run.snapshot().await.unwrap().status),
            Err(error) => panic!("{error}"),
        };
        drop(worker);
        check_keys(place);
        let mut ran = Vec::new();
        for noted in place.world.notes_in_turn() {
            if ran.last() != Some(&noted.text) {
                ran.push(noted.text);
            }
        }
        (told, ran)
    }
}

/// Checks that each step ran under one key of its own.
fn check_keys(place: &Place) {
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for noted in place.world.notes() {
        keys.entry(noted.text).or_default().insert(noted.key);
    }
    for (text, keys) in keys {
        assert_eq!(keys.len(), 1, "the step {text} ran under several keys");
    }
}
