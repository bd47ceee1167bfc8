//! Runs at very many calls: what is done for all of them grows with their number, not with its square.

mod support;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use refluxo::prelude::*;
use serde::{Deserialize, Deserializer, Serialize};
use support::until;

const ITEMS: usize = 200;

/// How often an item was read.
static READ: AtomicUsize = AtomicUsize::new(0);

/// How many steps have begun.
static BEGUN: AtomicUsize = AtomicUsize::new(0);

/// Counts how often it is read.
#[derive(Clone, Debug, Serialize)]
struct Item(usize);

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        READ.fetch_add(1, Ordering::Relaxed);
        usize::deserialize(deserializer).map(Self)
    }
}

#[step]
async fn never_ends(item: Item) {
    assert!(item.0 < ITEMS);
    BEGUN.fetch_add(1, Ordering::Relaxed);
    std::future::pending::<()>().await;
}

#[workflow]
async fn all_at_once(items: usize) -> usize {
    let ended =
        join_all!(for number in 0..items => never_ends(Item(number)).timeout(Duration::from_hours(1)));
    ended.len()
}

#[tokio::test]
async fn a_copy_reads_each_branch_a_few_times_however_many_there_are() {
    let builder = Engine::builder(refluxo::MemoryStore::new()).register::<AllAtOnce>();
    let engine = builder.build().await.unwrap();
    let run = engine.start("first", all_at_once(ITEMS)).await.unwrap();
    until(async || BEGUN.load(Ordering::Relaxed) == ITEMS).await;
    READ.store(0, Ordering::Relaxed);
    run.fork("copy").await.unwrap();
    until(async || BEGUN.load(Ordering::Relaxed) == 2 * ITEMS).await;
    let read = READ.load(Ordering::Relaxed);
    assert!(read <= 8 * ITEMS, "{read} reads of {ITEMS} items");
}
