//! What stands in a block: awaits, loops, `?`, `return`, `compensate!`, other blocks.

use refluxo::prelude::*;

use crate::{
    driver::{Driver, names, run, run_with},
    steps::{Order, check, double, note, order, release},
};

#[workflow]
pub(crate) async fn blocks(order: Order) -> (u32, Vec<String>) {
    let mut sum = 1;
    let mut seen = Vec::new();
    seen.push("before".to_owned());
    let (total, seen) = join!(
        async move {
            for item in &order.items {
                sum += double(item.count).await;
            }
            sum
        },
        async move {
            let customer = note(order.customer.clone()).await;
            seen.push(customer);
            seen.push(note(order.id).await);
            seen
        },
    );
    (total, seen)
}

#[test]
fn blocks_take_what_they_use_and_loop() {
    let (output, driver) = run_with(blocks(order()), 0);
    assert_eq!(output, r#"[11,["before","<eve>","<o1>"]]"#);
    assert_eq!(
        names(&driver),
        ["Start", "Join", "JoinBranch1", "Double", "Double", "JoinBranch2", "Note", "Note2"]
    );
}

#[workflow]
pub(crate) async fn tried(n: u32) -> Result<String, String> {
    let (small, large) = join!(
        async move {
            let first = check(n).await?;
            compensate!(release(first));
            if first == 1 {
                return Ok(0);
            }
            let second = check(first * 50).await?;
            Ok::<_, String>(second)
        },
        async move {
            let checked = check(n + 1).await.ok()?;
            Some(double(checked).await)
        },
    );
    let small = small?;
    Ok(format!("{small} {large:?}"))
}

#[test]
fn a_question_mark_and_a_return_end_the_block_alone() {
    assert_eq!(run(tried(2)), r#"{"Ok":"100 Some(6)"}"#);
    assert_eq!(run(tried(1)), r#"{"Ok":"0 Some(4)"}"#);
    assert_eq!(run(tried(3)), r#"{"Err":"150 is too much"}"#);
    assert_eq!(run(tried(100)), r#"{"Err":"5000 is too much"}"#);
}

#[test]
fn a_block_compensates() {
    let (_, driver) = run_with(tried(2), 0);
    let names: Vec<_> = driver.undos.into_calls().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["release"]);
}

#[workflow]
pub(crate) async fn tried_in_a_macro(n: u32) -> String {
    format!(
        "{:?}",
        join!(async move {
            let n = check(n).await?;
            Ok::<_, String>(n + 1)
        })
    )
}

#[test]
fn a_question_mark_in_a_form_in_a_macro_ends_the_block_alone() {
    assert_eq!(run(tried_in_a_macro(1)), r#""(Ok(2),)""#);
    assert_eq!(run(tried_in_a_macro(101)), r#""(Err(\"101 is too much\"),)""#);
}

#[workflow]
pub(crate) async fn undone_per_item(order: Order) -> Vec<u32> {
    join_all!(for item in &order.items => {
        compensate!(release(item.count));
        double(item.count)
    })
}

#[workflow]
pub(crate) async fn undone_in_an_argument(n: u32) -> u32 {
    double({
        compensate!(release(n));
        n
    })
    .await
}

#[test]
fn what_stands_in_a_call_compensates() {
    let pushed = |driver: Driver| driver.undos.into_calls().len();
    assert_eq!(pushed(run_with(undone_per_item(order()), 0).1), 2);
    assert_eq!(pushed(run_with(undone_in_an_argument(2), 0).1), 1);
}

#[workflow]
pub(crate) async fn nested(order: Order) -> Result<String, String> {
    let mut all = String::new();
    for item in &order.items {
        let (outer, count) = join!(
            async move {
                let named = note(item.sku.clone()).await;
                let (a, b) = try_join!(check(item.count), async move {
                    let more = double(item.count).await;
                    check(more).await
                })?;
                Ok::<_, String>(format!("{named}{a}{b}"))
            },
            double(item.count),
        );
        all.push_str(&outer?);
        all.push_str(&count.to_string());
    }
    Ok(all)
}

#[test]
fn a_block_in_a_block_borrows_the_item_of_a_loop() {
    assert_eq!(run(nested(order())), r#"{"Ok":"<ink>244<pen>366"}"#);
    let mut many = order();
    many.items[1].count = 60;
    assert_eq!(run(nested(many)), r#"{"Err":"120 is too much"}"#);
}

#[workflow]
pub(crate) async fn unit_blocks(n: u32) -> u32 {
    join!(
        async move {},
        async move {
            double(n).await;
        },
        async move { n }
    );
    let ((), three) = join!(
        async move {
            note("x".into()).await;
        },
        async move { 3 }
    );
    three + n
}

#[test]
fn blocks_without_values_or_awaits() {
    assert_eq!(run(unit_blocks(2)), "5");
}

#[workflow]
pub(crate) async fn tries(n: u32) -> Result<u32, String> {
    let (a, b) = try_join!(
        async move {
            let (x, y) = join!(async move { check(n).await }, async move { Some(double(n).await) });
            let x = x?;
            if y.is_some_and(|y| y > 150) {
                return Err("large".to_owned());
            }
            let more = match x {
                0 => return Ok(0),
                1..=9 => double(x).await,
                other => check(other + 90).await?,
            };
            Ok(more)
        },
        check(n + 1),
    )?;
    let c: Result<u32, String> = try_join!(check(n)).map(|(c,)| c);
    Ok(a + b + c?)
}

#[test]
fn a_join_in_a_fallible_block() {
    assert_eq!(run(tries(3)), r#"{"Ok":13}"#);
    assert_eq!(run(tries(10)), r#"{"Ok":121}"#);
    assert_eq!(run(tries(11)), r#"{"Err":"101 is too much"}"#);
    assert_eq!(run(tries(80)), r#"{"Err":"large"}"#);
    assert_eq!(run(tries(0)), r#"{"Ok":1}"#);
}
