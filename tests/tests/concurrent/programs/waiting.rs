//! Steps, timers and signals, one after the other.

use std::time::Duration;

use super::prelude::{steady as case, *};

#[workflow]
async fn steps_take_their_time(n: u64) -> u64 {
    let a = slow(n, 7).await;
    sleep(Duration::from_millis(11)).await;
    slow(a, 13).await + slow(a, 17).await
}

#[workflow]
async fn a_signal_comes_later() -> u64 {
    let Payment { amount } = signal::<Payment>().await;
    slow(amount, 5).await
}

#[workflow]
async fn signals_wait_for_the_workflow() -> u64 {
    let mut sum = 0;
    for _ in 0..3 {
        sum += signal::<Payment>().await.amount;
        sum = slow(sum, 31).await;
    }
    sum
}

timed_cases! {
    steps_take_their_time(3);
    a_signal_comes_later() with [23 => Payment { amount: 4 }];
    signals_wait_for_the_workflow() with
        [3 => Payment { amount: 1 }, 5 => Payment { amount: 2 }, 97 => Payment { amount: 4 }];
}
