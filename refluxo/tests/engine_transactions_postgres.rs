//! Steps that write in PostgreSQL's transaction: what they wrote is there once, wherever a worker dies and whatever answer is lost.
#![cfg(feature = "postgres")]

mod support;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use refluxo::{
    Engine, PostgresTransaction, engine::ResultError, prelude::*, snapshot::ParkReason, store::Store,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::Notify;

use self::support::{
    faulty::{Fault, Faulty},
    postgres::{self, Schema},
    soon,
};

/// A table of the user's in a schema, and what its steps wait for.
#[derive(Clone)]
struct Table {
    name: String,
    begun: Arc<Notify>,
    gate: Arc<Notify>,
}

impl Table {
    fn of(schema: &Schema) -> Self {
        let name = format!("{}.note", schema.quoted());
        postgres::run(format!("CREATE TABLE {name} (line serial, run text, what text, key text UNIQUE)"));
        Self { name, begun: Arc::default(), gate: Arc::default() }
    }

    async fn lines(&self) -> Vec<String> {
        let url = postgres::url().expect("there is a server");
        let mut connection = PgConnection::connect(url).await.expect("a connection");
        let query = AssertSqlSafe(format!("SELECT what FROM {} ORDER BY line", self.name));
        sqlx::query_scalar(query).fetch_all(&mut connection).await.expect("the lines")
    }
}

/// Writes a line in each attempt, of which the first may fail.
#[step(transaction, retry(attempts = 2, initial = "1ms", jitter = false))]
async fn note(
    tx: &mut PostgresTransaction,
    #[inject] table: &Table,
    #[inject] cx: &StepContext,
    what: &str,
    fails: bool,
) -> Result<u32, String> {
    let insert = AssertSqlSafe(format!("INSERT INTO {} (run, what, key) VALUES ($1, $2, $3)", table.name));
    let insert = sqlx::query(insert).bind(cx.run_id()).bind(what).bind(cx.idempotency_key());
    insert.execute(&mut **tx).await.map_err(|error| error.to_string())?;
    if fails && cx.attempt() == 1 { Err("the first".to_owned()) } else { Ok(cx.attempt()) }
}

#[step]
async fn plain() {}

/// Waits at the gate, in a transaction.
#[step(transaction)]
async fn linger(tx: &mut PostgresTransaction, #[inject] table: &Table) {
    let insert = AssertSqlSafe(format!("INSERT INTO {} (what) VALUES ('lingered')", table.name));
    sqlx::query(insert).execute(&mut **tx).await.expect("a line");
    table.begun.notify_one();
    table.gate.notified().await;
}

/// All the places in which a step may stand.
#[workflow]
async fn shop() -> Result<(), String> {
    compensate!(note("undone last", false));
    note("first", false).await?;
    compensate!(note("undone first", true));
    let (_, tries) = try_join!(note("left", false), async move {
        plain().await;
        note("right", true).await
    })?;
    plain().await;
    Err(format!("{tries} tries"))
}

/// What a step does that is not its own business.
#[step(transaction)]
async fn oddly(tx: &mut PostgresTransaction, #[inject] table: &Table, sql: &str) {
    let insert = AssertSqlSafe(format!("INSERT INTO {} (what) VALUES ('odd')", table.name));
    sqlx::query(insert).execute(&mut **tx).await.expect("a line");
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut **tx).await.expect("it is done");
}

#[workflow]
async fn odd(sql: String) {
    oddly(&sql).await;
}

#[workflow]
async fn slow() {
    linger().await;
    sleep(std::time::Duration::from_secs(3)).await;
}

async fn worker(store: impl Store, table: &Table) -> Engine {
    let builder = Engine::builder(store).register::<Shop>().register::<Slow>().register::<Odd>();
    let builder = builder.provide(table.clone());
    builder.lease(Duration::from_secs(1)).build().await.expect("it has all that it needs")
}

