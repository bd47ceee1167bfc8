//! `select!`.

use std::time::Duration;

use super::prelude::*;

#[workflow]
async fn the_faster_one(a_ms: u64, b_ms: u64) -> u64 {
    select! {
        a = slow(1, a_ms) => a,
        b = slow(2, b_ms) => b + 10,
    }
}

#[workflow]
async fn handlers_that_await(a_ms: u64) -> String {
    let won = select! {
        n = slow(1, a_ms) => {
            let more = slow(n, 3).await;
            format!("{more}")
        }
        text = slow_text("b", 11) => slow_text(&text, 2).await,
    };
    slow_text(&won, 5).await
}

#[workflow]
async fn a_signal_or_a_timer(ms: u64) -> Option<u64> {
    select! {
        payment = signal::<Payment>() => Some(payment.amount),
        () = sleep(Duration::from_millis(ms)) => None,
    }
}

#[workflow]
async fn a_loser_takes_no_signal(ms: u64) -> (u64, u64) {
    let first = select! {
        () = sleep(Duration::from_millis(ms)) => 0,
        payment = signal::<Payment>() => payment.amount,
    };
    let second = signal::<Payment>().await.amount;
    (first, slow(second, 3).await)
}

#[workflow]
async fn which_signal_comes_first() -> String {
    let mut said = Vec::new();
    for _ in 0..3 {
        said.push(select! {
            Payment { amount } = signal::<Payment>() => format!("paid {amount}"),
            approval = signal::<Approval>() => format!("{} says {}", approval.by, approval.granted),
        });
    }
    said.join(", ")
}

#[workflow]
async fn reminds_until_it_is_answered(most: u64) -> u64 {
    let mut reminders = 0;
    loop {
        select! {
            payment = signal::<Payment>() => return payment.amount + 1_000 * reminders,
            () = sleep(Duration::from_millis(29)) => {
                if reminders == most {
                    break;
                }
                reminders = slow(reminders + 1, 2).await;
            }
        }
    }
    reminders
}

#[workflow]
async fn a_question_mark_in_a_handler(n: u64) -> Result<u64, String> {
    let even = select! {
        even = slow_even(n, 3) => even?,
        n = slow(100, 7) => n,
    };
    Ok(slow(even, 5).await)
}

#[workflow]
async fn a_step_that_loses_is_begun_again(rounds: u64) -> u64 {
    let mut lost = 0;
    for round in 1..=rounds {
        select! {
            n = slow(round, 11 * round) => return n + 10 * lost,
            payment = signal::<Payment>() => lost += payment.amount,
        }
    }
    lost
}

#[workflow]
async fn three_arms(n: u64) -> u64 {
    let limit = Duration::from_millis(19);
    let won = select! {
        a = slow(n, 31) => a,
        p = signal::<Payment>() => p.amount,
        () = sleep(limit) => 7,
    };
    won + slow(1, 2).await
}

#[workflow]
async fn a_child_that_is_faster(n: u64) -> u64 {
    select! {
        a = the_faster_one(n, 5) => a,
        b = slow(50, 13) => b,
    }
}

timed_cases! {
    the_faster_one(3, 5);
    the_faster_one(5, 3);
    handlers_that_await(7);
    handlers_that_await(13);
    a_signal_or_a_timer(23) with [7 => Payment { amount: 5 }];
    a_signal_or_a_timer(23) with [29 => Payment { amount: 5 }];
    a_signal_or_a_timer(23);
    a_loser_takes_no_signal(11) with [13 => Payment { amount: 1 }];
    a_loser_takes_no_signal(11) with [5 => Payment { amount: 1 }, 17 => Payment { amount: 2 }];
    which_signal_comes_first() with
        [3 => Payment { amount: 1 }, 5 => Approval { by: "eve".to_string(), granted: true }, 7 => Payment { amount: 2 }];
    reminds_until_it_is_answered(3) with [67 => Payment { amount: 5 }];
    reminds_until_it_is_answered(2);
    a_question_mark_in_a_handler(2);
    a_question_mark_in_a_handler(3);
    a_step_that_loses_is_begun_again(3);
    a_step_that_loses_is_begun_again(3) with [5 => Payment { amount: 4 }, 13 => Payment { amount: 5 }];
    three_arms(4);
    three_arms(4) with [3 => Payment { amount: 9 }];
    a_child_that_is_faster(3);
}
