//! Steps a second through the whole engine: a workflow of ten steps, from its start to its result.
//!
//! On SQLite with `synchronous = FULL`, and in memory, where the engine's own cost shows. One element is one step. Besides its
//! steps each run costs its creation, the commit of its start and two reads for the result. The bench `sqlite` has the bare
//! loop of the same statements.

use std::{
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use refluxo::prelude::*;
use tokio::{runtime::Runtime, task::JoinSet};

/// How many steps a run has.
const STEPS: u64 = 10;

/// What a step is called with, of the size of a small order.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Order {
    id: String,
    items: Vec<String>,
    total: u64,
}

/// An empty step.
#[step]
async fn charge(order: Order) -> u64 {
    black_box(order.total)
}

#[workflow]
async fn ten_steps(order: Order) -> u64 {
    let mut sum = 0;
    for number in 0..10_u64 {
        sum += charge(order.clone()).await + number;
    }
    sum
}

/// Starts so many runs and waits for all.
async fn run(engine: &Engine, runs: usize) {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let mut tasks = JoinSet::new();
    for _ in 0..runs {
        let engine = engine.clone();
        tasks.spawn(async move {
            let id = format!("order-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
            let items = vec!["apples".to_owned(), "pears".to_owned(), "quinces".to_owned()];
            let order = Order { id: id.clone(), items, total: 5 };
            let run = engine.start(id, ten_steps(order)).await.expect("the run starts");
            assert_eq!(run.result().await.expect("the run ends"), 95);
        });
    }
    tasks.join_all().await;
}

fn steps_through_the_engine(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let (sqlite, memory) = runtime.block_on(async {
        let store = SqliteStore::open(folder.path().join("runs.db")).await.expect("the file opens");
        let sqlite = Engine::builder(store).register::<TenSteps>().build().await.expect("an engine");
        let memory = Engine::builder(MemoryStore::new()).register::<TenSteps>().build().await;
        (sqlite, memory.expect("an engine"))
    });
    let mut group = criterion.benchmark_group("engine");
    for runs in [1, 64] {
        group.throughput(Throughput::Elements(STEPS * runs as u64));
        for (store, engine) in [("sqlite, synchronous = FULL", &sqlite), ("memory", &memory)] {
            group.bench_function(format!("{store}, {runs} at once"), |bencher| {
                bencher.iter(|| runtime.block_on(run(engine, runs)));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, steps_through_the_engine);
criterion_main!(benches);
