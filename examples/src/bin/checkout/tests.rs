//! How one tests a workflow: in virtual time, with the steps that one wants to have.

use std::{sync::Arc, time::Duration};

use refluxo::{
    prelude::*,
    store::Synchronous,
    testing::{CallEnd, TestEngine, crash_everywhere},
    time::{ManualClock, Timestamp},
};

use crate::shop::{Approval, Bank, Checkout, Item, Order, Receipt, ShopError, charge, checkout};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// An order of two items at this price.
fn order(total: u32) -> Order {
    let items = ["lamp", "shelf"].map(|sku| Item { sku: sku.into(), quantity: 1 });
    Order { id: "order-42".into(), items: items.into(), total }
}

/// A shop that sells.
fn shop() -> refluxo::testing::TestBuilder {
    TestEngine::builder().register::<Checkout>().provide(Bank::new())
}

#[tokio::test(start_paused = true)]
async fn a_small_order_is_sold_at_once_and_reviewed_a_day_later() {
    let shop = shop().build().await;
    let run = shop.start("order-42", checkout(order(940))).await.unwrap();
    assert_eq!(run.result().await.unwrap().unwrap().amount, 940);

    let recorded = shop.recorded();
    let steps: Vec<_> = recorded.steps().collect();
    assert_eq!(steps, ["reserve", "reserve", "charge", "send_mail", "ship", "ask_for_review"]);
    let (shipped, reviewed) = (&recorded.calls[4], &recorded.calls[5]);
    assert_eq!(reviewed.began.saturating_since(shipped.began), DAY);
}

#[tokio::test(start_paused = true)]
async fn nobody_answers_for_three_days() {
    let shop = shop().build().await;
    let begun = shop.now();
    let run = shop.start("order-42", checkout(order(2_800))).await.unwrap();
    assert_eq!(run.result().await.unwrap(), Err(ShopError::NobodyAnswered));
    assert_eq!(shop.now().saturating_since(begun), 3 * DAY);
    // What was put aside is put back, last first.
    let recorded = shop.recorded();
    let released: Vec<_> = recorded.of("release").map(|call| &call.arguments["reservation"]["sku"]).collect();
    assert_eq!(released, ["shelf", "lamp"]);
}

#[tokio::test(start_paused = true)]
async fn somebody_refuses_after_an_hour() {
    let shop = shop().build().await;
    let run = shop.start("order-42", checkout(order(2_800))).await.unwrap();
    shop.advance(HOUR).await;
    assert_eq!(run.state().await.unwrap().at(), "Approval");
    run.signal(Approval { by: "eve".into(), granted: false }).await.unwrap();
    assert_eq!(run.result().await.unwrap(), Err(ShopError::Refused { by: "eve".into() }));
}

#[tokio::test(start_paused = true)]
async fn a_busy_bank_is_asked_again() {
    let shop = shop().fail_first::<charge>(2, || Err(ShopError::Busy)).build().await;
    let run = shop.start("order-42", checkout(order(940))).await.unwrap();
    run.result().await.unwrap().unwrap();
    let recorded = shop.recorded();
    let ends: Vec<_> = recorded.of("charge").map(|call| call.end.unwrap().1).collect();
    assert_eq!(ends, [CallEnd::Failed, CallEnd::Failed, CallEnd::Returned]);
}

#[tokio::test(start_paused = true)]
async fn a_bank_that_hangs_is_asked_again_after_ten_seconds() {
    let shop = shop().hang_first::<charge>(1).build().await;
    let run = shop.start("order-42", checkout(order(940))).await.unwrap();
    run.result().await.unwrap().unwrap();
    let recorded = shop.recorded();
    let (first, second) = (recorded.of("charge").next().unwrap(), recorded.of("charge").nth(1).unwrap());
    assert_eq!(first.end.unwrap().1, CallEnd::Dropped);
    assert!(second.began.saturating_since(first.began) >= Duration::from_secs(10));
    assert_eq!(first.key, second.key, "the bank would know it again");
}

#[tokio::test(start_paused = true)]
async fn what_the_bank_declines_is_not_asked_again() {
    let shop = shop()
        .mock::<charge>(|call, _context| async move { Err(ShopError::Declined { amount: call.order.total }) })
        .build()
        .await;
    let run = shop.start("order-42", checkout(order(940))).await.unwrap();
    assert_eq!(run.result().await.unwrap(), Err(ShopError::Declined { amount: 940 }));
    assert_eq!((shop.recorded().count("charge"), shop.recorded().count("release")), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn what_was_put_aside_is_put_back_if_the_next_is_sold_out() {
    let shop = shop().build().await;
    let mut order = order(940);
    order.items[1].sku = "unicorn".into();
    let run = shop.start("order-42", checkout(order)).await.unwrap();
    assert_eq!(run.result().await.unwrap(), Err(ShopError::SoldOut { sku: "unicorn".into() }));
    assert_eq!(shop.recorded().count("release"), 1);
}

#[tokio::test(start_paused = true)]
async fn it_may_crash_anywhere() {
    let approved = crash_everywhere(|| checkout(order(2_800)))
        .world(|| TestEngine::builder().provide(Bank::new()).fail_first::<charge>(1, || Err(ShopError::Busy)))
        .script(|_engine, run| async move {
            tokio::time::sleep(HOUR).await;
            run.signal(Approval { by: "eve".into(), granted: true }).await.unwrap();
        })
        .await;
    assert_eq!(approved.repeated, ["ask_for_review", "charge", "reserve", "send_mail", "ship"]);

    let unanswered = crash_everywhere(|| checkout(order(2_800)))
        .world(|| TestEngine::builder().provide(Bank::new()))
        .await;
    assert_eq!(unanswered.repeated, ["release", "reserve"]);
}

/// The program of the shop on a database, whose clock is set by hand.
#[tokio::test]
async fn it_sells_on_sqlite_too() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp::now()));
    let store = SqliteStore::builder(folder.path().join("shop.db"))
        .clock(clock.clone())
        .synchronous(Synchronous::Off)
        .open()
        .await
        .unwrap();
    let engine = Engine::builder(store)
        .register::<Checkout>()
        .provide(Bank::new())
        .observe(LoggingObserver::default())
        .build()
        .await
        .unwrap();
    let run: Run<Checkout> = engine.start("order-42", checkout(order(2_800))).await.unwrap();
    run.signal(Approval { by: "eve".into(), granted: true }).await.unwrap();
    loop {
        match run.state().await.unwrap() {
            Checkout::Sleep { receipt, .. } => break assert_eq!(receipt.amount, 2_800),
            Checkout::Charge { call, order, .. } => assert_eq!(call.order.id, order.id),
            other => println!("at {}", other.at()),
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    clock.advance(DAY);
    let receipt: Result<Receipt, ShopError> = run.result().await.unwrap();
    assert_eq!(receipt.unwrap().order, "order-42");
}
