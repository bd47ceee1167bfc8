//! Runs that are started in a transaction of the program's own: they are there if it is committed, and never if it is not.
#![cfg(feature = "sqlite")]

mod support;

use std::sync::{Arc, OnceLock};

use refluxo::{
    Engine,
    engine::{EngineBuilder, ReadError, StartError},
    prelude::*,
    store::{Codec, CodecError, Coded, Place, Store},
};
use rusqlite::Connection;
use support::{build, soon};

#[step]
async fn greet(whom: &str) -> String {
    format!("Hello, {whom}!")
}

#[workflow]
async fn welcome(whom: String) -> String {
    greet(&whom).await
}

#[workflow]
async fn part(whom: String) -> String {
    format!("Goodbye, {whom}!")
}

/// Where a step finds its engine.
#[derive(Clone, Default)]
struct Office(Arc<OnceLock<Engine>>);

/// Starts a run in the step's own transaction, in each attempt, of which the first fails.
#[step(transaction, retry(attempts = 2, initial = "1ms"))]
fn hand_on(
    tx: &mut SqliteTransaction,
    #[inject] office: &Office,
    #[inject] cx: &StepContext,
    whom: &str,
) -> Result<u32, String> {
    let engine = office.0.get().expect("there is an engine");
    let id = format!("handed on {}", cx.attempt());
    engine.start_in(tx, id, welcome(whom.to_owned())).map_err(|error| error.to_string())?;
    if cx.attempt() == 1 { Err("the first".to_owned()) } else { Ok(cx.attempt()) }
}

#[workflow]
async fn relay(whom: String) -> Result<u32, String> {
    hand_on(&whom).await
}

fn register(builder: EngineBuilder, office: &Office) -> EngineBuilder {
    builder.register::<Welcome>().register::<Part>().register::<Relay>().provide(office.clone())
}

/// A worker on a file, which has found nothing to do, and a connection of the program's own.
async fn at_rest() -> (tempfile::TempDir, Engine, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("runs.db")).await.unwrap();
    let engine = on(store).await;
    let db = Connection::open(folder.path().join("runs.db")).unwrap();
    db.execute_batch("CREATE TABLE guest (name TEXT)").unwrap();
    (folder, engine, db)
}

async fn on(store: impl Store) -> Engine {
    let office = Office::default();
    let engine = build(register(Engine::builder(store), &office)).await;
    assert!(office.0.set(engine.clone()).is_ok());
    let run = engine.start("first", welcome("nobody".into())).await.unwrap();
    soon(run.result()).await.unwrap();
    engine
}

fn guests(db: &Connection) -> u32 {
    db.query_row("SELECT count(*) FROM guest", [], |row| row.get(0)).unwrap()
}

async fn is_unknown(engine: &Engine, id: &str) -> bool {
    matches!(engine.run::<Welcome>(id).await, Err(ReadError::Unknown { .. }))
}

/// Nothing but the commit wakes the worker in so short a time.
#[tokio::test]
async fn a_run_begins_once_its_transaction_is_committed() {
    let (_folder, engine, mut db) = at_rest().await;
    let run = {
        let tx = db.transaction().unwrap();
        tx.execute("INSERT INTO guest VALUES ('Ada')", []).unwrap();
        let starting = engine.start("a", welcome("Ada".into())).attribute("guest", "Ada");
        let run = starting.within(&tx).unwrap();
        assert!(is_unknown(&engine, "a").await);
        tx.commit().unwrap();
        run
    };
    assert_eq!(soon(run.result()).await.unwrap(), "Hello, Ada!");
    assert_eq!(guests(&db), 1);
}

#[tokio::test]
async fn a_run_is_never_there_whose_transaction_is_rolled_back() {
    let (_folder, engine, mut db) = at_rest().await;
    let tx = db.transaction().unwrap();
    tx.execute("INSERT INTO guest VALUES ('Ada')", []).unwrap();
    engine.start_in(&tx, "a", welcome("Ada".into())).unwrap();
    tx.rollback().unwrap();
    assert!(is_unknown(&engine, "a").await);
    assert_eq!(guests(&db), 0);
    // The id is free, also for a run of another workflow.
    let run = engine.start("a", part("Ada".into())).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), "Goodbye, Ada!");
}

