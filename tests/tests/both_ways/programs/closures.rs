//! Closures between awaits, and other plain Rust.

use super::prelude::*;

#[workflow]
async fn closure_over_saved_locals(n: u64) -> Vec<u64> {
    let factor = number(n).await;
    let numbers = below(4).await;
    let scaled = numbers.iter().map(|m| m * factor).collect::<Vec<_>>();
    tick().await;
    scaled.into_iter().filter(|m| *m > factor).collect()
}

#[workflow]
async fn closure_that_changes_a_local(n: u64) -> (u64, Vec<u64>) {
    let mut count = 0;
    let mut numbers = below(n).await;
    numbers.retain(|m| {
        count += 1;
        m % 2 == 0
    });
    tick().await;
    (count, numbers)
}

#[workflow]
async fn closure_with_its_own_names(n: u64) -> u64 {
    let n = number(n).await;
    let apply = |n: u64| {
        let x = n * 2;
        x + 1
    };
    let x = apply(n) + apply(1);
    add(x, n).await
}

#[workflow]
async fn closure_with_a_return(numbers: Vec<u64>) -> u64 {
    let first_big = numbers.iter().find_map(|n| {
        if *n < 10 {
            return None;
        }
        Some(n * 2)
    });
    tick().await;
    first_big.unwrap_or(1)
}

#[workflow]
async fn closure_with_a_question_mark(texts: Vec<String>) -> Result<u64, ShopError> {
    let read = |text: &String| -> Result<u64, ShopError> {
        let n: u64 = text.parse()?;
        Ok(n + 1)
    };
    let mut total = 0;
    for n in texts.iter().map(read).collect::<Result<Vec<_>, _>>()? {
        total = add(total, n).await;
    }
    Ok(total)
}

#[workflow]
async fn sorting_by_a_closure(order: Order) -> Vec<String> {
    let mut items = order.items;
    items.sort_by_key(|item| std::cmp::Reverse(item.price));
    tick().await;
    items.sort_by(|a, b| a.sku.len().cmp(&b.sku.len()).then(b.qty.cmp(&a.qty)));
    let mut skus = Vec::new();
    for item in items {
        skus.push(upper(&item.sku).await);
    }
    skus
}

#[workflow]
async fn a_fold_over_what_steps_returned(n: u64) -> u64 {
    let mut all = Vec::new();
    for i in 0..n {
        all.push(pair(i).await);
    }
    all.iter().fold(0, |sum, (value, name)| sum + value + name.len() as u64)
}

#[workflow]
async fn functions_and_constants_in_the_body(n: u64) -> u64 {
    const STEP: u64 = 3;
    fn twice(n: u64) -> u64 {
        n * 2
    }
    use std::cmp::max;
    let start = number(twice(n)).await;
    max(start, STEP) + twice(number(STEP).await)
}

#[workflow]
async fn option_and_result_chains(n: u64) -> Option<String> {
    let found = find(n).await.map(|m| m + 1).filter(|m| *m > 100).or(Some(7));
    let name = pair(found.unwrap_or_default()).await.1;
    found.zip(Some(name)).map(|(m, name)| format!("{m}{name}"))
}

#[workflow]
async fn loops_inside_a_closure(n: u64) -> u64 {
    let limit = number(n).await;
    let count = |step: u64| {
        let mut found = 0;
        for i in (0..limit).step_by(step as usize) {
            if i == 4 {
                continue;
            }
            if i > 10 {
                break;
            }
            found += i;
        }
        found
    };
    let total = count(2) + count(3);
    add(total, limit).await
}

cases! {
    closure_over_saved_locals(2);
    closure_that_changes_a_local(5);
    closure_with_its_own_names(4);
    closure_with_a_return(vec![1, 20, 30]);
    closure_with_a_return(vec![1]);
    closure_with_a_question_mark(words("1 2"));
    closure_with_a_question_mark(words("1 z"));
    sorting_by_a_closure(order("o", 3));
    a_fold_over_what_steps_returned(3);
    functions_and_constants_in_the_body(1);
    option_and_result_chains(1);
    option_and_result_chains(2);
    loops_inside_a_closure(12);
}
