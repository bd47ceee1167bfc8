//! Runs that are started in a transaction of the program's own on PostgreSQL.
#![cfg(feature = "postgres")]

mod support;

use refluxo::{
    Engine,
    engine::{ReadError, StartError},
    prelude::*,
    store::Store,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use support::{
    build,
    postgres::{self, Schema},
    soon,
};

#[workflow]
async fn welcome(whom: String) -> String {
    format!("Hello, {whom}!")
}

#[workflow]
async fn part(whom: String) -> String {
    format!("Goodbye, {whom}!")
}

/// A worker that has found nothing to do.
async fn at_rest(store: impl Store, id: &str) -> Engine {
    let engine = build(Engine::builder(store).register::<Welcome>().register::<Part>()).await;
    let run = engine.start(id, welcome("nobody".into())).await.unwrap();
    soon(run.result()).await.unwrap();
    engine
}

/// A worker that has found nothing to do, a connection of the program's own, and a table of its guests.
struct Hotel {
    schema: Schema,
    worker: Engine,
    connection: PgConnection,
    table: String,
}

impl Hotel {
    /// None if there is no server.
    async fn open() -> Option<Self> {
        let url = postgres::url()?;
        let schema = Schema::new();
        let worker = at_rest(schema.builder().connect().await.unwrap(), "first").await;
        let table = format!("{}.guest", schema.quoted());
        postgres::run(format!("CREATE TABLE {table} (name text)"));
        let connection = PgConnection::connect(url).await.expect("a connection");
        Some(Self { schema, worker, connection, table })
    }

    async fn count(&mut self) -> i64 {
        let sql = AssertSqlSafe(format!("SELECT count(*) FROM {}", self.table));
        sqlx::query_scalar(sql).fetch_one(&mut self.connection).await.expect("a number")
    }
}

async fn add(connection: &mut PgConnection, table: &str) {
    let sql = AssertSqlSafe(format!("INSERT INTO {table} VALUES ('Ada')"));
    sqlx::query(sql).execute(connection).await.expect("a line");
}

async fn is_unknown(engine: &Engine, id: &str) -> bool {
    matches!(engine.run::<Welcome>(id).await, Err(ReadError::Unknown { .. }))
}

/// Nothing but the commit wakes the worker in so short a time, neither the one that has started the run nor another.
#[tokio::test]
async fn a_run_begins_once_its_transaction_is_committed() {
    let Some(mut hotel) = Hotel::open().await else { return };
    for id in ["a", "b"] {
        let mut tx = hotel.connection.begin().await.unwrap();
        add(&mut tx, &hotel.table).await;
        let starting = hotel.worker.start(id, welcome("Ada".into())).attribute("guest", "Ada");
        let run = starting.within(&mut tx).await.unwrap();
        assert!(is_unknown(&hotel.worker, id).await);
        tx.commit().await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "Hello, Ada!");
    }
    // By an engine that works no more.
    let office = at_rest(hotel.schema.builder().connect().await.unwrap(), "second").await;
    soon(office.shutdown()).await;
    let mut tx = hotel.connection.begin().await.unwrap();
    let run = office.start_in(&mut *tx, "c", welcome("Eve".into())).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), "Hello, Eve!");
    assert_eq!(hotel.count().await, 2);
}

#[tokio::test]
async fn a_run_is_never_there_whose_transaction_is_rolled_back() {
    let Some(mut hotel) = Hotel::open().await else { return };
    let mut tx = hotel.connection.begin().await.unwrap();
    add(&mut tx, &hotel.table).await;
    hotel.worker.start_in(&mut tx, "a", welcome("Ada".into())).await.unwrap();
    tx.rollback().await.unwrap();
    assert!(is_unknown(&hotel.worker, "a").await);
    assert_eq!(hotel.count().await, 0);
    let run = hotel.worker.start("a", part("Ada".into())).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), "Goodbye, Ada!");
}

#[tokio::test]
async fn an_id_in_use_is_told_and_the_transaction_goes_on() {
    let Some(mut hotel) = Hotel::open().await else { return };
    let mut tx = hotel.connection.begin().await.unwrap();
    hotel.worker.start_in(&mut tx, "first", welcome("nobody".into())).await.unwrap();
    let other = hotel.worker.start_in(&mut tx, "first", welcome("Ada".into())).await;
    assert!(matches!(other, Err(StartError::OtherArguments { .. })), "{other:?}");
    let other = hotel.worker.start_in(&mut tx, "first", part("nobody".into())).await;
    assert!(matches!(other, Err(StartError::OtherWorkflow { .. })), "{other:?}");
    add(&mut tx, &hotel.table).await;
    tx.commit().await.unwrap();
    assert_eq!(hotel.count().await, 1);
}

#[tokio::test]
async fn a_store_of_another_type_is_told() {
    let Some(url) = postgres::url() else { return };
    let mut connection = PgConnection::connect(url).await.expect("a connection");
    let engine = at_rest(MemoryStore::new(), "first").await;
    let error = engine.start_in(&mut connection, "a", welcome("Ada".into())).await.unwrap_err();
    assert!(matches!(error, StartError::Transaction { found: None, .. }), "{error}");
    assert!(error.to_string().contains("PgConnection`: MemoryStore"), "{error}");
}