/// Has a worker meet a fault at its operation of this number. `false` if it had no so many.
async fn trial(number: u32, fault: Fault) -> bool {
    let schema = Schema::new();
    let store = Arc::new(schema.builder().connect().await.expect("the store opens"));
    let table = Table::of(&schema);
    let office = worker(store.clone(), &table).await;
    soon(office.shutdown()).await;
    let run = office.start("a", shop()).await.expect("it is started");
    let dies = matches!(fault, Fault::Silence | Fault::SilenceAfter);
    let its_own = Arc::new(schema.builder().connect().await.expect("the store opens"));
    let (faulty, met) =
        if dies { Faulty::dies_at(its_own, number, fault) } else { Faulty::fails_at(its_own, number, fault) };
    let first = worker(faulty, &table).await;
    let mut second = None;
    if dies {
        tokio::select! {
            told = run.result() => drop(told),
            () = support::until(async || met.load(Ordering::Relaxed)) => {}
        }
        drop(first);
        second = Some(worker(store, &table).await);
    }
    let told = tokio::time::timeout(Duration::from_mins(1), run.result()).await;
    let told = told.unwrap_or_else(|_| panic!("it hangs after {fault:?} at {number}"));
    assert_eq!(told.expect("it ends"), Err("2 tries".to_owned()));
    drop(second);
    let lines = table.lines().await;
    assert_eq!(lines, ["first", "left", "right", "undone first", "undone last"], "{fault:?} at {number}");
    met.load(Ordering::Relaxed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_step_wrote_is_there_once_whatever_happens() {
    if postgres::url().is_none() {
        return;
    }
    for fault in [Fault::Silence, Fault::SilenceAfter, Fault::Never, Fault::Unheard] {
        let mut number = 0;
        // The trials wait for leases to end, each in a schema of its own.
        while join_all((number..number + 8).map(|number| trial(number, fault))).await.iter().all(|met| *met) {
            number += 8;
        }
        assert!(number >= 16, "a worker asks its store for more than {number} things");
    }
}

#[tokio::test]
async fn a_step_that_takes_its_time_holds_nobody_up() {
    if postgres::url().is_none() {
        return;
    }
    let schema = Schema::new();
    let store = schema.builder().connect().await.expect("the store opens");
    let table = Table::of(&schema);
    let engine = worker(store, &table).await;
    let run = engine.start("a", slow()).await.expect("it is started");
    soon(table.begun.notified()).await;
    // For longer than the lease, which is renewed meanwhile, and with a message to the run.
    soon(run.pause().into_future()).await.expect("it is told");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(table.lines().await.is_empty());
    table.gate.notify_one();
    support::until(async || !table.lines().await.is_empty()).await;
    soon(run.resume().into_future()).await.expect("it is told");
    soon(run.result()).await.expect("it ends");
    assert_eq!(table.lines().await, ["lingered"]);
}

#[tokio::test]
async fn a_step_that_ends_the_transaction_parks_its_run() {
    if postgres::url().is_none() {
        return;
    }
    for sql in ["ROLLBACK", "COMMIT", "COMMIT; BEGIN"] {
        let schema = Schema::new();
        let store = schema.builder().connect().await.expect("the store opens");
        let table = Table::of(&schema);
        let engine = worker(store, &table).await;
        let run = engine.start("a", odd(sql.to_owned())).await.expect("it is started");
        let Err(ResultError::Parked { reason: ParkReason::Unsaved { message }, .. }) =
            soon(run.result()).await
        else {
            panic!("it is not parked");
        };
        assert!(message.contains("the step has ended the store's transaction"), "{message}");
        assert_eq!(table.lines().await.len(), usize::from(sql != "ROLLBACK"));
    }
}

/// Takes no notice of a statement that fails.
#[step(transaction)]
async fn carelessly(tx: &mut PostgresTransaction) {
    let _ = sqlx::query("SELECT 1 / 0").execute(&mut **tx).await;
}

#[workflow]
async fn careless() {
    carelessly().await;
}

#[tokio::test]
async fn a_step_that_goes_on_after_a_statement_has_failed_parks_its_run() {
    if postgres::url().is_none() {
        return;
    }
    let schema = Schema::new();
    let store = schema.builder().connect().await.expect("the store opens");
    let engine = Engine::builder(store).register::<Careless>().build().await.expect("the engine begins");
    let run = engine.start("a", careless()).await.expect("it is started");
    let Err(ResultError::Parked { reason: ParkReason::Unsaved { message }, .. }) = soon(run.result()).await
    else {
        panic!("it is not parked");
    };
    assert!(message.contains("a statement of the step has failed, and the step went on"), "{message}");
}

/// sqlx leaves a connection in a transaction whose beginning was dropped halfway.
#[tokio::test]
async fn a_transaction_that_nobody_waits_for_is_not_left_open() {
    if postgres::url().is_none() {
        return;
    }
    let schema = Schema::new();
    let store = schema.builder().connect().await.expect("the store opens");
    for number in 0..100 {
        let patience = async {
            for _ in 0..number % 10 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            opened = store.begin() => drop(opened),
            () = patience => {}
        }
    }
    let url = postgres::url().expect("there is a server");
    let mut watching = PgConnection::connect(url).await.expect("a connection");
    let now: String =
        sqlx::query_scalar("SELECT now()::text").fetch_one(&mut watching).await.expect("a time");
    // Those of other tests come to an end.
    let open = "SELECT count(*) FROM pg_stat_activity
        WHERE state = 'idle in transaction' AND xact_start < $1::text::timestamptz";
    soon(async {
        while sqlx::query_scalar::<_, i64>(open).bind(&now).fetch_one(&mut watching).await.expect("a count")
            > 0
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_transaction_of_another_store_is_told_by_name() {
    let built = Engine::builder(MemoryStore::new()).register::<Slow>().build().await;
    assert!(built.expect_err("it lacks the table").to_string().contains("Table"));
    let table = Table { name: String::new(), begun: Arc::default(), gate: Arc::default() };
    let built = Engine::builder(MemoryStore::new()).register::<Slow>().provide(table).build().await;
    let told = built.expect_err("it has no transactions").to_string();
    assert!(
        told.contains("PostgresTransaction`, and MemoryStore { .. } has no transactions for steps"),
        "{told}"
    );
}
