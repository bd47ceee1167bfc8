//! Workflows as users write them, on the engine.

mod support;

use std::time::Duration;

use refluxo::{
    engine::SignalError,
    prelude::*,
    snapshot::{RunStatus, WaitingFor},
};
use support::{Place, build, soon, until};

everywhere! {
    a_checkout_waits_for_approval_and_charges,
    the_snapshot_is_one_document_for_a_frontend,
    a_refusal_fails_the_run,
    a_workflow_awaits_another,
    a_loop_survives_engines_that_are_dropped,
    a_failure_travels_through_the_store,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    id: String,
    items: Vec<String>,
    total: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize, Signal)]
struct Approval {
    by: String,
    granted: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum ShopError {
    Refused { by: String },
}

/// What a bank keeps.
#[derive(Clone)]
struct Bank(support::world::World);

#[step]
async fn reserve(sku: &str) -> Result<String, ShopError> {
    Ok(format!("reserved {sku}"))
}

#[step]
async fn charge(#[inject] bank: &Bank, #[inject] cx: &StepContext, order: Order) -> Result<u64, ShopError> {
    bank.0.note(cx, order.id.clone()).await;
    Ok(order.total)
}

#[workflow]
async fn checkout(order: Order) -> Result<String, ShopError> {
    let mut held = Vec::new();
    for item in &order.items {
        let reservation = reserve(item).await?;
        held.push(reservation);
    }
    if order.total > 1_000 {
        let approval = signal::<Approval>().await;
        if !approval.granted {
            return Err(ShopError::Refused { by: approval.by });
        }
    }
    sleep(Duration::from_hours(24)).await;
    let charged = charge(order.clone()).await?;
    Ok(format!("{}: {charged} for {}", order.id, held.join(", ")))
}

#[workflow]
async fn twice(order: Order) -> Result<Vec<String>, ShopError> {
    let first = checkout(order.clone()).await?;
    let again = Order { id: format!("{} again", order.id), ..order };
    let second = checkout(again).await?;
    Ok(vec![first, second])
}

#[workflow]
async fn count_up(to: u64) -> u64 {
    let mut sum = 0;
    for number in 0..to {
        let order = Order { id: number.to_string(), items: Vec::new(), total: number };
        sum += charge(order).await.unwrap_or_default();
    }
    sum
}

#[step]
async fn parse(text: String) -> refluxo::Result<u64> {
    Ok(text.parse()?)
}

#[workflow]
async fn add(a: String, b: String) -> refluxo::Result<u64> {
    let a = parse(a).await?;
    let b = parse(b).await?;
    Ok(a + b)
}

/// An order of this many coins.
fn order(total: u64) -> Order {
    Order { id: "order-42".to_owned(), items: vec!["apple".to_owned(), "pear".to_owned()], total }
}

/// An engine that knows all workflows here.
async fn engine(place: &Place) -> Engine {
    let builder = place
        .builder(place.store().await)
        .provide(Bank(place.world.of_the_next_worker()))
        .poison_limit(u32::MAX);
    build(builder.register::<Twice>().register::<CountUp>().register::<Add>()).await
}

async fn a_checkout_waits_for_approval_and_charges(place: Place) {
    let engine = engine(&place).await;
    let run: Run<Checkout> = engine.start("order-42", checkout(order(5_000))).await.unwrap();
    until(async || run.snapshot().await.unwrap().status == RunStatus::Waiting).await;
    let snapshot = run.snapshot().await.unwrap();
    assert_eq!(snapshot.at, "Approval");
    assert_eq!(snapshot.calls[0].waiting_for, WaitingFor::Signal { name: "Approval".to_owned() });
    match run.state().await.unwrap() {
        Checkout::Approval { order, held, .. } => {
            assert_eq!(order.total, 5_000);
            assert_eq!(held.get::<Vec<String>>().unwrap(), ["reserved apple", "reserved pear"]);
        }
        other => panic!("at {}", other.at()),
    }
    run.signal(Approval { by: "eve".to_owned(), granted: true }).await.unwrap();
    until(async || run.snapshot().await.unwrap().at == "Sleep").await;
    until(async || run.snapshot().await.unwrap().status == RunStatus::Waiting).await;
    place.clock.advance(Duration::from_hours(24));
    let receipt: Result<String, ShopError> = soon(run.result()).await.unwrap();
    assert_eq!(receipt.unwrap(), "order-42: 5000 for reserved apple, reserved pear");
}

async fn the_snapshot_is_one_document_for_a_frontend(place: Place) {
    let engine = engine(&place).await;
    let run = engine.start("order-42", checkout(order(5_000))).await.unwrap();
    until(async || run.snapshot().await.unwrap().status == RunStatus::Waiting).await;
    let snapshot = run.snapshot().await.unwrap();
    let expected = serde_json::json!({
        "format": 1, "id": "order-42", "uid": snapshot.uid, "workflow": "checkout", "version": 1, "revision": 3,
        "status": "waiting", "at": "Approval",
        "state": {
            "call": {},
            "order": { "id": "order-42", "items": ["apple", "pear"], "total": 5000 },
            "held": ["reserved apple", "reserved pear"],
        },
        "calls": [{
            "branch": "", "waitingFor": { "signal": "Approval" }, "entered": 3, "attempt": 1,
            "key": snapshot.calls[0].key,
        }],
        "inbox": [], "undo": [], "parent": null, "output": null, "error": null,
        "createdAt": "2023-11-14T22:13:20Z", "updatedAt": "2023-11-14T22:13:20Z",
    });
    assert_eq!(serde_json::to_value(&snapshot).unwrap(), expected);
}

async fn a_refusal_fails_the_run(place: Place) {
    let engine = engine(&place).await;
    let run = engine.start("order-42", checkout(order(5_000))).await.unwrap();
    let refusal = serde_json::json!({ "by": "eve", "granted": false });
    engine.signal_json("order-42", "Approval", &refusal).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), Err(ShopError::Refused { by: "eve".to_owned() }));
    assert_eq!(run.snapshot().await.unwrap().status, RunStatus::Failed);
    let error = engine.signal_json("order-42", "Approval", &refusal).await.unwrap_err();
    assert!(matches!(error, SignalError::Finished { .. }), "{error}");
}

