//! What operators see of all runs, and have many of them do.

mod support;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use refluxo::{
    Engine,
    engine::{BulkError, HistoryEvent, PurgeError, QueryError, ReadError, RunCount, RunPage, VerbError},
    machine::Machine as _,
    snapshot::{ParkReason, RunStatus},
    store::{Limits, ListCursor, RunId, Status},
};
use support::{
    Place, build,
    faulty::Faulty,
    script::{Line, Script, Word, script},
    soon, step, until,
};

everywhere! {
    a_page_tells_how_runs_stand,
    runs_are_found_by_all_that_is_said_of_them,
    pages_show_each_run_once_whatever_happens_meanwhile,
    ages_are_told_by_the_stores_clock,
    many_runs_are_told_once_each,
    what_would_change_nothing_is_skipped,
    nothing_of_a_purged_run_is_left,
    runs_are_purged_up_to_a_limit,
    a_purge_leaves_what_lives,
}

const HOUR: Duration = Duration::from_hours(1);

/// The ids of a page.
fn ids(page: &RunPage) -> Vec<&str> {
    page.runs.iter().map(|run| run.id.as_str()).collect()
}

/// Starts runs that wait for a word, one after the other.
async fn waiting(engine: &Engine, place: &Place, names: impl IntoIterator<Item = String>) {
    for name in names {
        engine.start(&name, script([Line::Listen])).await.unwrap();
        place.clock.advance(Duration::from_millis(1));
    }
    let is_waiting = async || engine.runs().status(Status::Ready).count().await.unwrap() == 0;
    until(is_waiting).await;
}

/// Waits until so many runs stand so.
async fn until_count(engine: &Engine, status: Status, count: u64) {
    until(async || engine.runs().status(status).count().await.unwrap() == count).await;
}

async fn a_page_tells_how_runs_stand(place: Place) {
    let engine = place.patient_engine().await;
    engine.start("waits", script([Line::Listen])).await.unwrap();
    engine.start("sleeps", script([Line::Sleep(3_600)])).await.unwrap();
    engine.start("parks", script([step("boom")])).await.unwrap();
    engine.start("parent", script([Line::Child(vec![step("gate")])])).await.unwrap();
    engine.start("done", script([])).await.unwrap();
    soon(place.world.somebody_at_the_gate()).await;
    until_count(&engine, Status::Waiting, 3).await;
    until_count(&engine, Status::Parked, 1).await;
    until_count(&engine, Status::Completed, 1).await;
    let page = engine.runs().page(100).await.unwrap();
    assert_eq!((page.runs.len(), &page.next), (6, &None));
    let run = |id: &str| page.runs.iter().find(|run| run.id.as_str() == id).unwrap();
    for run in &page.runs {
        assert_eq!((run.workflow.as_str(), run.version), ("script", 1));
    }
    let (waits, sleeps) = (run("waits"), run("sleeps"));
    assert_eq!((waits.status, waits.at.as_str(), waits.due), (RunStatus::Waiting, "Word", None));
    assert_eq!(sleeps.due, Some(sleeps.created_at.saturating_add(HOUR)));
    let parked = run("parks");
    assert_eq!(parked.status, RunStatus::Parked);
    assert!(matches!(&parked.error, Some(ParkReason::StepPanicked { .. })), "{:?}", parked.error);
    let done = run("done");
    assert_eq!((done.status, done.ended_at), (RunStatus::Completed, Some(done.updated_at)));
    let child = engine.runs().parent("parent").page(9).await.unwrap().runs.remove(0);
    assert_eq!((child.status, child.root.as_str()), (RunStatus::Running, "parent"));
    assert_eq!(child.parent.as_ref().map(RunId::as_str), Some("parent"));
    let json = serde_json::to_value(&page).unwrap();
    let shown = json["runs"].as_array().unwrap().iter().find(|run| run["id"] == "parks").unwrap();
    assert_eq!((&shown["status"], &shown["error"]["reason"]), (&"parked".into(), &"stepPanicked".into()));
    place.world.open_gate();
}

