//! Real processes on one store, while everything is done to them that happens to processes.
//!
//! Eight workers on one PostgreSQL, and four on one SQLite file, are killed, stopped for longer than their leases, and cut off from
//! the server: connections are broken or fall silent, and what they held is delivered late or never. Meanwhile runs go
//! through that have steps with retries, steps in the store's transaction, timers, signals, children, joins, races and
//! compensations. In the end every run has to have ended with what a plain function says it must give, what transactional steps
//! wrote must be there once, and the workers' journals, which they keep beside the store, must fit to the histories: see [`oracle`].
//!
//! The worker is this test's own program, called again. What is done to whom, and when, follows from a seed: `REFLUXO_SEED=17`
//! has it done again, as far as the machine does the rest in the same time. `REFLUXO_CHAOS_RUNS=4000` has more runs.
#![cfg(all(feature = "postgres", feature = "sqlite", feature = "testing", unix))]
#![allow(unreachable_pub, reason = "the server is shared with other test files")]

mod customers;
mod faults;
mod findings;
mod journal;
mod ledger;
mod line;
mod model;
mod office;
mod oracle;
#[path = "../support/postgres.rs"]
#[allow(dead_code, reason = "others ask more of the server")]
mod postgres;
mod process;
mod watch;
mod worker;
mod workflows;

use std::{
    env,
    time::{Duration, Instant},
};

use refluxo::Engine;

use self::{customers::Customers, findings::Findings, office::Office, watch::Watch, worker::Desk};

/// How long a lease is. Stops last longer.
const LEASE: Duration = Duration::from_millis(1500);

/// How many runs are started in a second, so that the faults come in the middle of them however fast the machine is.
const PACE: f64 = 40.0;

/// How long the last runs may take once nothing is done to the workers any more.
const PATIENCE: Duration = Duration::from_mins(3);

/// How many runs are read at once in the end.
const READ_AT_ONCE: usize = 8;

#[test]
fn eight_processes_on_one_postgres() {
    unless_a_worker(async || {
        let Some(url) = postgres::url() else { return };
        let schema = postgres::Schema::new();
        let store = schema.builder().connect().await.expect("the store opens");
        chaos(
            Engine::builder(store),
            8,
            worker::Place::Postgres { url: url.to_owned(), schema: schema.name },
        )
        .await;
    });
}

#[test]
fn four_processes_on_one_file() {
    unless_a_worker(async || {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("shop.db");
        let store = worker::open_file(&path).await;
        chaos(Engine::builder(store), 4, worker::Place::File(path)).await;
    });
}

/// Runs a test; in a process that a test has started, the worker.
fn unless_a_worker(test: impl AsyncFnOnce()) {
    if let Some(desk) = Desk::given() {
        return worker::work(&desk);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(test());
}

/// A number from the environment.
fn variable(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

/// Has the runs go through with so many workers at this place.
async fn chaos(builder: refluxo::engine::EngineBuilder, workers: usize, place: worker::Place) {
    let seed = variable("REFLUXO_SEED").unwrap_or_else(|| fastrand::u64(..));
    let runs = variable("REFLUXO_CHAOS_RUNS").unwrap_or(1_000);
    println!("REFLUXO_SEED={seed} REFLUXO_CHAOS_RUNS={runs}");
    // Kept if something is wrong: there are the journals.
    let folder = tempfile::Builder::new().prefix("refluxo-chaos-").tempdir().expect("a folder").keep();
    // It starts runs and tells them things, and leaves the work to the others.
    ledger::make(&place).await;
    let engine = workflows::register(builder, &place).build().await.expect("the engine begins");
    engine.shutdown().await;

    let begun = Instant::now();
    let findings = Findings::default();
    let mut office = Office::open(workers, place.clone(), &folder).await;
    let watch = Watch::begin(engine.clone(), findings.clone());
    let customers = Customers::new(engine.clone(), place.clone(), seed, runs, findings.clone());
    let coming = tokio::spawn(customers.clone().come(PACE, watch.clone()));
    office.trouble(&mut fastrand::Rng::with_seed(seed), || coming.is_finished()).await;
    office.heal().await;
    let visits = coming.await.expect("they come");
    let served = async { (visits.join_all().await, watch.all_ended().await) };
    if tokio::time::timeout(PATIENCE, served).await.is_err() {
        findings.add("", format!("not all have ended {PATIENCE:?} after the last fault"));
    }
    let took = begun.elapsed();
    let faults = office.close().await;
    customers.check_results().await;
    let written = ledger::check(&place, runs, &findings).await;
    let lines = journal::read_all(&folder);
    let figures = oracle::check(&engine, &lines, &faults, &watch.seen(), &findings).await;
    println!(
        "{runs} runs were started, and all had ended after {took:.1?}: {faults}; {figures}; {written} lines in the ledger"
    );
    findings.judge(seed, &folder, &faults, &engine, &lines).await;
    std::fs::remove_dir_all(&folder).expect("the folder goes");
    assert!(runs < 500 || figures.show_something(), "the faults miss the runs: {figures}");
}
