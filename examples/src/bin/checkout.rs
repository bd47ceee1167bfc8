//! Sells an order that stands in a JSON file, and survives being killed in the middle.
//!
//! ```text
//! cargo run --bin checkout                         # sells examples/data/order.json
//! cargo run --bin checkout -- --crash-at Charge    # aborts the process when that state is reached
//! cargo run --bin checkout                         # goes on where it stopped
//! ```

use std::{fs, path::PathBuf, process, time::Duration};

use anyhow::Context;
use clap::Parser;
use refluxo::{observer::Reached, prelude::*};
use thiserror::Error;

/// An order, as it stands in the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Order {
    id: String,
    items: Vec<Item>,
    total: u32,
}

/// A position of an order.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Item {
    sku: String,
    quantity: u32,
}

/// Goods that are put aside.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Reservation {
    sku: String,
    shelf: u32,
}

/// What the customer gets.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Receipt {
    order: String,
    amount: u32,
    payment: String,
}

/// Why nothing was sold.
#[derive(Clone, Debug, Error, Serialize, Deserialize)]
enum ShopError {
    /// The warehouse has too few of it.
    #[error("there are no {quantity} of {sku} left")]
    SoldOut { sku: String, quantity: u32 },
    /// The bank does not pay such amounts.
    #[error("the bank refused to pay {amount}")]
    Refused { amount: u32 },
}

/// The bank, which the engine hands to the steps that ask for it.
struct Bank {
    limit: u32,
}

/// Puts an item aside.
#[step]
async fn reserve(item: &Item) -> Result<Reservation, ShopError> {
    if item.quantity > 10 {
        return Err(ShopError::SoldOut { sku: item.sku.clone(), quantity: item.quantity });
    }
    Ok(Reservation { sku: item.sku.clone(), shelf: 100 + item.quantity })
}

/// Takes the money. The bank is told the idempotency key, so that it takes it once, however often this runs.
#[step]
async fn charge(#[inject] bank: &Bank, #[inject] cx: &StepContext, amount: u32) -> Result<String, ShopError> {
    if amount > bank.limit {
        return Err(ShopError::Refused { amount });
    }
    Ok(format!("payment-{}", &cx.idempotency_key()[..8]))
}

/// Sends what was put aside.
#[step]
async fn ship(order: &str, held: Vec<Reservation>) {
    let shelves = held.iter().map(|held| format!("{} from shelf {}", held.sku, held.shelf));
    println!("  shipping {order}: {}", shelves.collect::<Vec<_>>().join(", "));
}

/// Sells an order: put every item aside, take the money, give the customer a moment, ship.
#[workflow]
async fn checkout(order: Order) -> Result<Receipt, ShopError> {
    let mut held = Vec::new();
    for item in &order.items {
        held.push(reserve(item).await?);
    }
    let payment = charge(order.total).await?;
    sleep(Duration::from_secs(1)).await;
    ship(&order.id, held).await;
    Ok(Receipt { order: order.id, amount: order.total, payment })
}

/// Sells an order.
#[derive(Parser)]
struct Args {
    /// The order.
    #[arg(default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/data/order.json"))]
    order: PathBuf,
    /// The database.
    #[arg(long, default_value = "checkout.db")]
    db: PathBuf,
    /// Abort the process when this state is reached: Reserve, Charge, Sleep or Ship.
    #[arg(long, value_name = "STATE")]
    crash_at: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Args { order, db, crash_at } = Args::parse();
    let order = fs::read(&order).with_context(|| format!("{} can't be read", order.display()))?;
    let order: Order = serde_json::from_slice(&order).context("this is not an order")?;

    let engine = Engine::builder(SqliteStore::open(db).await?)
        .register::<Checkout>()
        .provide(Bank { limit: 1_000 })
        .observe(move |reached: &Reached<'_>| {
            println!("{} {} is at {} ({})", reached.revision, reached.run, reached.at, reached.status);
            if crash_at.as_deref() == Some(reached.at) {
                println!("  the process is killed");
                process::abort();
            }
        })
        .build()
        .await?;
    // The same id again is the same run: the second call finds it wherever the first one left it.
    let run = engine.start(order.id.clone(), checkout(order)).await?;
    match run.result().await? {
        Ok(receipt) => println!("sold: {receipt:?}"),
        Err(error) => println!("not sold: {error}"),
    }
    engine.shutdown().await;
    Ok(())
}