async fn runs_are_found_by_all_that_is_said_of_them(place: Place) {
    let engine = place.patient_engine().await;
    let start = |id: &str, lines: Vec<Line>| engine.start(id, script(lines)).attribute("who", &id[..1]);
    start("a1", vec![Line::Listen]).await.unwrap();
    start("a2", vec![step("boom")]).await.unwrap();
    start("b1", vec![step("boom")]).await.unwrap();
    until_count(&engine, Status::Parked, 2).await;
    until_count(&engine, Status::Waiting, 1).await;
    let runs = || engine.runs();
    let cases = [
        ("workflow", runs().of::<Script>(), 3),
        ("no workflow", runs().workflow("none"), 0),
        ("one of two workflows", runs().workflow("none").workflow(Script::NAME), 3),
        ("one of two statuses", runs().status(Status::Parked).status(Status::Waiting), 3),
        ("state", runs().at("Word"), 1),
        ("attribute", runs().attribute("who", "a"), 2),
        ("attribute and status", runs().attribute("who", "a").status(Status::Parked), 1),
        ("number for a text", runs().attribute("who", 1), 0),
    ];
    for (name, query, count) in cases {
        assert_eq!(query.count().await.unwrap(), count, "{name}");
        assert_eq!(query.page(9).await.unwrap().runs.len() as u64, count, "{name}");
    }
    assert_eq!(runs().count_up_to(2).await.unwrap(), RunCount { runs: 2, capped: true });
    assert_eq!(runs().count_up_to(9).await.unwrap(), RunCount { runs: 3, capped: false });
    let error = runs().parent("").count().await.unwrap_err();
    assert!(matches!(error, QueryError::InvalidId(_)), "{error}");
}

async fn pages_show_each_run_once_whatever_happens_meanwhile(place: Place) {
    let engine = place.patient_engine().await;
    waiting(&engine, &place, (0..9).map(|number| number.to_string())).await;
    let (mut seen, mut next) = (Vec::new(), None::<ListCursor>);
    loop {
        let page = engine.runs().page(2).after(next).await.unwrap();
        seen.extend(page.runs.iter().map(|run| run.id.to_string()));
        // As an HTTP caller would hand it back.
        next = page.next.map(|next| next.to_string().parse().unwrap());
        if next.is_none() {
            break;
        }
        let changed = engine.run::<Script>(seen.last().unwrap()).await.unwrap();
        changed.signal(Word("go".to_owned())).await.unwrap();
        engine.start(format!("new-{}", seen.len()), script([])).await.unwrap();
        place.clock.advance(Duration::from_millis(1));
    }
    assert_eq!(seen, ["8", "7", "6", "5", "4", "3", "2", "1", "0"]);
}

