//! For tests of workflows: virtual time, stand-ins for steps, crashes, and a recording of what happened.
//!
//! A [`TestEngine`] is an [`Engine`](crate::Engine) on a store in memory whose clock is tokio's paused one: it stands while there is
//! anything to do, and then jumps to the next time that something waits for. So a workflow of thirty days takes milliseconds, and a
//! `tokio::time::sleep` in a step takes part in it. The tests need tokio's feature `test-util` and refluxo's feature `testing`, both
//! among the dev-dependencies, and say `#[tokio::test(start_paused = true)]`.
//!
//! # A worked test
//!
//! The workflow reserves what was ordered, asks a human above a limit, and charges. Three things are worth a test: that what was
//! reserved is released if nobody answers, that a bank that is busy is asked again, and that none of it is changed by a crash.
//!
//! ```
//! # use refluxo::prelude::*;
//! # use std::time::Duration;
//! # #[derive(Clone, Debug, Serialize, Deserialize)]
//! # struct Order { skus: Vec<String>, total: u32 }
//! # #[derive(Debug, Serialize, Deserialize, Signal)]
//! # struct Approval { granted: bool }
//! # #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! # enum ShopError { Refused, NobodyAnswered, Busy }
//! # impl ShopError { fn is_transient(&self) -> bool { matches!(self, ShopError::Busy) } }
//! # struct Bank;
//! # #[step]
//! # async fn reserve(sku: &str) -> Result<u32, ShopError> { Ok(sku.len() as u32) }
//! # #[step]
//! # async fn release(sku: String) { drop(sku) }
//! # #[step(retry(attempts = 5, initial = "200ms", if = ShopError::is_transient))]
//! # async fn charge(#[inject] _bank: &Bank, total: u32) -> Result<u32, ShopError> { Ok(total) }
//! #[workflow]
//! async fn checkout(order: Order) -> Result<u32, ShopError> {
//!     for sku in &order.skus {
//!         compensate!(release(sku.clone()));
//!         reserve(sku).await?;
//!     }
//!     if order.total > 1_000 {
//!         match signal::<Approval>().timeout(Duration::from_secs(3 * 86_400)).await {
//!             Ok(approval) if approval.granted => {}
//!             Ok(_) => return Err(ShopError::Refused),
//!             Err(Elapsed) => return Err(ShopError::NobodyAnswered),
//!         }
//!     }
//!     charge(order.total).await
//! }
//!
//! # mod tests {
//! # use super::*;
//! use refluxo::testing::{CallEnd, TestBuilder, TestEngine, crash_everywhere};
//!
//! const DAY: Duration = Duration::from_secs(86_400);
//!
//! fn order() -> Order {
//!     Order { skus: vec!["lamp".into(), "shelf".into()], total: 2_800 }
//! }
//!
//! /// The world of a test: real steps with their resources, mocks, faults.
//! fn shop() -> TestBuilder {
//!     TestEngine::builder().register::<Checkout>().provide(Bank)
//! }
//!
//! # /*
//! #[tokio::test(start_paused = true)]
//! # */
//! # pub
//! async fn nobody_answers_for_three_days() {
//!     let shop = shop().build().await;
//!     let begun = shop.now();
//!     let run = shop.start("order-42", checkout(order())).await.unwrap();
//!     assert_eq!(run.result().await.unwrap(), Err(ShopError::NobodyAnswered));
//!     assert_eq!(shop.now().saturating_since(begun), 3 * DAY);
//!     // What was reserved is released, last first.
//!     assert_eq!(shop.recorded().steps().collect::<Vec<_>>(), ["reserve", "reserve", "release", "release"]);
//! }
//!
//! # /*
//! #[tokio::test(start_paused = true)]
//! # */
//! # pub
//! async fn a_busy_bank_is_asked_again() {
//!     let shop = shop()
//!         .fail_first::<charge>(2, || Err(ShopError::Busy))
//!         // The warehouse is far away: its step is not run.
//!         .mock::<reserve>(|call, _context| async move { Ok(call.sku.len() as u32) })
//!         .build()
//!         .await;
//!     let run = shop.start("order-42", checkout(order())).await.unwrap();
//!     run.signal(Approval { granted: true }).await.unwrap();
//!     assert_eq!(run.result().await.unwrap(), Ok(2_800));
//!     let recorded = shop.recorded();
//!     let ends: Vec<_> = recorded.of("charge").map(|call| call.end.unwrap().1).collect();
//!     assert_eq!(ends, [CallEnd::Failed, CallEnd::Failed, CallEnd::Returned]);
//! }
//!
//! # /*
//! #[tokio::test(start_paused = true)]
//! # */
//! # pub
//! async fn it_may_crash_anywhere() {
//!     let report = crash_everywhere(|| checkout(order()))
//!         .world(shop)
//!         .script(|_engine, run| async move {
//!             tokio::time::sleep(DAY).await;
//!             run.signal(Approval { granted: true }).await.unwrap();
//!         })
//!         .await;
//!     // These must stand being run twice: they should pass on `StepContext::idempotency_key`.
//!     assert_eq!(report.repeated, ["charge", "reserve"]);
//! }
//! # }
//! #
//! # fn main() {
//! #     let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
//! #     runtime.block_on(async {
//! #         tests::nobody_answers_for_three_days().await;
//! #         tests::a_busy_bank_is_asked_again().await;
//! #         tests::it_may_crash_anywhere().await;
//! #     });
//! # }
//! ```

mod breaking;
mod clock;
mod crash;
mod engine;
mod recording;
mod simulate;
mod stage;
mod trace;

pub use clock::VirtualClock;
pub use crash::{CrashEverywhere, CrashReport, crash_everywhere};
pub use engine::{TestBuilder, TestEngine};
pub use recording::{CallEnd, RecordedCall, RecordedTransition, Recording};
pub use simulate::{
    Chance, Scene, Simulated, Simulation, SimulationFailure, SimulationReport, simulate, simulate_each,
};
pub use stage::Mock;
