//! Timers and signals.

use std::time::Duration;

use super::prelude::*;

#[workflow]
async fn sleeps_between_steps(n: u64) -> u64 {
    let a = number(n).await;
    sleep(Duration::from_secs(86_400)).await;
    let b = double(a).await;
    sleep(Duration::from_millis(b)).await;
    a + b
}

#[workflow]
async fn sleeps_until_a_computed_time(due: Timestamp) -> u64 {
    sleep_until(due).await;
    let later = due.saturating_add(Duration::from_secs(60));
    sleep_until(later).await;
    number(1).await
}

#[workflow]
async fn sleeps_longer_each_round(rounds: u32) -> u32 {
    let mut pause = Duration::from_secs(1);
    let mut round = 0;
    while round < rounds {
        sleep(pause).await;
        pause *= 2;
        round = next(round).await;
    }
    round
}

#[workflow]
async fn waits_for_a_signal(n: u64) -> String {
    let n = number(n).await;
    let approval = signal::<Approval>().await;
    if approval.granted { format!("{n} by {}", approval.by) } else { "refused".to_string() }
}

#[workflow]
async fn waits_for_two_kinds() -> u64 {
    let Payment { amount } = signal::<Payment>().await;
    let granted = signal::<Approval>().await.granted;
    let more = signal::<Payment>().await.amount;
    if granted { add(amount, more).await } else { 0 }
}

#[workflow]
async fn signal_as_an_operand(price: u64) -> u64 {
    let mut open = price;
    open -= signal::<Payment>().await.amount;
    add(open, signal::<Payment>().await.amount).await
}

#[workflow]
async fn signals_in_a_loop(price: u64) -> (u64, u32) {
    let mut paid = 0;
    let mut payments = 0;
    while paid < price {
        paid += signal::<Payment>().await.amount;
        payments += 1;
        log("payment").await;
    }
    (paid - price, payments)
}

#[workflow]
async fn signal_as_a_command() -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        match signal::<Command>().await {
            Command::Add(n) => lines.push(format!("{}", double(n).await)),
            Command::Say { text } if text.is_empty() => continue,
            Command::Say { text } => lines.push(say(text).await),
            Command::Stop => break lines,
        }
    }
}

#[workflow]
async fn signal_with_while_let() -> u64 {
    let mut total = 0;
    while let Command::Add(n) = signal::<Command>().await {
        total = add(total, n).await;
    }
    total
}

#[workflow]
async fn signal_with_let_else() -> u64 {
    let Command::Add(n) = signal::<Command>().await else {
        return 0;
    };
    sleep(Duration::from_secs(n)).await;
    n
}

#[workflow]
async fn only_waits() {
    sleep(Duration::ZERO).await;
    signal::<Approval>().await;
}

#[workflow]
#[allow(unused_must_use)]
async fn signal_is_ignored(n: u64) -> u64 {
    signal::<Payment>().await;
    let _ = signal::<Approval>().await;
    number(n).await
}

fn paid(amount: u64) -> Payment {
    Payment { amount }
}

fn granted(by: &str) -> Approval {
    Approval { by: by.to_string(), granted: true }
}

cases! {
    sleeps_between_steps(4);
    sleeps_until_a_computed_time(Timestamp::from_micros(5_000_000));
    sleeps_longer_each_round(3);
    waits_for_a_signal(3) with [granted("eve")];
    waits_for_a_signal(3) with [Approval { by: "bob".to_string(), granted: false }];
    waits_for_two_kinds() with [granted("eve"), paid(3), paid(4)];
    signal_as_an_operand(10) with [paid(3), paid(4)];
    signals_in_a_loop(10) with [paid(3), paid(4), paid(5)];
    signals_in_a_loop(0);
    signal_as_a_command() with [Command::Add(4), Command::Say { text: "".into() }, Command::Say { text: "x".into() }, Command::Stop];
    signal_with_while_let() with [Command::Add(4), Command::Add(5), Command::Stop];
    signal_with_let_else() with [Command::Add(4)];
    signal_with_let_else() with [Command::Stop];
    only_waits() with [granted("eve")];
    signal_is_ignored(3) with [granted("eve"), paid(1)];
}
