//! Steps that write in the store's transaction: what they wrote is there once, wherever a worker dies and whatever the store
//! answers, and not at all if the step, the workflow or the store fails.
#![cfg(feature = "sqlite")]

mod support;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use refluxo::{
    Engine, Run,
    engine::{BuildError, ResultError},
    observer::Event,
    prelude::*,
    snapshot::{ParkReason, RunStatus},
    store::Store,
};
use rusqlite::Connection;
use support::{
    Place, build,
    faulty::{Fault, Faulty},
    passing, soon, until, until_death,
};
use tokio::sync::Semaphore;

/// How many bodies have run, over all workers.
#[derive(Clone, Default)]
struct Bodies(Arc<AtomicU32>);

/// Writes a line into the user's table.
#[step(transaction)]
fn note(
    tx: &mut SqliteTransaction,
    #[inject] bodies: &Bodies,
    #[inject] cx: &StepContext,
    what: &str,
) -> Result<i64, String> {
    bodies.0.fetch_add(1, Ordering::Relaxed);
    let line = [cx.run_id(), what, cx.idempotency_key()];
    tx.execute("INSERT INTO note (run, what, key) VALUES (?1, ?2, ?3)", line)
        .map_err(|error| error.to_string())?;
    Ok(tx.last_insert_rowid())
}

/// Writes a line in each attempt, of which all but the third fail.
#[step(transaction, retry(attempts = 3, initial = "1s", jitter = false))]
fn third(tx: &mut SqliteTransaction, #[inject] cx: &StepContext, what: &str) -> Result<u32, String> {
    let line = [cx.run_id(), what, cx.idempotency_key()];
    tx.execute("INSERT INTO note (run, what, key) VALUES (?1, ?2, ?3)", line)
        .map_err(|error| error.to_string())?;
    if cx.attempt() < 3 { Err(format!("attempt {}", cx.attempt())) } else { Ok(cx.attempt()) }
}

/// Writes a line and fails.
#[step(transaction)]
fn refuse(tx: &mut SqliteTransaction, what: &str) -> Result<(), String> {
    tx.execute("INSERT INTO note (run, what, key) VALUES ('', ?1, '')", [what])
        .map_err(|error| error.to_string())?;
    Err(what.to_owned())
}

#[step]
async fn plain() {}

/// All the places in which a step may stand.
#[workflow]
async fn shop(fails: bool) -> Result<u32, String> {
    compensate!(note("undone last"));
    note("first").await?;
    let refused = refuse("never").await;
    compensate!(note("undone first"));
    let (_, tries) = try_join!(note("left"), async move {
        plain().await;
        third("right").await
    })?;
    plain().await;
    if fails {
        return refused.map(|()| tries);
    }
    note("last").await?;
    Ok(tries)
}

/// What is in the user's table, in order.
struct Table(Connection);

impl Table {
    /// In the store's file, once that is there.
    fn of(place: &Place) -> Self {
        Self::in_file(&place.file())
    }

    fn in_file(file: &Path) -> Self {
        let db = Connection::open(file).expect("the file is there");
        db.execute_batch("CREATE TABLE note (run TEXT, what TEXT, key TEXT UNIQUE)").expect("a table");
        Self(db)
    }

    fn lines(&self) -> Vec<String> {
        let mut statement = self.0.prepare("SELECT what FROM note ORDER BY rowid").expect("a statement");
        let lines = statement.query_map([], |row| row.get(0)).expect("rows");
        lines.collect::<Result<_, _>>().expect("text")
    }
}

/// A worker here, whose leases end in a second or so of a test in which time passes.
async fn worker(place: &Place, store: impl Store, bodies: &Bodies) -> Engine {
    let builder = place.builder(store).lease(Duration::from_secs(200));
    let builder = builder.register::<Shop>().register::<Once>().register::<Odd>().provide(bodies.clone());
    build(builder).await
}

/// A place with a table, and a run that no worker has seen yet.
async fn run_of_nobody(place: &Place, fails: bool) -> (Table, Run<Shop>) {
    let office = worker(place, place.store().await, &Bodies::default()).await;
    soon(office.shutdown()).await;
    let table = Table::of(place);
    (table, office.start("a", shop(fails)).await.expect("it is started"))
}

