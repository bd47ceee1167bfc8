//! What the PostgreSQL store shares with a server: schemas, pools, other processes, connections that are lost.
#![cfg(feature = "postgres")]
#![allow(dead_code, unreachable_pub, reason = "the server is shared with other test files")]

#[path = "support/postgres.rs"]
mod postgres;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use refluxo::{
    prelude::*,
    store::{
        Claim, Commit, Committed, Created, Delivered, Depth, Head, InputHash, Lane, Lease, Message, NewRun,
        PostgresOpenError, PostgresStore, Session, Start, Status, Store, StoreError, Uid, Wake, Want,
    },
};
use sqlx::{Connection, PgConnection, Row, postgres::PgPoolOptions};
use tokio::sync::Semaphore;

use self::postgres::Schema;

const LEASE: Duration = Duration::from_mins(1);

fn new_run(name: &str, start: Start) -> NewRun {
    let id = RunId::new(name).expect("a plain id");
    let head = Head { status: Status::Ready, at: "Here".into(), version: 1, body: Bytes::new() };
    NewRun {
        root: id.clone(),
        id,
        uid: Uid::random(),
        parent: None,
        queue: "work".into(),
        lane: Lane::default(),
        input: InputHash([7; 32]),
        head,
        state: Bytes::from_static(b"state"),
        parts: Vec::new(),
        attributes: Vec::new(),
        entries: Vec::new(),
        start,
    }
}

async fn start_held(store: &PostgresStore, name: &str, session: &Session) -> Commit {
    let new = new_run(name, Start::Lent { session: session.clone(), keep: LEASE });
    let head = new.head.clone();
    match store.create(vec![new]).await.expect("create").value.remove(0) {
        Created::New { lease: Some(lease) } => Commit::new(lease, head, refluxo::store::Seq(0)),
        other => panic!("a new run was answered with {other:?}"),
    }
}

async fn claim(store: &PostgresStore, session: &Session) -> Vec<Lease> {
    let wants =
        vec![Want { queue: "work".into(), version: 1, slots: 10, gate: refluxo::store::Gate::default() }];
    let claim = Claim { session: session.clone(), keep: LEASE, limit: 10, wants };
    let runs = store.claim(claim).await.expect("claim").value.runs;
    runs.into_iter().map(|(lease, _)| lease).collect()
}

/// Waits for [`Wake::Any`].
async fn hears_of_anything(wakes: impl futures_util::Stream<Item = Wake>) {
    let heard = async {
        let mut wakes = std::pin::pin!(wakes);
        while wakes.next().await.expect("hints do not end") != Wake::Any {}
    };
    tokio::time::timeout(Duration::from_secs(20), heard).await.expect("a hint within some seconds");
}

async fn connection() -> PgConnection {
    PgConnection::connect(postgres::url().expect("a server")).await.expect("a connection")
}

/// Ends all connections of an application, and waits until it listens again.
async fn cut_all_connections(connection: &mut PgConnection, application: &str) {
    let before = listening(connection, application).await;
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1";
    sqlx::query(cut).bind(application).execute(&mut *connection).await.expect("they are cut");
    let again = async {
        while listening(connection, application).await.is_none_or(|now| before == Some(now)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), again).await.expect("it listens again within some seconds");
}

/// The server's process for the connection that holds an application's session locks.
async fn listening(connection: &mut PgConnection, application: &str) -> Option<i32> {
    let holder = "SELECT pid FROM pg_locks JOIN pg_stat_activity USING (pid)
                  WHERE locktype = 'advisory' AND mode = 'ShareLock' AND application_name = $1";
    let holder = sqlx::query(holder).bind(application).fetch_optional(connection).await;
    holder.expect("the locks").map(|row| row.get(0))
}

/// A store whose connections bear a name.
async fn named(schema: &Schema, application: &str) -> PostgresStore {
    let url = format!("{}?application_name={application}", postgres::url().expect("a server"));
    schema.builder().url(url).connect().await.expect("the store opens")
}

/// The tests, each only where there is a server.
macro_rules! on_a_server {
    ($($name:ident)*) => {
        mod on_a_server {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if super::postgres::url().is_some() {
                    super::$name(super::Schema::new()).await;
                }
            })*
        }
    };
}

