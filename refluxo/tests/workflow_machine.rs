//! Workflows, driven by hand.

use std::{sync::Arc, time::Duration};

use refluxo::{
    machine::{Machine, Outcome, Transition, Undos},
    prelude::*,
    suspend::{Begin, Resources},
};

fn run<M: Machine + Serialize + for<'de> Deserialize<'de>>(mut machine: M) -> M::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    loop {
        let json = serde_json::to_string(&machine).unwrap();
        println!("{json}");
        machine = serde_json::from_str(&json).unwrap();
        let (begin, frame) = machine.begin();
        let outcome = match begin {
            Begin::Start | Begin::Timer => Outcome::new(()),
            Begin::Step(task) => {
                let context = StepContext::new("run".into(), task.name(), 1, "key".into());
                runtime.block_on(task.run(context, Arc::new(Resources::default())))
            }
            _ => panic!("no signal"),
        };
        match M::resume(frame, outcome, &mut Undos::default()) {
            Transition::Suspend(next, _) => machine = next,
            Transition::Done(output) => return output,
            Transition::Branch(_) => panic!("no branch"),
            Transition::Unreadable(error) => panic!("{error}"),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Item {
    sku: String,
    qty: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Order {
    id: String,
    items: Vec<Item>,
}

#[step]
async fn reserve(sku: &str, qty: u32) -> Result<u32, String> {
    if sku == "bad" { Err("no".into()) } else { Ok(qty * 10) }
}

#[step]
async fn add(a: u32, b: u32) -> u32 {
    a + b
}

#[workflow]
async fn shop(order: Order) -> Result<u32, String> {
    let mut held = Vec::new();
    for item in &order.items {
        let got = reserve(&item.sku, item.qty).await?;
        if got > 10 {
            sleep(Duration::from_secs(1)).await;
            held.push((item.sku.clone(), got));
        }
    }
    let mut total = 0;
    for (_, n) in &held {
        total = add(total, *n).await;
    }
    let x = if total > 3 { add(total, add(1, 2).await).await } else { 7 };
    println!("{x} {}", add(x, 1).await);
    Ok(x)
}

#[workflow]
async fn labelled(n: u32) -> String {
    let size = match n {
        0 => "none",
        1..10 => "few",
        _ => "many",
    };
    let sum = add(n, 1).await;
    let parity = if sum.is_multiple_of(2) { "even" } else { "odd" };
    add(sum, 1).await;
    format!("{size} {parity}")
}

#[workflow]
async fn views(order: Order) -> Vec<String> {
    let id = order.id.as_str();
    let mut seen = Vec::new();
    for (name, n) in [("a", 1), ("b", 2)] {
        let sum = add(n, 1).await;
        seen.push(format!("{name}{sum}{}", id.trim()));
    }
    for item in &order.items[1..] {
        let sum = add(item.qty, 1).await;
        seen.push(format!("{}{sum}", item.sku));
    }
    if let Some(first) = order.items.first().as_ref() {
        seen.push(first.sku.clone());
    }
    seen.push(id.to_owned());
    seen
}

#[test]
fn views_of_places_slices_and_literals_are_taken_again() {
    let item = |sku: &str| Item { sku: sku.into(), qty: 3 };
    let order = Order { id: "o".into(), items: vec![item("x"), item("y")] };
    assert_eq!(run(views(order)), ["a2o", "b3o", "y4", "x", "o"]);
}

#[test]
fn a_choice_of_string_literals_is_saved() {
    assert_eq!(run(labelled(3)), "few even");
    assert_eq!(run(labelled(12)), "many odd");
}

#[test]
fn a_loop_with_branches_and_operands_goes_through_its_states() {
    let order = Order {
        id: "a".into(),
        items: vec![Item { sku: "a".into(), qty: 1 }, Item { sku: "b".into(), qty: 2 }],
    };
    assert_eq!(run(shop(order)), Ok(23));
}
