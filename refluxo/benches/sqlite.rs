//! Commits through `SqliteStore` beside a bare loop of the same statements on the same driver, `synchronous = FULL`.
//!
//! `one run` is the latency of a step: each commit waits for the one before. In `64 runs` each run still waits for its own
//! commits, but they share transactions; the bare loop puts 64 into each of its own. One element is one commit.

use std::{
    hint::black_box,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use refluxo::store::{
    Commit, Committed, Created, Head, InputHash, Lease, NewRun, RunId, Seq, Session, SqliteStore, Start,
    Status, Store, Uid,
};
use rusqlite::{Connection, params};
use tokio::{runtime::Runtime, task::JoinSet};

/// What a small workflow writes with each step, in bytes.
const HEAD: usize = 200;
const STATE: usize = 400;
const ENTRY: usize = 150;

/// Where the disk is the one that a program would use: temporary folders may be in memory.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

fn text(length: usize) -> Bytes {
    Bytes::from(vec![b'x'; length])
}

fn head() -> Head {
    Head { status: Status::Ready, at: "Charge".into(), version: 1, body: text(HEAD) }
}

fn new_run(number: usize, session: &Session) -> NewRun {
    let id = RunId::new(format!("order-{number}")).expect("a short id");
    NewRun {
        uid: Uid::random(),
        root: id.clone(),
        id,
        parent: None,
        queue: "checkout".into(),
        input: InputHash([0; 32]),
        head: head(),
        state: text(STATE),
        parts: Vec::new(),
        attributes: Vec::new(),
        entries: Vec::new(),
        start: Start::Lent { session: session.clone(), keep: Duration::from_hours(1) },
    }
}

/// A store with so many runs, all of them held.
async fn held(path: &Path, runs: usize, session: &Session) -> (SqliteStore, Vec<Lease>) {
    let store = SqliteStore::open(path).await.expect("open");
    let batch = (0..runs).map(|number| new_run(number, session)).collect();
    let created = store.create(batch).await.expect("create").value;
    let leases = created.into_iter().map(|created| match created {
        Created::New { lease: Some(lease) } => lease,
        other => panic!("{other:?}"),
    });
    (store, leases.collect())
}

/// One step's commit.
async fn step(store: &SqliteStore, mut lease: Lease) -> Lease {
    let mut commit = Commit::new(lease.clone(), head(), Seq(0));
    commit.state = Some(text(STATE));
    commit.entries = vec![text(ENTRY)];
    match store.commit(vec![commit]).await.expect("commit").value.remove(0) {
        Committed::Done { revision, .. } => lease.revision = revision,
        other => panic!("{other:?}"),
    }
    lease
}

/// So many commits of each run, all runs at once.
async fn steps(store: &SqliteStore, leases: Vec<Lease>, commits: u64) -> Vec<Lease> {
    let mut runs = JoinSet::new();
    for mut lease in leases {
        let store = store.clone();
        runs.spawn(async move {
            for _ in 0..commits {
                lease = step(&store, lease).await;
            }
            lease
        });
    }
    runs.join_all().await
}

/// The bare loop: the statements of a commit, prepared once, so many runs in each transaction.
struct Bare {
    db: Connection,
    runs: Vec<i64>,
    revision: i64,
}

impl Bare {
    fn open(path: PathBuf) -> Self {
        let db = Connection::open(path).expect("open");
        db.pragma_update(None, "journal_mode", "WAL").expect("pragma");
        db.pragma_update(None, "synchronous", "FULL").expect("pragma");
        let mut statement = db.prepare("SELECT key FROM run").expect("prepare");
        let runs =
            statement.query_map([], |row| row.get(0)).expect("query").map(|key| key.expect("key")).collect();
        drop(statement);
        Self { db, runs, revision: 0 }
    }

    fn transaction(&mut self) {
        let execute =
            |sql: &str| self.db.prepare_cached(sql).and_then(|mut s| s.execute([])).map(drop).expect(sql);
        let (head, state, entry) = (text(HEAD), text(STATE), text(ENTRY));
        self.revision += 1;
        execute("BEGIN IMMEDIATE");
        for run in &self.runs {
            self.commit(*run, &head, &state, &entry).expect("commit");
        }
        execute("COMMIT");
    }

    fn commit(&self, run: i64, head: &[u8], state: &[u8], entry: &[u8]) -> rusqlite::Result<()> {
        let id = format!("order-{}", run - 1);
        let mut find = self.db.prepare_cached(
            "SELECT key, token, session, due_at, revision, status, version, inbox_last, inbox_read, inbox_count,
                 last_entry, entries, ended_at, owes FROM run WHERE id = ?1",
        )?;
        let last: Option<i64> = find.query_row([id], |row| {
            black_box((row.get::<_, Option<[u8; 16]>>(1)?, row.get::<_, i64>(4)?, row.get::<_, String>(5)?));
            row.get(10)
        })?;
        let sql = "INSERT INTO entry (run, prev, revision, at, body) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.db.prepare_cached(sql)?.execute(params![run, last, self.revision, 0, entry])?;
        let last = self.db.last_insert_rowid();
        let mut update = self.db.prepare_cached(
            "UPDATE run SET claims = 0, at = ?2, head = ?3, state = coalesce(?4, state), revision = ?5, inbox_read = ?6,
                 inbox_count = inbox_count - ?7, inbox_bytes = inbox_bytes - ?8, entries = ?9, last_entry = ?10,
                 updated_at = ?11, owes = ?12
             WHERE key = ?1",
        )?;
        let revision = self.revision;
        update
            .execute(params![run, "Charge", head, state, revision, 0, 0, 0, revision, last, revision, 0])?;
        Ok(())
    }
}

fn commits(c: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    for (name, runs) in [("one run", 1), ("64 runs", 64)] {
        let mut group = c.benchmark_group(format!("commits, {name}"));
        group.throughput(Throughput::Elements(runs as u64));
        let folder = folder();
        let session = Session::begin();
        let (store, mut leases) = runtime.block_on(held(&folder.path().join("store.db"), runs, &session));
        group.bench_function(BenchmarkId::from_parameter("store"), |b| {
            b.iter_custom(|rounds| {
                let start = Instant::now();
                leases = runtime.block_on(steps(&store, std::mem::take(&mut leases), rounds));
                start.elapsed()
            });
        });
        let path = folder.path().join("bare.db");
        drop(runtime.block_on(held(&path, runs, &session)));
        let mut bare = Bare::open(path);
        group.bench_function(BenchmarkId::from_parameter("bare loop"), |b| b.iter(|| bare.transaction()));
        group.finish();
    }
}

/// The two of them in turns, so that what else the machine does falls on both: medians of ten rounds, and their ratio.
#[expect(clippy::cast_precision_loss, reason = "numbers of commits are small")]
fn in_turns(_: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    for (name, runs, transactions) in [("one run", 1, 400), ("64 runs", 64, 80)] {
        let folder = folder();
        let session = Session::begin();
        let (store, mut leases) = runtime.block_on(held(&folder.path().join("store.db"), runs, &session));
        let path = folder.path().join("bare.db");
        drop(runtime.block_on(held(&path, runs, &session)));
        let mut bare = Bare::open(path);
        let (mut through_store, mut through_bare) = (Rounds::default(), Rounds::default());
        for _ in 0..10 {
            through_store
                .time(|| leases = runtime.block_on(steps(&store, std::mem::take(&mut leases), transactions)));
            through_bare.time(|| (0..transactions).for_each(|_| bare.transaction()));
        }
        let commits = runs as f64 * transactions as f64;
        let (store, bare) = (commits / through_store.median(), commits / through_bare.median());
        println!(
            "{name}: store {store:.0} commits/s ({:.1} µs of CPU each), bare loop {bare:.0} ({:.1} µs): {:.0} %",
            through_store.cpu / commits / 10.0 * 1e6,
            through_bare.cpu / commits / 10.0 * 1e6,
            store / bare * 100.0,
        );
    }
}

/// Times of rounds, in seconds.
#[derive(Default)]
struct Rounds {
    wall: Vec<f64>,
    cpu: f64,
}

impl Rounds {
    fn time(&mut self, round: impl FnOnce()) {
        let (start, cpu) = (Instant::now(), cpu_time());
        round();
        self.wall.push(start.elapsed().as_secs_f64());
        self.cpu += cpu_time() - cpu;
    }

    fn median(&mut self) -> f64 {
        self.wall.sort_by(f64::total_cmp);
        self.wall[self.wall.len() / 2]
    }
}

/// What this process has used of the CPU, in seconds; zero where that can't be told this way.
fn cpu_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the program's name in parentheses, utime and stime are the 12th and 13th, in hundredths of a second.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

criterion_group! {
    name = sqlite;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_secs(1));
    targets = in_turns, commits
}
criterion_main!(sqlite);