async fn a_workflow_awaits_another(place: Place) {
    let engine = engine(&place).await;
    let run = engine.start("twice", twice(order(5))).await.unwrap();
    for name in ["order-42", "order-42 again"] {
        until(async || {
            let parent = run.snapshot().await.unwrap();
            let Some(WaitingFor::Child { id }) = parent.calls.first().map(|call| &call.waiting_for) else {
                return false;
            };
            let Ok(child) = engine.snapshot(id).await else { return false };
            child.status == RunStatus::Waiting && child.state.get().contains(&format!("{name:?}"))
        })
        .await;
        place.clock.advance(Duration::from_hours(24));
    }
    let receipts = soon(run.result()).await.unwrap().unwrap();
    assert_eq!(receipts[1], "order-42 again: 5 for reserved apple, reserved pear");
}

async fn a_loop_survives_engines_that_are_dropped(place: Place) {
    drop(engine(&place).await.start("count", count_up(50)).await.unwrap());
    for millis in 0..20 {
        let engine = engine(&place).await;
        tokio::time::sleep(Duration::from_millis(millis % 5)).await;
        drop(engine);
    }
    let engine = engine(&place).await;
    let run = engine.run::<CountUp>("count").await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), (0..50).sum::<u64>());
    let mut numbers: Vec<u64> =
        place.world.notes_in_turn().iter().map(|noted| noted.text.parse().unwrap()).collect();
    assert!(numbers.is_sorted(), "a step began after its commit: {numbers:?}");
    numbers.dedup();
    assert_eq!(numbers, (0..50).collect::<Vec<_>>());
}

async fn a_failure_travels_through_the_store(place: Place) {
    let engine = engine(&place).await;
    let run = engine.start("sum", add("1".to_owned(), "2".to_owned())).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), Ok(3));
    let run = engine.start("no sum", add("1".to_owned(), "two".to_owned())).await.unwrap();
    let failure = soon(run.result()).await.unwrap().unwrap_err();
    assert_eq!(failure.to_string(), "invalid digit found in string");
    assert_eq!(run.snapshot().await.unwrap().status, RunStatus::Failed);
}
