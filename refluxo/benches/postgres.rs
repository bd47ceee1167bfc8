//! Commits a second on PostgreSQL, of the store and of the whole engine from 1 and from 64 runs, beside bare loops on the same driver.
//!
//! The server is one that the bench starts, with `fsync` as it comes. What is told of the CPU is this process's alone: the server's
//! own is not in it. The bare loops do what a store can't do without: the run's row and its entry, in a transaction. One has a
//! transaction for each commit, on as many connections as the store has batches under way; the other puts what the store puts
//! into a batch on average into one statement each, with `UNNEST`. The engine works on runs of ten steps: their creation, start and
//! steps are counted as commits. Beside it the store is called for the same runs without an engine: the same statements, with the two
//! reads of a result.

#[path = "support/cpu.rs"]
mod cpu;
#[path = "support/orders.rs"]
mod orders;
#[allow(dead_code, unreachable_pub, reason = "the tests need more of it")]
#[path = "../tests/support/postgres.rs"]
mod postgres;

use std::{
    collections::BTreeSet,
    hint::black_box,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use cpu::{Spent, Who};
use futures_util::future::join_all;
use orders::{STEPS, TenSteps};
use refluxo::{
    Engine,
    store::{
        Commit, Committed, Created, Depth, Head, InputHash, Lane, NewRun, PostgresStore, RunId, Seq, Session,
        Start, Status, Store, Then, Uid,
    },
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::runtime::Runtime;

/// What the workflow of the bench `engine` writes with each step, in bytes.
const HEAD: usize = 132;
const STATE: usize = 411;
const ENTRY: usize = 191;

/// How many commits a run of the workflow takes: that of its creation, of its start and of its steps.
const COMMITS: usize = STEPS as usize + 2;

/// How many batches of a store are under way at once.
const CONNECTIONS: usize = 3;

fn main() {
    postgres::IS_DURABLE.store(true, Ordering::Relaxed);
    let runtime = Runtime::new().expect("a runtime");
    if postgres::url().is_none() {
        return;
    }
    for (at_once, rounds) in [(1, 20 * COMMITS), (64, 4 * COMMITS)] {
        runtime.block_on(compare(&runtime, at_once, rounds));
    }
}

/// The store and the bare loops in turns: medians of nine rounds.
async fn compare(runtime: &Runtime, at_once: usize, rounds: usize) {
    let schema = postgres::Schema::new();
    let store = schema.builder().connect().await.expect("the store opens");
    let session = Session::begin();
    let runs = Mutex::new(create(&store, &session, at_once).await);
    let batch = statements(&store, &runs, rounds).await;
    let bare = Mutex::new(Bare::open(&schema, at_once).await);
    let engine = Engine::builder(store.clone()).register::<TenSteps>().build().await.expect("an engine");
    let runs_each = u32::try_from(rounds / COMMITS).expect("a few");
    let [ours, whole, without, single, batches] = std::thread::scope(|scope| {
        let turns = || {
            cpu::in_turns(
                Who::Process,
                9,
                [
                    &mut || runtime.block_on(commits(&store, &runs, rounds)),
                    &mut || runtime.block_on(orders::runs(&engine, at_once, runs_each)),
                    &mut || runtime.block_on(lives(&store, &session, at_once, runs_each)),
                    &mut || runtime.block_on(bare.lock().expect("bare").singles(at_once, rounds)),
                    &mut || runtime.block_on(bare.lock().expect("bare").batches(at_once, rounds, batch)),
                ],
            )
        };
        // A runtime can't wait on itself.
        scope.spawn(turns).join().expect("the turns")
    });
    let steps = f64::from(u32::try_from(at_once * rounds).unwrap_or(0));
    let rate = |spent: Spent| steps / spent.wall;
    let micros = |spent: Spent| spent.cpu / steps * 1e6;
    for (what, ours) in [("store", ours), ("engine", whole), ("store in its place", without)] {
        println!(
            "{at_once} at once: the {what} {:.0} commits/s ({:.0} µs of CPU each)",
            rate(ours),
            micros(ours)
        );
    }
    println!("  the engine reaches {:.0} % of the store in its place", rate(whole) / rate(without) * 100.0);
    for (what, bare) in
        [("one in each transaction", single), (&*format!("{batch} in each statement"), batches)]
    {
        println!(
            "  bare loop, {what}: {:.0} ({:.0} µs); the store reaches {:.0} %, the engine {:.0} %",
            rate(bare),
            micros(bare),
            rate(ours) / rate(bare) * 100.0,
            rate(whole) / rate(bare) * 100.0,
        );
    }
}

fn head(status: Status) -> Head {
    Head { status, at: "Charge".into(), version: 1, body: Bytes::from_static(&[b'x'; HEAD]) }
}

/// A new run, which is to be in our hands.
fn new_run(session: &Session) -> NewRun {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let id = RunId::new(format!("held-{}", NUMBER.fetch_add(1, Ordering::Relaxed))).expect("an id");
    NewRun {
        root: id.clone(),
        id,
        uid: Uid::random(),
        parent: None,
        queue: "checkout".into(),
        lane: Lane::default(),
        input: InputHash([7; 32]),
        head: head(Status::Ready),
        state: Bytes::from_static(&[b'x'; STATE]),
        parts: Vec::new(),
        attributes: Vec::new(),
        entries: Vec::new(),
        start: Start::Lent { session: session.clone(), keep: Duration::from_hours(1) },
    }
}

/// The next commit of a run that was created.
fn next_commit(created: Created) -> Commit {
    let Created::New { lease: Some(lease) } = created else { panic!("{created:?}") };
    Commit {
        state: Some(Bytes::from_static(&[b'x'; STATE])),
        entries: vec![Bytes::from_static(&[b'x'; ENTRY])],
        ..Commit::new(lease, head(Status::Ready), Seq(0))
    }
}

/// New runs in our hands, each with its next commit.
async fn create(store: &PostgresStore, session: &Session, runs: usize) -> Vec<Commit> {
    let new = (0..runs).map(|_| new_run(session)).collect();
    store.create(new).await.expect("create").value.into_iter().map(next_commit).collect()
}

/// All that an engine asks its store for, of so many runs at once and so often one after another.
async fn lives(store: &PostgresStore, session: &Session, at_once: usize, runs_each: u32) {
    let tasks = (0..at_once).map(|_| {
        let (store, session) = (store.clone(), session.clone());
        tokio::spawn(async move {
            for _ in 0..runs_each {
                live(&store, &session).await;
            }
        })
    });
    join_all(tasks).await.into_iter().for_each(|done| done.expect("a run"));
}

/// A run from its creation to its end, and the two reads of its result.
async fn live(store: &PostgresStore, session: &Session) {
    let mut created = store.create(vec![new_run(session)]).await.expect("create").value;
    let mut commit = next_commit(created.remove(0));
    let id = commit.lease.run.clone();
    store.load(&id, Depth::End).await.expect("load");
    for last in (0..=STEPS).map(|step| step == STEPS) {
        if last {
            (commit.then, commit.head) = (Then::End, head(Status::Completed));
        }
        let answer = store.commit(vec![commit.clone()]).await.expect("commit");
        let [Committed::Done { revision, .. }] = answer.value[..] else { panic!("{answer:?}") };
        commit.lease.revision = revision;
    }
    store.load(&id, Depth::End).await.expect("load");
}

/// So many commits of each run, all runs at once; tells at how many times.
async fn step(store: &PostgresStore, runs: &Mutex<Vec<Commit>>, rounds: usize) -> usize {
    let taken = std::mem::take(&mut *runs.lock().expect("runs"));
    let tasks = taken.into_iter().map(|mut commit| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut times = BTreeSet::new();
            for _ in 0..rounds {
                let answer = store.commit(vec![commit.clone()]).await.expect("commit");
                let [Committed::Done { revision, .. }] = answer.value[..] else { panic!("{answer:?}") };
                commit.lease.revision = revision;
                times.insert(answer.now);
            }
            (commit, times)
        })
    });
    let (commits, times): (Vec<_>, Vec<_>) =
        join_all(tasks).await.into_iter().map(|done| done.expect("a run")).unzip();
    *runs.lock().expect("runs") = commits;
    // All that shares a statement has its time.
    times.into_iter().flatten().collect::<BTreeSet<_>>().len()
}

