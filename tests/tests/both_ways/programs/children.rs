//! Workflows that run other workflows.

use super::prelude::*;

#[workflow]
async fn add_twice(a: u64, b: u64) -> u64 {
    let once = add(a, b).await;
    add(once, b).await
}

#[workflow]
async fn reserve_all(skus: Vec<String>) -> Result<Vec<Reservation>, ShopError> {
    let mut held = Vec::new();
    for sku in &skus {
        held.push(reserve(sku, 1).await?);
    }
    Ok(held)
}

#[workflow]
async fn find_either(a: u64, b: u64) -> Option<u64> {
    match find(a).await {
        Some(found) => Some(found),
        None => find(b).await,
    }
}

#[workflow]
async fn say_nothing(n: u64) {
    if n > 1 {
        tick().await;
    }
}

#[workflow]
async fn child_as_a_step(n: u64) -> u64 {
    let sum = add_twice(n, 2).await;
    tick().await;
    add_twice(sum, 1).await
}

#[workflow]
async fn child_in_an_argument(n: u64) -> u64 {
    add(add_twice(n, 1).await, add_twice(number(n).await, 2).await).await
}

#[workflow]
async fn child_with_a_question_mark(skus: Vec<String>) -> Result<usize, ShopError> {
    let held = reserve_all(skus).await?;
    for reservation in held.iter() {
        log(&reservation.id).await;
    }
    Ok(held.len())
}

#[workflow]
async fn child_that_returns_an_option(a: u64) -> Option<u64> {
    let found = find_either(a, a + 1).await?;
    Some(number(found).await)
}

#[workflow]
async fn child_in_a_condition(n: u64) -> u64 {
    if let Some(found) = find_either(n, n).await
        && add_twice(found, 1).await > 100
    {
        return found;
    }
    0
}

#[workflow]
async fn children_in_a_loop(n: u64) -> u64 {
    let mut total = 1;
    for i in 0..n {
        total = add_twice(total, i).await;
        say_nothing(i).await;
    }
    total
}

#[workflow]
async fn grandchildren(n: u64) -> u64 {
    let a = child_as_a_step(n).await;
    let b = children_in_a_loop(2).await;
    number(a * b).await
}

#[workflow]
async fn child_that_waits(n: u64) -> u64 {
    sleep(std::time::Duration::from_secs(n)).await;
    let more = child_as_a_step(n).await;
    sleep(std::time::Duration::from_secs(more)).await;
    more
}

#[workflow]
async fn parent_of_a_child_that_waits(n: u64) -> u64 {
    let x = child_that_waits(n).await;
    add(x, child_that_waits(1).await).await
}

cases! {
    add_twice(1, 2);
    reserve_all(words("a x"));
    find_either(2, 3);
    say_nothing(2);
    child_as_a_step(3);
    child_in_an_argument(3);
    child_with_a_question_mark(words("a b"));
    child_with_a_question_mark(words("a x b"));
    child_that_returns_an_option(3);
    child_that_returns_an_option(2);
    child_in_a_condition(3);
    child_in_a_condition(2);
    children_in_a_loop(3);
    grandchildren(2);
    child_that_waits(2);
    parent_of_a_child_that_waits(2);
}
