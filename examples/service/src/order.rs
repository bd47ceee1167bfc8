//! What is sold: an order is paid, waits for somebody to approve it if it is large, and is shipped; else it is paid back.

use std::time::Duration;

use refluxo::prelude::*;
use thiserror::Error;

/// An order, as it comes by HTTP.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) customer: String,
    pub(crate) item: String,
    pub(crate) total: u32,
}

/// Money that was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Payment {
    pub(crate) number: String,
    pub(crate) amount: u32,
}

/// What the customer gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    pub(crate) payment: Payment,
    pub(crate) parcel: String,
}

/// Somebody has decided on a large order.
#[derive(Clone, Debug, Serialize, Deserialize, Signal)]
pub(crate) struct Approval {
    pub(crate) by: String,
    pub(crate) granted: bool,
}

/// Why nothing was sold.
#[derive(Clone, Debug, PartialEq, Error, Serialize, Deserialize)]
pub(crate) enum SaleError {
    #[error("the bank declined {amount}")]
    Declined { amount: u32 },
    #[error("{by} refused the order")]
    Refused { by: String },
    #[error("nobody approved the order in time")]
    NobodyAnswered,
    #[error("there is no {item} left")]
    SoldOut { item: String },
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
}

impl SaleError {
    /// Whether the same may go well a little later.
    fn is_transient(&self) -> bool {
        matches!(self, Self::TimedOut(_))
    }
}

/// Above this an order is approved by somebody.
const APPROVED_ABOVE: u32 = 1_000;

/// How long that may take.
pub(crate) const APPROVED_WITHIN: Duration = Duration::from_hours(3 * 24);

/// A stand-in for a request to somebody else's server.
async fn ask_a_server() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}

/// Takes the money. A real bank is given the idempotency key, and takes the money once, however often it is asked.
#[step(retry(attempts = 5, initial = "200ms", max = "30s", if = SaleError::is_transient), timeout = "10s")]
async fn charge(#[inject] cx: &StepContext, customer: &str, amount: u32) -> Result<Payment, SaleError> {
    tracing::info!(run = cx.run_id(), customer, amount, "charging");
    ask_a_server().await;
    if amount > 5_000 {
        return Err(SaleError::Declined { amount });
    }
    Ok(Payment { number: cx.idempotency_key()[..8].to_owned(), amount })
}

/// Gives the money back.
#[step(retry(attempts = 10, initial = "1s", max = "5m"))]
async fn refund(#[inject] cx: &StepContext, payment: Payment) -> Result<(), SaleError> {
    tracing::info!(run = cx.run_id(), payment = payment.number, "refunding");
    ask_a_server().await;
    Ok(())
}

/// Sends the goods, and gives the number of the parcel.
#[step(retry(attempts = 5, initial = "200ms", max = "30s", if = SaleError::is_transient), timeout = "10s")]
async fn ship(#[inject] cx: &StepContext, item: String) -> Result<String, SaleError> {
    tracing::info!(run = cx.run_id(), item, "shipping");
    ask_a_server().await;
    if item == "unicorn" {
        return Err(SaleError::SoldOut { item });
    }
    Ok(format!("parcel-{}", &cx.idempotency_key()[..8]))
}

/// Sells an order. What is returned as an `Err`, and a cancellation, have the payment refunded.
#[workflow]
pub(crate) async fn sell(order: Order) -> Result<Receipt, SaleError> {
    let payment = charge(&order.customer, order.total).await?;
    compensate!(refund(payment.clone()));
    if order.total > APPROVED_ABOVE {
        match signal::<Approval>().timeout(APPROVED_WITHIN).await {
            Ok(approval) if approval.granted => {}
            Ok(approval) => return Err(SaleError::Refused { by: approval.by }),
            Err(Elapsed) => return Err(SaleError::NobodyAnswered),
        }
    }
    let parcel = ship(order.item).await?;
    Ok(Receipt { payment, parcel })
}

#[cfg(test)]
mod tests {
    use refluxo::testing::{TestEngine, crash_everywhere};

    use super::*;

    fn order(item: &str, total: u32) -> Order {
        Order { id: "42".into(), customer: "Ada".into(), item: item.into(), total }
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_approves_is_refunded_after_three_days() {
        let shop = TestEngine::builder().register::<Sell>().build().await;
        let begun = shop.now();
        let run = shop.start("42", sell(order("lamp", 2_800))).await.unwrap();
        assert_eq!(run.result().await.unwrap(), Err(SaleError::NobodyAnswered));
        assert!(shop.now().saturating_since(begun) >= APPROVED_WITHIN);
        assert_eq!(shop.recorded().steps().collect::<Vec<_>>(), ["charge", "refund"]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_sold_out_is_refunded() {
        let shop = TestEngine::builder().register::<Sell>().build().await;
        let run = shop.start("42", sell(order("unicorn", 90))).await.unwrap();
        assert_eq!(run.result().await.unwrap(), Err(SaleError::SoldOut { item: "unicorn".into() }));
        assert_eq!(shop.recorded().steps().collect::<Vec<_>>(), ["charge", "ship", "refund"]);
    }

    #[tokio::test(start_paused = true)]
    async fn it_may_crash_anywhere() {
        let sold = crash_everywhere(|| sell(order("lamp", 90))).await;
        assert_eq!(sold.repeated, ["charge", "ship"]);
        let declined = crash_everywhere(|| sell(order("lamp", 9_000))).await;
        assert_eq!(declined.repeated, ["charge"]);
    }
}