on_a_server! {
    a_schema_of_a_later_release_is_refused
    a_schema_of_another_program_is_refused
    a_schema_of_an_earlier_release_is_brought_up_to_date
    what_can_not_be_opened_is_told_with_its_cure
    many_open_a_new_schema_at_once
    schemas_know_nothing_of_each_other
    a_pool_of_the_users_is_used
    a_transaction_that_another_user_of_the_pool_has_left_is_ended
    a_value_that_can_not_be_stored_is_rejected_alone
    the_runs_of_another_process_are_taken_over_when_it_dies
    after_a_lost_connection_everything_goes_on
    a_worker_that_may_be_taken_for_dead_begins_no_step_without_asking
    writes_of_many_share_batches
}

/// Asks its store for something when it is dropped.
struct LastWish(PostgresStore);

impl Drop for LastWish {
    fn drop(&mut self) {
        let mut created = self.0.create(vec![new_run("late", Start::Now)]);
        assert!(created.as_mut().now_or_never().is_none_or(|answer| answer.is_err()));
    }
}

/// It keeps no program from ending, and tells those who ask it later from another runtime.
#[test]
fn a_store_whose_runtime_ends_says_so() {
    if postgres::url().is_none() {
        return;
    }
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let first = tokio::runtime::Runtime::new().expect("a runtime");
        let schema = Schema::new();
        let store = first.block_on(schema.builder().connect()).expect("the store opens");
        // Its writer waits for more at the end of this.
        first.block_on(store.create(vec![new_run("early", Start::Now)])).expect("it works");
        let wish = LastWish(store.clone());
        first.spawn(async move {
            let _wish = wish;
            std::future::pending::<()>().await;
        });
        drop(first);
        let other = tokio::runtime::Runtime::new().expect("a runtime");
        let error = other.block_on(store.create(vec![new_run("later", Start::Now)]));
        tell.send(error).expect("somebody waits");
    });
    let answer = told.recv_timeout(Duration::from_mins(1)).expect("nobody waits for ever");
    let error = answer.expect_err("there is nobody to do it");
    assert!(error.to_string().contains("runtime in which it was opened"), "{error}");
}

