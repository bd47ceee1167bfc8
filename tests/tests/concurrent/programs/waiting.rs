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

#[workflow]
async fn sleeps_until_a_time(ms: u64) -> u64 {
    let n = slow(1, 7).await;
    sleep_until(at(ms)).await;
    slow(n, 3).await
}

#[workflow]
async fn sleeps_until_a_time_in_a_block(ms: u64) -> (u64, u64) {
    join!(
        async move {
            sleep_until(at(ms)).await;
            let n = slow(2, 5).await;
            sleep_until(at(2 * ms)).await;
            slow(n, 3).await
        },
        slow(4, 11),
    )
}

timed_cases! {
    sleeps_until_a_time(5);
    sleeps_until_a_time(17);
    sleeps_until_a_time_in_a_block(13);
    sleeps_until_a_time_in_a_block(2);
    steps_take_their_time(3);
    a_signal_comes_later() with [23 => Payment { amount: 4 }];
    signals_wait_for_the_workflow() with
        [3 => Payment { amount: 1 }, 5 => Payment { amount: 2 }, 97 => Payment { amount: 4 }];
}