#[tokio::test]
async fn an_id_in_use_is_told_and_the_transaction_goes_on() {
    let (_folder, engine, db) = at_rest().await;
    db.execute_batch("BEGIN").unwrap();
    db.execute("INSERT INTO guest VALUES ('Ada')", []).unwrap();
    let same = engine.start_in(&db, "first", welcome("nobody".into())).unwrap();
    let other = engine.start_in(&db, "first", welcome("Ada".into()));
    assert!(matches!(other, Err(StartError::OtherArguments { .. })), "{other:?}");
    let other = engine.start_in(&db, "first", part("nobody".into()));
    assert!(matches!(other, Err(StartError::OtherWorkflow { .. })), "{other:?}");
    // Also one that the transaction itself has taken.
    engine.start_in(&db, "a", welcome("Ada".into())).unwrap();
    engine.start_in(&db, "a", welcome("Ada".into())).unwrap();
    let other = engine.start_in(&db, "a", welcome("Eve".into()));
    assert!(matches!(other, Err(StartError::OtherArguments { .. })), "{other:?}");
    db.execute_batch("COMMIT").unwrap();
    assert_eq!(soon(same.result()).await.unwrap(), "Hello, nobody!");
    let run = engine.run::<Welcome>("a").await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), "Hello, Ada!");
    assert_eq!(guests(&db), 1);
}

#[tokio::test]
async fn what_is_no_transaction_of_the_store_is_told() {
    let (folder, engine, mut db) = at_rest().await;
    let told = engine.start_in(&db, "a", welcome("Ada".into())).unwrap_err().to_string();
    assert!(told.contains("the connection is in no transaction: begin one"), "{told}");
    let mut other = Connection::open(folder.path().join("other.db")).unwrap();
    let tx = other.transaction().unwrap();
    let told = engine.start_in(&tx, "a", welcome("Ada".into())).unwrap_err().to_string();
    assert!(told.contains("other.db, where these runs are not kept"), "{told}");

    let forgetful = build(Engine::builder(MemoryStore::new()).register::<Welcome>()).await;
    let tx = db.transaction().unwrap();
    let error = forgetful.start_in(&tx, "a", welcome("Ada".into())).unwrap_err();
    assert!(matches!(error, StartError::Transaction { found: None, .. }), "{error}");
    let told = error.to_string();
    assert!(told.contains("`rusqlite::Connection`: MemoryStore"), "{told}");
    assert!(told.contains("takes part in none; give the engine the store of that database"), "{told}");
    assert!(is_unknown(&engine, "a").await);
}

#[tokio::test]
async fn what_a_start_may_not_be_a_start_in_a_transaction_may_not_be_either() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("runs.db");
    let store = SqliteStore::open(&file).await.unwrap();
    let engine = build(Engine::builder(store).max_payload(100).register::<Welcome>()).await;
    let mut db = Connection::open(&file).unwrap();
    let tx = db.transaction().unwrap();
    let large = engine.start_in(&tx, "a", welcome("A".repeat(200)));
    assert!(matches!(large, Err(StartError::TooLarge { .. })), "{large:?}");
    let unknown = engine.start_in(&tx, "a", part("Ada".into()));
    assert!(matches!(unknown, Err(StartError::NotRegistered { .. })), "{unknown:?}");
    let nameless = engine.start_in(&tx, "", welcome("Ada".into()));
    assert!(matches!(nameless, Err(StartError::InvalidId(_))), "{nameless:?}");
    let odd = engine.start("a", welcome("Ada".into())).attribute("", "Ada").within(&tx);
    assert!(matches!(odd, Err(StartError::Attribute { .. })), "{odd:?}");
}

#[tokio::test]
async fn a_step_starts_a_run_in_its_own_transaction() {
    let (_folder, engine, _db) = at_rest().await;
    let run = engine.start("a", relay("Ada".into())).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), Ok(2));
    assert!(is_unknown(&engine, "handed on 1").await);
    let run = engine.run::<Welcome>("handed on 2").await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), "Hello, Ada!");
}

/// Turns the bits around.
struct Turned;

impl Codec for Turned {
    fn encode(&self, _: &Place<'_>, plain: bytes::Bytes) -> Result<bytes::Bytes, CodecError> {
        Ok(plain.iter().map(|byte| !byte).collect())
    }

    fn decode(&self, place: &Place<'_>, coded: bytes::Bytes) -> Result<bytes::Bytes, CodecError> {
        self.encode(place, coded)
    }
}

#[tokio::test]
async fn a_run_behind_a_codec_is_encoded() {
    let (folder, ..) = at_rest().await;
    let file = folder.path().join("coded.db");
    let engine = on(Coded::new(SqliteStore::open(&file).await.unwrap(), Turned)).await;
    let mut db = Connection::open(&file).unwrap();
    let tx = db.transaction().unwrap();
    engine.start("a", welcome("Ada".into())).after(std::time::Duration::from_hours(1)).within(&tx).unwrap();
    tx.commit().unwrap();
    let state: Vec<u8> = db.query_row("SELECT state FROM run WHERE id = 'a'", [], |row| row.get(0)).unwrap();
    let plain: Vec<u8> = state.iter().map(|byte| !byte).collect();
    assert!(String::from_utf8(plain).unwrap().contains("Ada"));
}