async fn commits(store: &PostgresStore, runs: &Mutex<Vec<Commit>>, rounds: usize) {
    black_box(step(store, runs, rounds).await);
}

/// How many commits the store puts into a statement on average.
async fn statements(store: &PostgresStore, runs: &Mutex<Vec<Commit>>, rounds: usize) -> usize {
    let at_once = runs.lock().expect("runs").len();
    (at_once * rounds / step(store, runs, rounds).await).max(1)
}

/// Connections and the statements for tables of a store.
struct Bare {
    connections: Vec<PgConnection>,
    keys: Vec<i64>,
    revision: i64,
    single: [String; 2],
    batch: String,
}

impl Bare {
    /// The rows of the store's runs, in a copy of its tables.
    async fn open(schema: &postgres::Schema, runs: usize) -> Self {
        let name = schema.quoted();
        postgres::run(format!(
            "CREATE TABLE {name}.bare (LIKE {name}.run INCLUDING INDEXES INCLUDING STORAGE) WITH (fillfactor = 70);
             INSERT INTO {name}.bare SELECT * FROM {name}.run;
             CREATE TABLE {name}.bare_entry (LIKE {name}.entry INCLUDING INDEXES)"
        ));
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS.min(runs) {
            connections
                .push(PgConnection::connect(postgres::url().expect("a server")).await.expect("connect"));
        }
        let sql = AssertSqlSafe(format!("SELECT key FROM {name}.bare ORDER BY key"));
        let keys = sqlx::query_scalar(sql).fetch_all(&mut connections[0]).await.expect("keys");
        let set =
            "claims = 0, at = 'Charge', head = $3, state = $4, entries = $2, updated_at = updated_at + 1";
        let single = [
            format!("UPDATE {name}.bare SET revision = $2, {set} WHERE key = $1"),
            format!("INSERT INTO {name}.bare_entry VALUES ($1, $2, $2, 0, $3)"),
        ];
        let batch = format!(
            "WITH moved AS (
                 UPDATE {name}.bare run SET revision = $2, claims = 0, at = 'Charge', head = u.head, state = u.state,
                     entries = $2, updated_at = updated_at + 1
                 FROM unnest($1, $3, $4, $5) AS u(key, head, state, entry) WHERE run.key = u.key RETURNING u.key, u.entry)
             INSERT INTO {name}.bare_entry SELECT key, $2, $2, 0, entry FROM moved"
        );
        Self { connections, keys, revision: 1_000_000, single, batch }
    }

    /// Each commit in a transaction of its own.
    async fn singles(&mut self, at_once: usize, rounds: usize) {
        let first = self.revision;
        self.revision += i64::try_from(rounds).unwrap_or(0);
        let [update, insert] = &self.single;
        let (keys, each) = (&self.keys, at_once.div_ceil(self.connections.len()));
        let work = self.connections.iter_mut().zip(keys.chunks(each)).map(async |(connection, keys)| {
            for revision in first..first + i64::try_from(rounds).unwrap_or(0) {
                for key in keys {
                    let mut tx = connection.begin().await.expect("begin");
                    sqlx::query(AssertSqlSafe(&**update))
                        .bind(key)
                        .bind(revision)
                        .bind([b'x'; HEAD].as_slice())
                        .bind([b'x'; STATE].as_slice())
                        .execute(&mut *tx)
                        .await
                        .expect("update");
                    sqlx::query(AssertSqlSafe(&**insert))
                        .bind(key)
                        .bind(revision)
                        .bind([b'x'; ENTRY].as_slice())
                        .execute(&mut *tx)
                        .await
                        .expect("insert");
                    tx.commit().await.expect("commit");
                }
            }
        });
        join_all(work).await;
    }

    /// So many commits in each statement.
    async fn batches(&mut self, at_once: usize, rounds: usize, batch: usize) {
        let first = self.revision;
        self.revision += i64::try_from(rounds).unwrap_or(0);
        let sql = &self.batch;
        let (keys, each) = (&self.keys, at_once.div_ceil(self.connections.len()));
        let work = self.connections.iter_mut().zip(keys.chunks(each)).map(async |(connection, keys)| {
            for revision in first..first + i64::try_from(rounds).unwrap_or(0) {
                for keys in keys.chunks(batch) {
                    sqlx::query(AssertSqlSafe(&**sql))
                        .bind(keys)
                        .bind(revision)
                        .bind(vec![[b'x'; HEAD].as_slice(); keys.len()])
                        .bind(vec![[b'x'; STATE].as_slice(); keys.len()])
                        .bind(vec![[b'x'; ENTRY].as_slice(); keys.len()])
                        .execute(&mut *connection)
                        .await
                        .expect("a batch");
                }
            }
        });
        join_all(work).await;
    }
}
