//! `join!`, `try_join!` and `join_all!` of calls.

use std::time::Duration;

use super::prelude::{steady as case, *};

#[workflow]
async fn two_at_once(n: u64) -> u64 {
    let (a, b) = join!(slow(n, 7), slow(n + 1, 5));
    slow(a * b, 3).await
}

#[workflow]
async fn outputs_of_several_types(text: String) -> String {
    let n = text.len() as u64;
    let (shout, even, passed, n) =
        join!(slow_text(&text, 11), slow_even(n, 13), sleep(Duration::from_millis(17)), slow(n, 2));
    format!("{shout} {even:?} {passed:?} {n}")
}

#[workflow]
async fn a_join_of_one(n: u64) -> u64 {
    let (only,) = join!(slow(n, 5));
    only
}

#[workflow]
async fn joins_in_a_loop(rounds: u64) -> Vec<(u64, u64)> {
    let mut pairs = Vec::new();
    for round in 0..rounds {
        let last = pairs.last().map_or(0, |(a, b)| a + b);
        pairs.push(join!(slow(round, 7), slow(last, 11)));
    }
    pairs
}

#[workflow]
async fn a_join_as_an_operand(n: u64) -> u64 {
    let sum = n + join!(slow(1, 3), slow(2, 2)).1;
    if join!(is_even(sum), is_even(n)).0 { sum } else { slow(sum, 5).await }
}

#[workflow]
async fn an_await_in_a_branchs_argument(n: u64) -> (u64, u64) {
    join!(slow(slow(n, 3).await, 5), slow(n * 2, 7))
}

#[workflow]
async fn a_signal_and_a_step(n: u64) -> u64 {
    let (payment, n) = join!(signal::<Payment>(), slow(n, 13));
    slow(payment.amount + n, 3).await
}

#[workflow]
async fn child_and_step(n: u64) -> u64 {
    let (a, b) = join!(two_at_once(n), slow(n, 5));
    a + b
}

#[workflow]
async fn tries_two(a: u64, b: u64) -> Result<u64, String> {
    let (a, b) = try_join!(slow_even(a, 7), slow_even(b, 5))?;
    Ok(slow(a + b, 3).await)
}

#[workflow]
async fn looks_at_what_failed(a: u64, b: u64) -> String {
    match try_join!(slow_even(a, 7), slow_even(b, 5)) {
        Ok((a, b)) => format!("{a} and {b}"),
        Err(error) => slow_text(&error, 3).await,
    }
}

#[workflow]
async fn all_of_them(numbers: Vec<u64>) -> Vec<u64> {
    join_all!(for n in numbers => slow(n, 7 + 2 * n))
}

#[workflow]
async fn all_of_them_borrowed(words: Vec<String>) -> (Vec<String>, usize) {
    let loud = join_all!(for word in &words => slow_text(word, 5));
    (loud, words.len())
}

#[workflow]
async fn a_few_at_a_time(numbers: Vec<u64>) -> u64 {
    let all = join_all!(for n in numbers => slow(n, 11 + n), limit = 2);
    slow(all.into_iter().sum(), 3).await
}

#[workflow]
async fn none_at_all(n: u64) -> u64 {
    let nothing = join_all!(for n in 0..n => slow(n, 3));
    slow(nothing.len() as u64, 5).await
}

#[workflow]
async fn statements_before_the_call(numbers: Vec<u64>) -> Vec<u64> {
    let mut sum = 0;
    join_all!(for n in numbers => {
        sum += n;
        slow(sum, 3 + 2 * n)
    })
}

#[workflow]
async fn panics_after_a_join(n: u64) -> u64 {
    let (a, b) = join!(slow(n, 3), slow(n, 5));
    assert!(a != b, "they are the same");
    a
}

timed_cases! {
    two_at_once(3);
    outputs_of_several_types("abc".to_string());
    outputs_of_several_types("even".to_string());
    a_join_of_one(2);
    joins_in_a_loop(3);
    joins_in_a_loop(0);
    a_join_as_an_operand(2);
    a_join_as_an_operand(3);
    an_await_in_a_branchs_argument(4);
    a_signal_and_a_step(1) with [7 => Payment { amount: 5 }];
    a_signal_and_a_step(1) with [17 => Payment { amount: 5 }];
    child_and_step(3);
    tries_two(2, 4);
    tries_two(2, 3);
    tries_two(1, 4);
    tries_two(1, 3);
    looks_at_what_failed(2, 4);
    looks_at_what_failed(1, 3);
    all_of_them(vec![4, 1, 3, 2]);
    all_of_them_borrowed(vec!["a".to_string(), "b".to_string()]);
    a_few_at_a_time(vec![12, 1, 5, 3, 7]);
    none_at_all(0);
    none_at_all(3);
    statements_before_the_call(vec![1, 2, 3]);
    panics_after_a_join(1);
}