async fn ages_are_told_by_the_stores_clock(place: Place) {
    let engine = place.patient_engine().await;
    waiting(&engine, &place, ["old".to_owned(), "touched".to_owned()]).await;
    let between = engine.runs().page(1).await.unwrap().runs[0].created_at;
    place.clock.advance(HOUR);
    waiting(&engine, &place, ["new".to_owned()]).await;
    let touched = engine.run::<Script>("touched").await.unwrap();
    touched.signal(Word("go".to_owned())).await.unwrap();
    soon(touched.result()).await.unwrap().unwrap();
    let found = async |query: refluxo::engine::RunQuery| {
        ids(&query.page(9).await.unwrap()).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let runs = || engine.runs();
    let minute = Duration::from_mins(1);
    assert_eq!(found(runs().older_than(minute)).await, ["touched", "old"]);
    assert_eq!(found(runs().untouched_for(minute)).await, ["old"]);
    assert_eq!(found(runs().ended_for(minute)).await, [""; 0]);
    assert_eq!(found(runs().created(between..)).await, ["new", "touched"]);
    assert_eq!(found(runs().created(..=between)).await, ["touched", "old"]);
    assert_eq!(found(runs().created(..between)).await, ["old"]);
    assert_eq!(found(runs().created(..between).older_than(2 * HOUR)).await, [""; 0], "both hold");
    assert_eq!(found(runs().updated(between.saturating_add(minute)..)).await, ["new", "touched"]);
    assert_eq!(found(runs().ended(between..)).await, ["touched"]);
    place.clock.advance(2 * minute);
    assert_eq!(found(runs().ended_for(minute)).await, ["touched"]);
}

/// More than a batch of them; what they are told makes them leave the runs that were asked for.
async fn many_runs_are_told_once_each(place: Place) {
    const RUNS: usize = 1_203;
    let engine = place.patient_engine().await;
    waiting(&engine, &place, (0..RUNS).map(|number| number.to_string())).await;
    let paused =
        engine.runs().of::<Script>().status(Status::Waiting).pause().by("eve").reason("a bad deploy");
    let done = paused.await.unwrap();
    assert_eq!((done.told, done.skipped, done.failed), (RUNS as u64, 0, 0));
    until_count(&engine, Status::Paused, RUNS as u64).await;
    let done = engine.runs().status(Status::Paused).resume().await.unwrap();
    assert_eq!((done.told, done.skipped, done.failed), (RUNS as u64, 0, 0));
    until_count(&engine, Status::Waiting, RUNS as u64).await;
    for number in [0, 499, 500, 1_000, RUNS - 1] {
        let entries = engine.history(number.to_string()).await.unwrap().entries;
        let orders = entries.iter().filter_map(|entry| match &entry.event {
            HistoryEvent::Order(order) => {
                Some((order.verb.name(), order.by.as_deref(), order.reason.as_deref()))
            }
            _ => None,
        });
        let expected = [("resume", None, None), ("pause", Some("eve"), Some("a bad deploy"))];
        assert_eq!(orders.collect::<Vec<_>>(), expected, "{number}");
    }
}

async fn what_would_change_nothing_is_skipped(place: Place) {
    let engine = place.patient_engine().await;
    engine.start("done", script([])).await.unwrap();
    engine.start("parked", script([step("boom")])).await.unwrap();
    waiting(&engine, &place, ["waits".to_owned()]).await;
    until_count(&engine, Status::Parked, 1).await;
    until_count(&engine, Status::Completed, 1).await;
    let counts = |done: refluxo::engine::Bulk| (done.told, done.skipped, done.failed);
    assert_eq!(counts(engine.runs().resume().await.unwrap()), (0, 3, 0));
    assert_eq!(counts(engine.runs().pause().await.unwrap()), (2, 1, 0));
    // The parked one stays parked, and is paused beside that.
    until_count(&engine, Status::Paused, 1).await;
    until(async || engine.snapshot("parked").await.unwrap().paused).await;
    assert_eq!(counts(engine.runs().pause().await.unwrap()), (0, 3, 0));
    assert_eq!(counts(engine.runs().retry().await.unwrap()), (1, 2, 0));
    assert_eq!(counts(engine.runs().abort().await.unwrap()), (2, 1, 0));
    until_count(&engine, Status::Cancelled, 2).await;
    assert_eq!(counts(engine.runs().cancel().await.unwrap()), (0, 3, 0));
}

async fn nothing_of_a_purged_run_is_left(place: Place) {
    let engine = place.patient_engine().await;
    let start = || engine.start("a", script([Line::Tag("n".to_owned(), 1), Line::Listen]));
    start().await.unwrap();
    until_count(&engine, Status::Waiting, 1).await;
    engine.runs().cancel().await.unwrap();
    until_count(&engine, Status::Cancelled, 1).await;
    assert_eq!(engine.runs().purge().await.unwrap(), 1);
    assert!(matches!(engine.history("a").await.unwrap_err(), ReadError::Unknown { .. }));
    assert_eq!(engine.runs().attribute("n", 1).count().await.unwrap(), 0);
    start().await.unwrap();
    until_count(&engine, Status::Waiting, 1).await;
    assert_eq!(engine.history("a").await.unwrap().entries.len(), 1, "nothing of its first life");
}

async fn runs_are_purged_up_to_a_limit(place: Place) {
    let engine = place.patient_engine().await;
    for number in 0..450 {
        engine.start(number.to_string(), script([])).await.unwrap();
        place.clock.advance(Duration::from_millis(1));
    }
    until_count(&engine, Status::Completed, 450).await;
    assert_eq!(engine.runs().status(Status::Failed).purge().await.unwrap(), 0);
    assert_eq!(engine.runs().purge().limit(230).await.unwrap(), 230);
    assert_eq!(engine.runs().count().await.unwrap(), 220);
    assert_eq!(engine.runs().purge().limit(0).await.unwrap(), 0);
    assert_eq!(engine.runs().purge().by("eve").reason("enough").await.unwrap(), 220);
    assert_eq!(engine.runs().count().await.unwrap(), 0);
    let error = engine.runs().parent("").purge().await.unwrap_err();
    assert!(matches!(error, PurgeError::InvalidId(_)), "{error}");
}

async fn a_purge_leaves_what_lives(place: Place) {
    let engine = place.patient_engine().await;
    engine.start("done", script([])).await.unwrap();
    engine.start("late", script([Line::Sleep(3_600)])).await.unwrap();
    waiting(&engine, &place, ["waits".to_owned()]).await;
    until_count(&engine, Status::Completed, 1).await;
    place.clock.advance(Duration::from_mins(30));
    assert_eq!(engine.runs().ended_for(HOUR).purge().await.unwrap(), 0);
    place.clock.advance(HOUR);
    until_count(&engine, Status::Completed, 2).await;
    assert_eq!(engine.runs().ended_for(HOUR).purge().await.unwrap(), 1, "the one that ended first");
    let left: BTreeSet<String> =
        engine.runs().page(9).await.unwrap().runs.iter().map(|run| run.id.to_string()).collect();
    assert_eq!(left, BTreeSet::from(["late".to_owned(), "waits".to_owned()]));
}

/// An order that the store could not take goes on where it stopped.
#[tokio::test]
async fn a_bulk_that_failed_says_how_far_it_came() {
    let place = Place::memory();
    let engine = place.patient_engine().await;
    waiting(&engine, &place, (0..700).map(|number| number.to_string())).await;
    // A page and its delivery, and the next page.
    let fuse = Arc::new(AtomicU32::new(3));
    let operator = build(Engine::builder(Faulty::burns_out(place.store().await, fuse.clone()))).await;
    let error = operator.runs().cancel().by("eve").await.unwrap_err();
    let BulkError::Store { done, next: Some(next), .. } = error else { panic!("{error}") };
    assert_eq!((done.told, done.skipped), (500, 0));
    fuse.store(100, Ordering::Relaxed);
    let rest = operator.runs().cancel().after(next).await.unwrap();
    assert_eq!(rest.told, 200);
    assert_eq!(fuse.load(Ordering::Relaxed), 98, "a page and its delivery");
    until_count(&engine, Status::Cancelled, 700).await;
}

/// One run that takes no more messages keeps none of the others from being told.
#[tokio::test]
async fn a_run_that_can_not_be_told_harms_no_other() {
    let place = Place::memory();
    let limits = Limits { inbox_messages: 2, ..Limits::default() };
    let store = refluxo::MemoryStore::builder().clock(place.clock.clone()).limits(limits).build();
    let engine = build(place.builder(store.clone())).await;
    waiting(&engine, &place, ["free".to_owned()]).await;
    engine.start("full", script([step("gate"), Line::Listen])).await.unwrap();
    soon(place.world.somebody_at_the_gate()).await;
    let full = engine.run::<Script>("full").await.unwrap();
    for _ in 0..2 {
        full.signal(Word("wait".to_owned())).await.unwrap();
    }
    let done = engine.runs().cancel().await.unwrap();
    assert_eq!((done.told, done.failed), (1, 1));
    assert!(
        matches!(&done.errors[..], [VerbError::Full { id, .. }] if id.as_str() == "full"),
        "{:?}",
        done.errors
    );
}