async fn a_schema_of_a_later_release_is_refused(schema: Schema) {
    drop(schema.builder().connect().await.expect("the store opens"));
    postgres::run(format!("INSERT INTO {}.migration (step) VALUES (99)", schema.quoted()));
    let error = schema.builder().connect().await.expect_err("a later release was here");
    assert!(matches!(error, PostgresOpenError::Newer { found: 99, .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(&schema.name) && text.contains("upgrade refluxo"), "{text}");
}

async fn a_schema_of_another_program_is_refused(schema: Schema) {
    postgres::run(format!("CREATE SCHEMA {0}; CREATE TABLE {0}.run (distance float)", schema.quoted()));
    let error = schema.builder().connect().await.expect_err("the schema is another's");
    assert!(matches!(error, PostgresOpenError::Foreign { .. }), "{error}");
    assert!(error.to_string().contains(".schema("), "{error}");
}

async fn a_schema_of_an_earlier_release_is_brought_up_to_date(schema: Schema) {
    drop(schema.builder().connect().await.expect("the store opens"));
    // As it was after the second step: its functions know nothing of what came later.
    postgres::run(format!(
        "DELETE FROM {0}.migration WHERE step > 2;
         ALTER TABLE {0}.run DROP COLUMN priority, DROP COLUMN limit_key, DROP COLUMN gated, DROP COLUMN blocked_at,
             DROP COLUMN begun_at, DROP COLUMN paced_at;
         CREATE INDEX run_due ON {0}.run (queue, due_at, version) WHERE due_at IS NOT NULL;
         DROP FUNCTION {0}.priorities; DROP FUNCTION {0}.follow; DROP FUNCTION {0}.let_through;
         DROP FUNCTION {0}.starts_left; DROP FUNCTION {0}.next_start; DROP FUNCTION {0}.let_begin;
         CREATE OR REPLACE FUNCTION {0}.ring(channel text, sender text, rings text[]) RETURNS void LANGUAGE sql AS ''",
        schema.quoted()
    ));
    let store = schema.builder().connect().await.expect("the store opens");
    let session = Session::begin();
    let end = start_held(&store, "a", &session).await;
    assert!(matches!(store.commit(vec![end]).await.expect("commit").value[..], [Committed::Done { .. }]));
}

async fn what_can_not_be_opened_is_told_with_its_cure(schema: Schema) {
    let error = PostgresStore::builder().connect().await.expect_err("no server");
    assert!(matches!(error, PostgresOpenError::NoServer), "{error}");
    let error = PostgresStore::connect("the moon").await.expect_err("no address");
    assert!(matches!(error, PostgresOpenError::Address { .. }), "{error}");
    let long = "x".repeat(64);
    let error = schema.builder().schema(long).connect().await.expect_err("no such name");
    assert!(matches!(error, PostgresOpenError::InvalidSchema { .. }), "{error}");
    let url = format!("{}-that-is-nowhere", postgres::url().expect("a server"));
    let error = schema.builder().url(url).connect().await.expect_err("no such database");
    assert!(error.to_string().contains("create the database first"), "{error}");
}

async fn many_open_a_new_schema_at_once(schema: Schema) {
    let open = || async { schema.builder().connect().await.expect("each of them opens") };
    let (a, b, c) = tokio::join!(open(), open(), open());
    let created = a.create(vec![new_run("a", Start::Now)]).await.expect("create").value;
    assert!(matches!(created[..], [Created::New { .. }]));
    for store in [b, c] {
        let id = RunId::new("a").expect("an id");
        assert!(store.load(&id, Depth::Head).await.expect("load").value.is_some());
    }
}

async fn schemas_know_nothing_of_each_other(schema: Schema) {
    let other = Schema::new();
    let (here, there) = (schema.builder().connect().await, other.builder().connect().await);
    let (here, there) = (here.expect("open"), there.expect("open"));
    here.create(vec![new_run("a", Start::Now)]).await.expect("create");
    assert_eq!(claim(&there, &Session::begin()).await, []);
    assert_eq!(claim(&here, &Session::begin()).await.len(), 1);
}

async fn a_pool_of_the_users_is_used(schema: Schema) {
    let url = postgres::url().expect("a server");
    let pool = PgPoolOptions::new().max_connections(1).connect(url).await.expect("a pool");
    let store = PostgresStore::builder().pool(pool.clone()).schema(&schema.name);
    let store = store.connect().await.expect("the store opens");
    let session = Session::begin();
    // One connection is enough for all of it.
    for number in 0..20 {
        let commit = start_held(&store, &format!("run-{number}"), &session).await;
        let answer = store.commit(vec![commit]).await.expect("commit").value;
        assert!(matches!(answer[..], [Committed::Done { .. }]), "{answer:?}");
    }
    pool.close().await;
    let error = store.create(vec![new_run("late", Start::Now)]).await.expect_err("the pool is closed");
    assert!(matches!(error, StoreError::Retry(_)), "{error}");
}

/// As sqlx does where `Pool::begin` is dropped halfway. What was written there would be gone with it.
async fn a_transaction_that_another_user_of_the_pool_has_left_is_ended(schema: Schema) {
    let url = postgres::url().expect("a server");
    let pool = PgPoolOptions::new().max_connections(1).connect(url).await.expect("a pool");
    let store = PostgresStore::builder().pool(pool.clone()).schema(&schema.name);
    let store = store.connect().await.expect("the store opens");
    let other = schema.builder().connect().await.expect("the store opens");
    for left in ["BEGIN", "BEGIN READ ONLY", "BEGIN; SAVEPOINT a; ROLLBACK TO nothing"] {
        let leave = async || {
            // The last one fails, and that is its purpose.
            let _ = sqlx::raw_sql(left).execute(&pool).await;
        };
        leave().await;
        store.create(vec![new_run(left, Start::Now)]).await.expect("create");
        let seen = other.load(&RunId::new(left).expect("a plain id"), Depth::Head).await.expect("load").value;
        assert!(seen.is_some(), "{left}: what is answered is committed");
        leave().await;
        drop(store.begin().await.expect("a transaction of its own"));
        leave().await;
        let again = PostgresStore::builder().pool(pool.clone()).schema(&schema.name).connect().await;
        again.expect("the store opens");
    }
}

/// PostgreSQL has no text with a `\0`. Who brings one is found among those who came together.
async fn a_value_that_can_not_be_stored_is_rejected_alone(schema: Schema) {
    let store = schema.builder().connect().await.expect("the store opens");
    let session = Session::begin();
    let mut batch = Vec::new();
    for number in 0..9 {
        batch.push(start_held(&store, &format!("run-{number}"), &session).await);
    }
    batch[3].head.at = "no\0where".into();
    batch[7].head.at = "no\0where".into();
    let answers = store.commit(batch).await.expect("commit").value;
    for (number, answer) in answers.iter().enumerate() {
        match answer {
            Committed::Done { .. } => assert!(![3, 7].contains(&number), "{number}"),
            Committed::Rejected(StoreError::Fatal(_)) => assert!([3, 7].contains(&number), "{number}"),
            other => panic!("{number}: {other:?}"),
        }
    }
    let message = |body: &'static str, kind: &str| Message {
        to: RunId::new("run-0").expect("an id"),
        uid: None,
        key: None,
        kind: kind.into(),
        body: Bytes::from_static(body.as_bytes()),
    };
    let batch = vec![message("1", "a"), message("2", "b\0"), message("3", "c")];
    let answers = store.deliver(batch).await.expect("deliver").value;
    let expected =
        matches!(answers[..], [Delivered::Stored { .. }, Delivered::Rejected(_), Delivered::Stored { .. }]);
    assert!(expected, "{answers:?}");
}

/// Another process is played by its lock and by its lease.
async fn the_runs_of_another_process_are_taken_over_when_it_dies(schema: Schema) {
    let store = schema.builder().connect().await.expect("the store opens");
    let name = schema.quoted();
    drop(start_held(&store, "theirs", &Session::begin()).await);
    let mut other = connection().await;
    // Under the class of this schema's locks, which its stores have theirs under.
    let class = "SELECT classid::bigint FROM pg_locks JOIN pg_stat_activity USING (pid)
         WHERE locktype = 'advisory' AND objsubid = 2 AND objid = $1::int::oid";
    let mine = Session::begin();
    drop(start_held(&store, "mine", &mine).await);
    let key =
        |id: [u8; 16]| sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {name}.session_lock($1)"))).bind(id);
    let mine_key: i32 =
        key(mine.id().as_u128().to_be_bytes()).fetch_one(&mut other).await.expect("a key").get(0);
    let class: i64 = sqlx::query(class).bind(mine_key).fetch_one(&mut other).await.expect("a class").get(0);
    // The server shows it without a sign.
    let class = u32::try_from(class).expect("32 bits").cast_signed();
    let their_id = [9; 16];
    let theirs: i32 = key(their_id).fetch_one(&mut other).await.expect("a key").get(0);
    let hold = sqlx::query("SELECT pg_advisory_lock_shared($1, $2)").bind(class).bind(theirs);
    hold.execute(&mut other).await.expect("the lock");
    let lease = sqlx::AssertSqlSafe(format!("UPDATE {name}.run SET session = $1 WHERE id = 'theirs'"));
    sqlx::query(lease).bind(their_id).execute(&mut other).await.expect("the lease");
    // In its first seconds a server's locks tell nothing.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let asking = Session::begin();
    assert_eq!(claim(&store, &asking).await, [], "the other process lives");
    // A store that opens now looks around, and then sees the lock go.
    let watching = schema.builder().connect().await.expect("the store opens");
    let wakes = watching.wakes();
    other.close_hard().await.expect("it dies");
    hears_of_anything(wakes).await;
    let taken: Vec<_> =
        claim(&watching, &asking).await.into_iter().map(|lease| lease.run.to_string()).collect();
    assert_eq!(taken, ["theirs"]);
}

async fn after_a_lost_connection_everything_goes_on(schema: Schema) {
    let store = named(&schema, "cut").await;
    let session = Session::begin();
    let mut connection = connection().await;
    let mut commit = start_held(&store, "a", &session).await;
    for _ in 0..3 {
        let wakes = store.wakes();
        cut_all_connections(&mut connection, "cut").await;
        hears_of_anything(wakes).await;
        // What is lost with a connection may be sent again as it was.
        let answer = loop {
            match store.commit(vec![commit.clone()]).await {
                Ok(mut answers) => break answers.value.remove(0),
                Err(StoreError::Fatal(error)) => panic!("{error}"),
                Err(StoreError::Retry(_) | StoreError::Unknown(_)) => {}
            }
        };
        let Committed::Done { revision, .. } = answer else { panic!("{answer:?}") };
        commit.lease.revision = revision;
        // And the session's lock is there again.
        let held = sqlx::AssertSqlSafe(format!(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = {}.session_lock($1)::oid",
            schema.quoted()
        ));
        let held = sqlx::query(held).bind(session.id().as_u128().to_be_bytes());
        let locks: i64 = held.fetch_one(&mut connection).await.expect("the locks").get(0);
        assert_eq!(locks, 1);
    }
}

/// Where only one can be at a time, until the gate is open.
#[step(concurrency = 1)]
async fn pass(#[inject] gate: &Gate, name: &str) {
    gate.passing.lock().expect("nobody panics").push(name.to_owned());
    gate.opened.acquire().await.expect("it is never closed").forget();
}

#[workflow]
async fn journey(name: String) {
    pass(&name).await;
}

#[derive(Clone)]
struct Gate {
    opened: Arc<Semaphore>,
    passing: Arc<Mutex<Vec<String>>>,
}

/// With the connection that listens go the locks that show that a worker lives, and its runs are given away. It may have a step that
/// has not had its turn.
async fn a_worker_that_may_be_taken_for_dead_begins_no_step_without_asking(schema: Schema) {
    let gate = Gate { opened: Arc::new(Semaphore::new(0)), passing: Arc::default() };
    let store = named(&schema, "dead").await;
    let mut wakes = Box::pin(store.wakes());
    let engine = Engine::builder(store).register::<Journey>().provide(gate.clone()).lease(LEASE);
    let engine = engine.build().await.expect("the engine begins");
    let first = engine.start("first", journey("first".to_owned())).await.expect("it starts");
    while gate.passing.lock().expect("nobody panics").is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    engine.start("second", journey("second".to_owned())).await.expect("it starts");
    while engine.snapshot("second").await.expect("it is there").revision.0 == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // What another process does that sees no lock of this one, and lives.
    let mut other = connection().await;
    let live =
        "SELECT pg_advisory_lock_shared(classid::bigint::bit(32)::integer, {schema}.session_lock('\\x09'))
                FROM pg_locks JOIN pg_stat_activity USING (pid)
                WHERE locktype = 'advisory' AND mode = 'ShareLock' AND application_name = 'dead'";
    let live = sqlx::AssertSqlSafe(live.replace("{schema}", &schema.quoted()));
    let locked = sqlx::query(live).execute(&mut other).await.expect("it locks").rows_affected();
    assert_eq!(locked, 1);
    let claim = "SET token = uuid_send(gen_random_uuid()), session = '\\x09' WHERE id = 'second'";
    postgres::run(format!("UPDATE {}.run {claim}", schema.quoted()));
    cut_all_connections(&mut other, "dead").await;
    hears_of_anything(&mut wakes).await;
    gate.opened.add_permits(2);
    first.result().await.expect("it goes on");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(*gate.passing.lock().expect("nobody panics"), ["first"]);
}

async fn writes_of_many_share_batches(schema: Schema) {
    let store = schema.builder().connect().await.expect("the store opens");
    let session = Session::begin();
    let mut commits = Vec::new();
    for number in 0..60 {
        commits.push(start_held(&store, &format!("run-{number}"), &session).await);
    }
    let mut times = std::collections::BTreeSet::new();
    let sent = commits.into_iter().map(|commit| store.commit(vec![commit]));
    for answer in futures_util::future::join_all(sent).await {
        let answer = answer.expect("commit");
        assert!(matches!(answer.value[..], [Committed::Done { .. }]));
        times.insert(answer.now);
    }
    // All that shares a statement has its time.
    assert!(times.len() < 30, "60 commits took {} statements", times.len());
}
