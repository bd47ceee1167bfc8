use refluxo::prelude::*;

#[derive(Debug, Serialize, Deserialize)]
enum ShopError {
    Busy,
    TimedOut(TimedOut),
}

impl ShopError {
    fn is_transient(&self) -> bool {
        matches!(self, Self::Busy | Self::TimedOut(_))
    }
}

#[rustfmt::skip]
impl From<TimedOut> for ShopError { fn from(it: TimedOut) -> Self { Self::TimedOut(it) } }

#[step(retry(attempts = 5, backoff = "linear", initial = "200ms", max = "30s", jitter = false, total = "1h",
    if = ShopError::is_transient), timeout = "10s", concurrency = 8)]
async fn charge(order: u32) -> Result<u32, ShopError> { Ok(order) }

fn main() { let _ = charge(1); }
