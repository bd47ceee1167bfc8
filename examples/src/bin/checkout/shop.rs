//! The shop: its data, its steps, and the workflow that sells an order.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use refluxo::prelude::*;
use thiserror::Error;

/// An order, as it stands in the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) items: Vec<Item>,
    pub(crate) total: u32,
}

/// A position of an order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) sku: String,
    pub(crate) quantity: u32,
}

/// Goods that are put aside.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Reservation {
    pub(crate) sku: String,
}

/// What the customer gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    pub(crate) order: String,
    pub(crate) amount: u32,
    pub(crate) payment: String,
}

/// The goods on their way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Parcel {
    pub(crate) skus: Vec<String>,
}

/// Somebody has decided on a large order.
#[derive(Clone, Debug, Serialize, Deserialize, Signal)]
pub(crate) struct Approval {
    pub(crate) by: String,
    pub(crate) granted: bool,
}

/// Why nothing was sold.
#[derive(Clone, Debug, PartialEq, Error, Serialize, Deserialize)]
pub(crate) enum ShopError {
    #[error("{sku} is sold out")]
    SoldOut { sku: String },
    #[error("{by} refused the order")]
    Refused { by: String },
    #[error("nobody answered whether the order may be sold")]
    NobodyAnswered,
    #[error("the bank does not answer")]
    Busy,
    #[error("the bank declined {amount}")]
    Declined { amount: u32 },
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
}

impl ShopError {
    /// Whether the same may go well a little later.
    fn is_transient(&self) -> bool {
        matches!(self, Self::Busy | Self::TimedOut(_))
    }
}

/// The bank. It takes an amount once for each key, however often it is told to.
pub(crate) struct Bank {
    limit: u32,
    keys: Mutex<BTreeSet<String>>,
}

impl Bank {
    pub(crate) fn new() -> Self {
        Self { limit: 5_000, keys: Mutex::default() }
    }

    #[expect(clippy::unused_async, reason = "a real bank is asked over the network")]
    async fn charge(&self, order: &Order, key: &str) -> Result<Receipt, ShopError> {
        if order.total > self.limit {
            return Err(ShopError::Declined { amount: order.total });
        }
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned());
        Ok(Receipt { order: order.id.clone(), amount: order.total, payment: key[..8].to_owned() })
    }
}

/// Reserves one item in the warehouse.
#[step]
pub(crate) async fn reserve(sku: &str) -> Result<Reservation, ShopError> {
    if sku == "unicorn" {
        return Err(ShopError::SoldOut { sku: sku.to_owned() });
    }
    println!("  {sku} is put aside");
    Ok(Reservation { sku: sku.to_owned() })
}

/// Puts an item back.
#[step]
pub(crate) async fn release(reservation: Reservation) {
    println!("  {} is put back", reservation.sku);
}

/// Takes the money.
#[step(retry(attempts = 5, backoff = "exponential", initial = "200ms", max = "30s", jitter = true, if = ShopError::is_transient),
       timeout = "10s")]
pub(crate) async fn charge(
    #[inject] bank: &Bank,
    #[inject] cx: &StepContext,
    order: Order,
) -> Result<Receipt, ShopError> {
    bank.charge(&order, cx.idempotency_key()).await
}

/// Tells the customer.
#[step]
pub(crate) async fn send_mail(receipt: Receipt) -> Result<(), ShopError> {
    println!("  {} is told about payment {}", receipt.order, receipt.payment);
    Ok(())
}

/// Sends what was put aside.
#[step]
pub(crate) async fn ship(order: Order, held: Vec<Reservation>) -> Result<Parcel, ShopError> {
    let skus: Vec<_> = held.into_iter().map(|reservation| reservation.sku).collect();
    println!("  {} is sent: {}", order.id, skus.join(", "));
    Ok(Parcel { skus })
}

/// Asks the customer for a review.
#[step]
pub(crate) async fn ask_for_review(receipt: Receipt) -> Result<(), ShopError> {
    println!("  {} is asked for a review", receipt.order);
    Ok(())
}

/// Sells an order: reserve, ask a human above a limit, charge, ship.
#[workflow]
pub(crate) async fn checkout(order: Order) -> Result<Receipt, ShopError> {
    let mut held = Vec::new(); // no annotation anywhere
    for item in &order.items {
        let reservation = reserve(&item.sku).await?;
        compensate!(release(reservation.clone())); // runs, last first, if the workflow fails or is cancelled
        held.push(reservation);
    }
    if order.total > 1_000 {
        match signal::<Approval>().timeout(Duration::from_hours(3 * 24)).await {
            Ok(approval) if approval.granted => {}
            Ok(approval) => return Err(ShopError::Refused { by: approval.by }),
            Err(Elapsed) => return Err(ShopError::NobodyAnswered),
        }
    }
    let receipt = charge(order.clone()).await?;
    let (mail, parcel) = join!(send_mail(receipt.clone()), ship(order, held));
    mail?;
    parcel?;
    sleep(Duration::from_hours(24)).await;
    ask_for_review(receipt.clone()).await?;
    Ok(receipt)
}
