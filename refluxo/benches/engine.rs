//! Steps a second through the whole engine: a workflow of ten steps, from its start to its result.
//!
//! On SQLite with `synchronous = FULL`, beside a bare loop of the same statements on the same driver, and in memory, where the
//! engine's own cost shows. One element is one step. Besides its steps each run costs its creation, the commit of its start
//! and two reads for the result; the bare loop does all of that too. `1 at once` is one run after another: each commit waits
//! for the one before. Of `64 at once`, many commits share a transaction. The bare loop puts as many into each of its own as the
//! engine did on average; what it does with all 64 in each, which an engine can't know to be on their way, is told beside it.

#[path = "support/bare.rs"]
mod bare;
#[path = "support/cpu.rs"]
mod cpu;
#[path = "support/orders.rs"]
mod orders;

use std::{cell::RefCell, path::Path};

use bare::Bare;
use cpu::{Spent, Who};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use orders::{STEPS, TenSteps, runs};
use refluxo::prelude::*;
use tokio::runtime::Runtime;

/// The same in the bare loop, with so many commits in each transaction.
fn bare_runs(bare: &mut Bare, at_once: usize, rounds: u32, batch: usize) {
    for _ in 0..rounds {
        for first in (0..at_once).step_by(batch) {
            bare.create(batch.min(at_once - first));
            // The first commit is that of the start, and the last step's is the end.
            (0..STEPS).for_each(|_| bare.step());
            bare.end();
            bare.read();
            bare.read();
        }
    }
}

/// How many transactions have been written to a file: `iChange` of the header of its WAL index, which SQLite counts up with each.
///
/// See "WAL-Index Header" in <https://sqlite.org/walformat.html>.
fn transactions(database: &Path) -> u32 {
    let index = std::fs::read(database.with_extension("db-shm")).expect("the index of the WAL");
    u32::from_ne_bytes(index[8..12].try_into().expect("four bytes"))
}

/// How many commits the engine puts into a transaction on average.
fn batch(runtime: &Runtime, engine: &Engine, database: &Path, at_once: usize, rounds: u32) -> usize {
    let before = transactions(database);
    runtime.block_on(runs(engine, at_once, rounds));
    let transactions = transactions(database).wrapping_sub(before) as usize;
    // Those of its steps, its start and its creation.
    let commits = at_once * rounds as usize * (STEPS as usize + 2);
    (commits / transactions).max(1)
}

async fn sqlite(path: &Path) -> Engine {
    let store = SqliteStore::open(path).await.expect("the file opens");
    Engine::builder(store).register::<TenSteps>().build().await.expect("an engine")
}

/// Where the disk is the one that a program would use: temporary folders may be in memory.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

/// The engine and the bare loop in turns: medians of ten rounds, and their ratio.
fn in_turns(_: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    for (at_once, rounds) in [(1, 100), (64, 16)] {
        let folder = folder();
        let database = folder.path().join("engine.db");
        let engine = runtime.block_on(sqlite(&database));
        let batch = batch(&runtime, &engine, &database, at_once, rounds);
        let path = folder.path().join("bare.db");
        drop(runtime.block_on(SqliteStore::open(&path)).expect("the file opens"));
        let bare = RefCell::new(Bare::open(&path));
        let [engine, batches, whole] = cpu::in_turns(
            Who::Process,
            10,
            [
                &mut || runtime.block_on(runs(&engine, at_once, rounds)),
                &mut || bare_runs(&mut bare.borrow_mut(), at_once, rounds, batch),
                &mut || bare_runs(&mut bare.borrow_mut(), at_once, rounds, at_once),
            ],
        );
        let steps = f64::from(STEPS) * f64::from(rounds) * f64::from(u32::try_from(at_once).unwrap_or(0));
        let rate = |spent: Spent| steps / spent.wall;
        let cpu = |spent: Spent| spent.cpu / steps * 1e6;
        println!("{at_once} at once: engine {:.0} steps/s ({:.1} µs of CPU each)", rate(engine), cpu(engine));
        // Where the two are one, the other is but a second measurement of it.
        for (batch, bare) in [(batch, batches), (at_once, whole)].into_iter().take(at_once.min(2)) {
            println!(
                "  bare loop, {batch} commits in a transaction: {:.0} ({:.1} µs); the engine reaches {:.0} %",
                rate(bare),
                cpu(bare),
                rate(engine) / rate(bare) * 100.0,
            );
        }
    }
}

fn steps_through_the_engine(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let folder = folder();
    let (sqlite, memory) = runtime.block_on(async {
        let memory = Engine::builder(MemoryStore::new()).register::<TenSteps>().build().await;
        (sqlite(&folder.path().join("runs.db")).await, memory.expect("an engine"))
    });
    let mut group = criterion.benchmark_group("engine");
    for at_once in [1, 64] {
        group.throughput(Throughput::Elements(u64::from(STEPS) * at_once as u64));
        for (store, engine) in [("sqlite, synchronous = FULL", &sqlite), ("memory", &memory)] {
            group.bench_function(format!("{store}, {at_once} at once"), |bencher| {
                bencher.iter(|| runtime.block_on(runs(engine, at_once, 1)));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, in_turns, steps_through_the_engine);
criterion_main!(benches);
