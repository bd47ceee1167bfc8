//! Sells an order that stands in a JSON file, and survives being killed in the middle.
//!
//! ```text
//! cargo run --bin checkout                         # sells examples/data/order.json
//! cargo run --bin checkout -- --crash-at Charge    # aborts the process when that state is reached
//! cargo run --bin checkout                         # goes on where it stopped
//! cargo run --bin checkout -- examples/data/large_order.json    # waits until somebody approves
//! cargo run --bin checkout -- examples/data/large_order.json --approve    # does so, from another terminal
//! ```
//!
//! The workflow and its steps are in `shop.rs`, its tests in `tests.rs`: they take no time, although it asks for a review after a
//! day. The program does not wait for that day: it ends when the goods are on their way, and asks when it is called again later.

mod shop;
#[cfg(test)]
mod tests;

use std::{fs, path::PathBuf, process, sync::Arc};

use anyhow::Context;
use clap::Parser;
use refluxo::{observer::Event, prelude::*};
use tokio::sync::Notify;

use crate::shop::{Approval, Bank, Checkout, Order, checkout};

/// Sells an order.
#[derive(Parser)]
struct Args {
    /// The order.
    #[arg(default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/data/order.json"))]
    order: PathBuf,
    /// The database.
    #[arg(long, default_value = "checkout.db")]
    db: PathBuf,
    /// Approve the order, which another process sells.
    #[arg(long)]
    approve: bool,
    /// Abort the process when this state is reached: `Reserve`, `Charge`, `Sleep` and so on.
    #[arg(long, value_name = "STATE")]
    crash_at: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Args { order, db, approve, crash_at } = Args::parse();
    let order = fs::read(&order).with_context(|| format!("{} can't be read", order.display()))?;
    let order: Order = serde_json::from_slice(&order).context("this is not an order")?;
    let store = SqliteStore::open(db).await?;
    if approve { approval(store, &order).await } else { sell(store, order, crash_at).await }
}

/// Sells an order, as far as that goes today.
async fn sell(store: SqliteStore, order: Order, crash_at: Option<String>) -> anyhow::Result<()> {
    let is_sent = Arc::new(Notify::new());
    let sleeps = is_sent.clone();
    let engine = Engine::builder(store)
        .register::<Checkout>()
        .provide(Bank::new())
        .observe(move |event: &Event| {
            let Event::Reached(reached) = event else { return };
            println!("{} {} is at {} ({})", reached.revision, reached.run, reached.at, reached.status);
            if crash_at.as_ref() == Some(&reached.at) {
                println!("  the process is killed");
                process::abort();
            }
            if reached.at == "Sleep" {
                sleeps.notify_one();
            }
        })
        .build()
        .await?;
    // The same id again is the same run: the second call finds it wherever the first one left it.
    let run = engine.start(order.id.clone(), checkout(order)).await?;
    tokio::select! {
        result = run.result() => match result? {
            Ok(receipt) => println!("sold: {receipt:?}"),
            Err(error) => println!("not sold: {error}"),
        },
        () = is_sent.notified() => println!("sold: call this again tomorrow, and it asks for a review"),
    }
    engine.shutdown().await;
    Ok(())
}

/// Approves an order. The engine knows no workflow here, so it leaves the work to the other process.
async fn approval(store: SqliteStore, order: &Order) -> anyhow::Result<()> {
    let engine = Engine::builder(store).build().await?;
    let by = std::env::var("USER").unwrap_or_else(|_| "somebody".into());
    engine.run::<Checkout>(&order.id).await?.signal(Approval { by, granted: true }).await?;
    engine.shutdown().await;
    Ok(())
}
