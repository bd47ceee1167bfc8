//! What each form gives.

use std::time::Duration;

use refluxo::{machine::Machine, prelude::*};

use crate::{
    driver::{run, run_with},
    steps::{Item, Order, double, note, order},
};

#[workflow]
pub(crate) async fn two_calls(n: u32) -> (u32, String) {
    let (doubled, noted) = join!(double(n), note(format!("{n}")));
    (doubled, noted)
}

#[test]
fn a_join_of_calls_gives_their_outputs() {
    assert_eq!(run(two_calls(4)), r#"[8,"<4>"]"#);
}

#[workflow]
pub(crate) async fn first(n: u32) -> String {
    let greeting = "hello";
    let mut rounds = 0;
    loop {
        rounds += 1;
        select! {
            text = async move { format!("{greeting} {}", note(n.to_string()).await) } => break text,
            () = sleep(Duration::from_secs(1)) => {
                if double(rounds).await > 3 {
                    break "late".to_owned();
                }
            }
        }
    }
}

#[test]
fn a_select_in_a_loop_runs_the_arm_of_the_winner() {
    assert_eq!(run_with(first(1), 0).0, r#""hello <1>""#);
    assert_eq!(run_with(first(1), 1).0, r#""late""#);
}

#[workflow]
pub(crate) async fn many(order: Order) -> Vec<String> {
    let prefix = order.id.clone();
    join_all!(for item in &order.items => {
        let prefix = prefix.clone();
        async move {
            let named = note(item.sku.clone()).await;
            let doubled = double(item.count).await;
            format!("{prefix}{named}{doubled}")
        }
    }, limit = 1)
}

#[test]
fn a_block_for_each_item() {
    assert_eq!(run(many(order())), r#"["o1<ink>4","o1<pen>6"]"#);
}

#[workflow]
pub(crate) async fn limited(n: u32) -> Result<(u32, u32), Elapsed> {
    let day = Duration::from_hours(24);
    join!(async move { double(double(n).await).await }, double(n).timeout(day))
        .timeout(day)
        .await
        .map(|(a, b)| (a, b.unwrap_or(0)))
}

#[test]
fn a_join_may_have_a_limit() {
    assert_eq!(run(limited(2)), r#"{"Ok":[8,4]}"#);
    let graph = <Limited as Machine>::GRAPH;
    let join = graph.states.iter().find(|state| state.name == "Join").unwrap();
    assert_eq!(join.branches, ["JoinBranch1"]);
}

#[workflow]
pub(crate) async fn in_branches(n: u32) -> u32 {
    let base = if n > 2 {
        let (a, b) = join!(
            async move {
                let d = double(n).await;
                d + 1
            },
            double(1)
        );
        a + b
    } else {
        n
    };
    let total = select! {
        a = async move {
            let mut sum = base;
            for i in 0..2_u32 {
                let (x, y) = join!(double(i), async move { double(sum).await });
                sum = x + y;
            }
            sum
        } => a,
        b = double(n) => b,
    };
    let value = base
        + match join!(double(base), async move { double(double(n).await).await }) {
            (a, b) if a > b => a,
            (_, b) => b,
        };
    total + value
}

#[test]
fn joins_in_branches_operands_and_scrutinees() {
    assert_eq!(run_with(in_branches(3), 0).0, "65");
    assert_eq!(run_with(in_branches(3), 1).0, "33");
    assert_eq!(run_with(in_branches(1), 1).0, "7");
}

#[workflow]
pub(crate) async fn beats(n: u32) -> u32 {
    let mut left = n;
    select! {
        () = async move {
            loop {
                sleep(Duration::from_secs(1)).await;
                left = double(left).await;
            }
        } => 0,
        doubled = double(n) => doubled,
    }
}

#[test]
fn a_block_that_never_ends_may_lose() {
    assert_eq!(run_with(beats(2), 1).0, "4");
}

#[workflow]
pub(crate) async fn taken_apart(order: Order) -> Vec<String> {
    join_all!(for item in &order.items => {
        let Item { sku, count } = item;
        let named = sku.as_str();
        async move { format!("{}{sku}{}", note(named.to_owned()).await, double(*count).await) }
    })
}

#[test]
fn what_is_taken_apart_for_a_block_is_copied() {
    assert_eq!(run(taken_apart(order())), r#"["<ink>ink4","<pen>pen6"]"#);
}