/// What a worker asks its store for at least: seven attempts of steps begin a transaction, write in it and commit it; the start and
/// the plain step behind the branches have commits of their own.
const AT_LEAST: u32 = 23;

/// What the table holds of a run that has ended.
fn expected(fails: bool) -> Vec<&'static str> {
    if fails {
        vec!["first", "left", "right", "undone first", "undone last"]
    } else {
        vec!["first", "left", "right", "last"]
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_step_wrote_is_there_once_wherever_a_worker_dies() {
    for (fails, fault) in [(true, Fault::Silence), (false, Fault::SilenceAfter)] {
        let mut number = 0;
        while death(&Place::sqlite(), number, fault, fails).await {
            number += 1;
        }
        assert!(number >= AT_LEAST, "the worker asks its store for more than {number} things");
    }
}

/// Has a worker die at its operation of this number, and another one finish. `false` if the first had no so many.
async fn death(place: &Place, number: u32, fault: Fault, fails: bool) -> bool {
    let (table, run) = run_of_nobody(place, fails).await;
    let (faulty, died) = Faulty::dies_at(place.store().await, number, fault);
    let mortal = worker(place, faulty, &Bodies::default()).await;
    until_death(place, &died, async { drop(run.result().await) }).await;
    drop(mortal);
    let survivor = worker(place, place.store().await, &Bodies::default()).await;
    let told = passing(place, run.result()).await.expect("it ends");
    drop(survivor);
    assert_eq!(told, if fails { Err("never".to_owned()) } else { Ok(3) });
    assert_eq!(table.lines(), expected(fails), "after {fault:?} at {number}");
    died.load(Ordering::Relaxed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_step_wrote_is_there_once_whatever_answer_is_lost() {
    for (fails, fault) in [(false, Fault::Before), (true, Fault::Never), (true, Fault::Unheard)] {
        for number in 0.. {
            let place = Place::sqlite();
            let (table, run) = run_of_nobody(&place, fails).await;
            let (faulty, failed) = Faulty::fails_at(place.store().await, number, fault);
            let _worker = worker(&place, faulty, &Bodies::default()).await;
            let told = passing(&place, run.result()).await;
            let told = told.unwrap_or_else(|error| panic!("{error} after {fault:?} at {number}"));
            assert_eq!(told, if fails { Err("never".to_owned()) } else { Ok(3) });
            assert_eq!(table.lines(), expected(fails), "after {fault:?} at {number}");
            if !failed.load(Ordering::Relaxed) {
                assert!(number >= AT_LEAST, "the worker asks its store for more than {number} things");
                break;
            }
        }
    }
}

/// One step that writes, and what the workflow does then.
#[workflow]
async fn once(panics: bool) -> i64 {
    let line = note("once").await.unwrap();
    assert!(!panics, "the workflow panics");
    plain().await;
    line
}

/// What a step does that is not its own business.
#[step(transaction)]
fn oddly(tx: &mut SqliteTransaction, sql: &str) {
    tx.execute_batch("INSERT INTO note (run, what, key) VALUES ('', 'odd', '')").expect("a line");
    tx.execute_batch(sql).expect(sql);
}

#[workflow]
async fn odd(sql: String) {
    oddly(&sql).await;
}

/// A worker with a table.
async fn at_work() -> (Place, Table, Engine, Bodies) {
    let (place, bodies) = (Place::sqlite(), Bodies::default());
    let engine = worker(&place, place.store().await, &bodies).await;
    let table = Table::of(&place);
    (place, table, engine, bodies)
}

#[tokio::test]
async fn a_workflow_that_panics_after_a_step_leaves_nothing_of_what_it_wrote() {
    let (_place, table, engine, bodies) = at_work().await;
    let run = engine.start("a", once(true)).await.unwrap();
    let Err(ResultError::Parked { reason: ParkReason::WorkflowPanicked { .. }, .. }) =
        soon(run.result()).await
    else {
        panic!("it is not parked");
    };
    assert_eq!((table.lines(), bodies.0.load(Ordering::Relaxed)), (vec![], 1));
}

#[tokio::test]
async fn a_step_that_panics_leaves_nothing_of_what_it_wrote() {
    let (_place, table, engine, _) = at_work().await;
    let run = engine.start("a", odd("no SQL".to_owned())).await.unwrap();
    let Err(ResultError::Parked { reason: ParkReason::StepPanicked { step, message }, .. }) =
        soon(run.result()).await
    else {
        panic!("it is not parked");
    };
    assert_eq!(step, "oddly");
    assert!(message.contains("no SQL"), "{message}");
    assert!(table.lines().is_empty());
    let other = engine.start("b", once(false)).await.unwrap();
    soon(other.result()).await.expect("the store goes on");
}

#[tokio::test]
async fn a_step_that_ends_the_transaction_parks_its_run() {
    for sql in ["ROLLBACK", "COMMIT"] {
        let (_place, table, engine, _) = at_work().await;
        let run = engine.start("a", odd(sql.to_owned())).await.unwrap();
        let Err(ResultError::Parked { reason: ParkReason::Unsaved { message }, .. }) =
            soon(run.result()).await
        else {
            panic!("it is not parked");
        };
        assert!(message.contains("the step has ended the store's transaction"), "{message}");
        assert_eq!(table.lines().len(), usize::from(sql == "COMMIT"));
    }
}

/// The database looks at such a constraint when the transaction is committed, which is after the workflow's code.
#[tokio::test]
async fn a_commit_that_breaks_a_constraint_parks_the_run_and_leaves_nothing() {
    let (_place, table, engine, _) = at_work().await;
    table
        .0
        .execute_batch(
            "CREATE TABLE owner (id INTEGER PRIMARY KEY);
             CREATE TABLE owned (owner INTEGER REFERENCES owner (id) DEFERRABLE INITIALLY DEFERRED)",
        )
        .unwrap();
    let run = engine.start("a", odd("INSERT INTO owned VALUES (1)".to_owned())).await.unwrap();
    let Err(ResultError::Parked { reason: ParkReason::Unsaved { message }, .. }) = soon(run.result()).await
    else {
        panic!("it is not parked");
    };
    assert!(message.contains("FOREIGN KEY"), "{message}");
    assert!(table.lines().is_empty());
    table.0.execute("INSERT INTO owner VALUES (1)", []).unwrap();
    run.retry().await.unwrap();
    until(async || run.snapshot().await.unwrap().status == RunStatus::Completed).await;
    assert_eq!(table.lines(), ["odd"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_runs_of_two_workers_write_once_each() {
    let place = Place::sqlite();
    let (one, two) = (Bodies::default(), Bodies::default());
    let first = worker(&place, place.store().await, &one).await;
    let second = worker(&place, place.store().await, &two).await;
    let table = Table::of(&place);
    let mut runs = Vec::new();
    for number in 0..40 {
        let engine = if number % 2 == 0 { &first } else { &second };
        runs.push(engine.start(format!("run {number}"), shop(false)).await.unwrap());
    }
    for run in &runs {
        assert_eq!(passing(&place, run.result()).await.unwrap(), Ok(3));
    }
    assert_eq!(table.lines().len(), runs.len() * 4);
}

#[tokio::test]
async fn a_worker_that_slept_through_its_lease_begins_no_step_that_another_one_has_made() {
    const LEASE: Duration = Duration::from_millis(300);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("runs.db");
    let store = async || Arc::new(SqliteStore::open(&file).await.unwrap());
    let worker = async |store: Arc<dyn Store>, bodies: &Bodies| {
        build(Engine::builder(store).lease(LEASE).register::<Once>().provide(bodies.clone())).await
    };
    let office = worker(store().await, &Bodies::default()).await;
    office.shutdown().await;
    let table = Table::in_file(&file);
    let run = office.start("a", once(false)).await.unwrap();
    let (slow, other) = (Bodies::default(), Bodies::default());
    // It holds the run and does not know it for three leases.
    let _slow = worker(Arc::new(Faulty::late_at_first(store().await, 3 * LEASE)), &slow).await;
    tokio::time::sleep(LEASE / 2).await;
    let _other = worker(store().await, &other).await;
    soon(run.result()).await.unwrap();
    tokio::time::sleep(4 * LEASE).await;
    assert_eq!([&slow, &other].map(|bodies| bodies.0.load(Ordering::Relaxed)), [0, 1]);
    assert_eq!(table.lines(), ["once"]);
}

/// Its last step writes, so the commit that stores that gives the run back.
#[workflow]
async fn brief() -> i64 {
    note("brief").await.unwrap()
}

/// The number of the commit of `brief`'s last step, after that of its beginning and what the step does.
const LAST: u32 = 2;

/// A worker for `brief` that counts the ends that it tells of.
async fn teller(place: &Place, store: impl Store) -> (Engine, Arc<AtomicU32>) {
    let tells = Arc::<AtomicU32>::default();
    let counter = tells.clone();
    let builder = place.builder(store).register::<Brief>().provide(Bodies::default());
    let builder = builder.lease(Duration::from_secs(200)).witness(move |event| {
        if let Event::Ended(_) = event {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    (build(builder).await, tells)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_whose_answer_was_lost_is_told_by_the_worker_that_has_stored_it() {
    let place = Place::sqlite();
    let (engine, tells) =
        teller(&place, Faulty::fails_at_commit(place.store().await, LAST, Fault::Unheard)).await;
    let table = Table::of(&place);
    let run = engine.start("a", brief()).await.unwrap();
    soon(run.result()).await.unwrap();
    until(async || tells.load(Ordering::Relaxed) == 1).await;
    assert_eq!(table.lines(), ["brief"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_another_worker_has_stored_is_not_told_by_one_whose_answer_was_lost() {
    let place = Place::sqlite();
    let may_tell: &'static Semaphore = Box::leak(Box::new(Semaphore::new(0)));
    let lost = Faulty::fails_at_commit(place.store().await, LAST, Fault::NeverUntil(may_tell));
    let (slow, slow_tells) = teller(&place, lost).await;
    let table = Table::of(&place);
    let run = slow.start("a", brief()).await.unwrap();
    let (_other, other_tells) = teller(&place, place.store().await).await;
    passing(&place, run.result()).await.unwrap();
    until(async || other_tells.load(Ordering::Relaxed) == 1).await;
    may_tell.add_permits(1);
    soon(slow.shutdown()).await;
    assert_eq!([&slow_tells, &other_tells].map(|tells| tells.load(Ordering::Relaxed)), [0, 1]);
    assert_eq!(table.lines(), ["brief"]);
}

#[tokio::test]
async fn a_run_that_waits_for_a_transaction_hears_what_it_is_told() {
    let (place, bodies, opens_none) = (Place::sqlite(), Bodies::default(), Arc::new(AtomicBool::new(true)));
    let store = Faulty::opens_none_while(place.store().await, opens_none.clone());
    let engine = worker(&place, store, &bodies).await;
    let table = Table::of(&place);
    let run = engine.start("a", once(false)).await.unwrap();
    soon(run.pause().into_future()).await.unwrap();
    until(async || run.snapshot().await.unwrap().status == RunStatus::Paused).await;
    opens_none.store(false, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(bodies.0.load(Ordering::Relaxed), 0);
    soon(run.resume().into_future()).await.unwrap();
    soon(run.result()).await.unwrap();
    assert_eq!((table.lines(), bodies.0.load(Ordering::Relaxed)), (vec!["once".to_owned()], 1));
}

#[tokio::test]
async fn a_store_without_transactions_is_told_by_name() {
    let built =
        Engine::builder(MemoryStore::new()).register::<Once>().provide(Bodies::default()).build().await;
    let Err(error @ BuildError::Transactions { .. }) = built else { panic!("it was built") };
    let told = error.to_string();
    assert!(told.starts_with("the step `note` of the workflow `once` writes in a `"), "{told}");
    assert!(told.contains("SqliteTransaction`, and MemoryStore"), "{told}");
    let storeless = Engine::storeless().register::<Once>().provide(Bodies::default()).build();
    assert!(matches!(storeless, Err(BuildError::Transactions { .. })));
}
