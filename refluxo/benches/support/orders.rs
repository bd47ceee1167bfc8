//! A workflow of ten steps, from its start to its result.

use std::{
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering},
};

use refluxo::prelude::*;
use tokio::task::JoinSet;

/// How many steps a run has.
pub(crate) const STEPS: u32 = 10;

/// What a step is called with. What is stored of it is as long as in the bare loop.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    id: String,
    items: Vec<String>,
    address: String,
    total: u64,
}

impl Order {
    fn new(id: String) -> Self {
        let items = vec!["apples".to_owned(), "pears".to_owned(), "quinces".to_owned()];
        Self { id, items, address: "a street in a town".repeat(5), total: 5 }
    }
}

/// An empty step.
#[step]
async fn charge(order: Order) -> u64 {
    black_box(order.total)
}

#[workflow]
pub(crate) async fn ten_steps(order: Order) -> u64 {
    let mut sum = 0;
    for number in 0..10_u64 {
        sum += charge(order.clone()).await + number;
    }
    sum
}

/// Starts a run and waits for its result.
async fn run(engine: &Engine) {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let id = format!("order-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let run = engine.start(id.clone(), ten_steps(Order::new(id))).await.expect("the run starts");
    assert_eq!(run.result().await.expect("the run ends"), 95);
}

/// So many runs at once, and so often one after another.
pub(crate) async fn runs(engine: &Engine, at_once: usize, rounds: u32) {
    let mut tasks = JoinSet::new();
    for _ in 0..at_once {
        let engine = engine.clone();
        tasks.spawn(async move {
            for _ in 0..rounds {
                run(&engine).await;
            }
        });
    }
    tasks.join_all().await;
}
