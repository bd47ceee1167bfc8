//! Commits through `SqliteStore` beside a bare loop of the same statements on the same driver, `synchronous = FULL`.
//!
//! `one run` is the latency of a step: each commit waits for the one before. In `64 runs` each run still waits for its own
//! commits, but they share transactions; the bare loop puts 64 into each of its own. One element is one commit.

#[path = "support/bare.rs"]
mod bare;
#[path = "support/cpu.rs"]
mod cpu;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use bare::{Bare, ENTRY, HEAD, STATE};
use bytes::Bytes;
use cpu::{Spent, Who};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use refluxo::store::{
    Commit, Committed, Created, Head, InputHash, Lane, Lease, NewRun, RunId, Seq, Session, SqliteStore,
    Start, Status, Store, Uid,
};
use tokio::{runtime::Runtime, task::JoinSet};

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
        lane: Lane::default(),
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

/// The bare loop with so many runs.
async fn bare(path: &Path, runs: usize) -> Bare {
    drop(SqliteStore::open(path).await.expect("open"));
    let mut bare = Bare::open(path);
    bare.create(runs);
    bare
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
        let mut bare = runtime.block_on(bare(&folder.path().join("bare.db"), runs));
        group.bench_function(BenchmarkId::from_parameter("bare loop"), |b| b.iter(|| bare.step()));
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
        let mut bare = runtime.block_on(bare(&folder.path().join("bare.db"), runs));
        let [through_store, through_bare] = cpu::in_turns(
            Who::Process,
            10,
            [
                &mut || leases = runtime.block_on(steps(&store, std::mem::take(&mut leases), transactions)),
                &mut || (0..transactions).for_each(|_| bare.step()),
            ],
        );
        let commits = runs as f64 * transactions as f64;
        let per_commit = |spent: Spent| spent.cpu / commits * 1e6;
        let (store, bare) = (commits / through_store.wall, commits / through_bare.wall);
        println!(
            "{name}: store {store:.0} commits/s ({:.1} µs of CPU each), bare loop {bare:.0} ({:.1} µs): {:.0} %",
            per_commit(through_store),
            per_commit(through_bare),
            store / bare * 100.0,
        );
    }
}

criterion_group! {
    name = sqlite;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_secs(1));
    targets = in_turns, commits
}
criterion_main!(sqlite);
