//! `.timeout` on everything.

use std::time::Duration;

use super::prelude::*;

#[workflow]
async fn a_step_in_time(ms: u64) -> Result<u64, Elapsed> {
    let n = slow(1, ms).timeout(Duration::from_millis(11)).await?;
    Ok(slow(n, 3).await)
}

#[workflow]
async fn an_approval_in_time() -> String {
    match signal::<Approval>().timeout(Duration::from_millis(37)).await {
        Ok(approval) if approval.granted => slow_text(&approval.by, 5).await,
        Ok(approval) => format!("{} says no", approval.by),
        Err(Elapsed) => slow_text("nobody answered", 3).await,
    }
}

#[workflow]
async fn a_timer_in_time(ms: u64) -> bool {
    let limit = Duration::from_millis(13);
    sleep(Duration::from_millis(ms)).timeout(limit).await.is_ok()
}

#[workflow]
async fn a_late_signal_is_kept() -> (bool, u64) {
    let in_time = signal::<Payment>().timeout(Duration::from_millis(7)).await.is_ok();
    (in_time, signal::<Payment>().await.amount)
}

#[workflow]
async fn tries_again_and_again(ms: u64) -> u64 {
    let mut pause = 2;
    loop {
        if let Ok(n) = slow(pause, ms).timeout(Duration::from_millis(pause)).await {
            return n;
        }
        pause *= 2;
    }
}

#[workflow]
async fn a_child_in_time(ms: u64) -> Option<bool> {
    a_timer_in_time(ms).timeout(Duration::from_millis(5)).await.ok()
}

#[workflow]
async fn a_join_in_time(ms: u64) -> Option<u64> {
    let (a, b) = join!(slow(1, 3), slow(2, ms)).timeout(Duration::from_millis(11)).await.ok()?;
    Some(slow(a + b, 5).await)
}

#[workflow]
async fn branches_in_time(ms: u64) -> (bool, bool) {
    let (a, b) = join!(
        slow(1, ms).timeout(Duration::from_millis(7)),
        signal::<Payment>().timeout(Duration::from_millis(19)),
    );
    (a.is_ok(), b.is_ok())
}

#[workflow]
async fn a_failing_step_in_time(n: u64) -> Result<u64, String> {
    let n = slow_even(n, 5).timeout(Duration::from_millis(7)).await.map_err(|_| "late".to_string())??;
    Ok(n)
}

#[workflow]
async fn a_select_in_time(ms: u64) -> Result<u64, Elapsed> {
    let first = select! {
        a = slow(1, ms) => a,
        payment = signal::<Payment>() => payment.amount,
    }
    .timeout(Duration::from_millis(11))
    .await;
    Ok(slow(first?, 3).await)
}

#[workflow]
async fn handlers_have_time(ms: u64) -> String {
    let won = select! {
        n = slow(1, ms) => {
            let more = slow(n, 31).await;
            format!("{more}")
        }
        text = slow_text("b", 17) => slow_text(&text, 29).await,
    }
    .timeout(Duration::from_millis(13))
    .await;
    won.unwrap_or_else(|late| late.to_string())
}

#[workflow]
async fn handlers_that_leave(n: u64) -> Result<u64, String> {
    let mut pause = 2;
    let even = loop {
        let in_time = select! {
            even = slow_even(n, 7) => break even?,
            payment = signal::<Payment>() => return Ok(payment.amount),
            approval = signal::<Approval>() => {
                if approval.granted {
                    continue;
                }
                4
            }
        }
        .timeout(Duration::from_millis(pause))
        .await;
        pause += in_time.unwrap_or(3);
    };
    Ok(slow(even, 5).await + pause)
}

#[workflow]
async fn a_late_signal_is_not_taken_by_a_select() -> (bool, u64) {
    let in_time = select! {
        payment = signal::<Payment>() => payment.amount,
        n = slow(1, 19) => n,
    };
    let again =
        select! { payment = signal::<Payment>() => payment.amount }.timeout(Duration::from_millis(7)).await;
    (again.is_ok(), in_time + signal::<Payment>().await.amount)
}

#[workflow]
async fn selects_in_time_inside_of_branches(ms: u64) -> (String, Option<u64>) {
    join!(
        async move {
            let won = select! {
                a = slow(1, ms) => a,
                b = slow(2, 23) => slow(b, 2).await,
            }
            .timeout(Duration::from_millis(ms + 3))
            .await;
            slow_text(&format!("{won:?}"), 5).await
        },
        async move {
            let won = select! {
                inner = async move {
                    let tried = select! { n = slow_even(ms, 11) => n? }.timeout(Duration::from_millis(ms)).await;
                    Ok::<_, String>(tried.unwrap_or(100))
                } => inner,
                payment = signal::<Payment>() => return Some(payment.amount),
            }
            .timeout(Duration::from_millis(37))
            .await;
            won.ok()?.ok()
        },
    )
}

timed_cases! {
    a_step_in_time(5);
    a_step_in_time(13);
    an_approval_in_time() with [3 => Approval { by: "eve".to_string(), granted: true }];
    an_approval_in_time() with [3 => Approval { by: "eve".to_string(), granted: false }];
    an_approval_in_time() with [41 => Approval { by: "eve".to_string(), granted: true }];
    an_approval_in_time();
    a_timer_in_time(11);
    a_timer_in_time(17);
    a_late_signal_is_kept() with [11 => Payment { amount: 5 }];
    a_late_signal_is_kept() with [5 => Payment { amount: 4 }, 11 => Payment { amount: 5 }];
    tries_again_and_again(11);
    a_child_in_time(3);
    a_child_in_time(7);
    a_join_in_time(7);
    a_join_in_time(13);
    branches_in_time(5) with [17 => Payment { amount: 5 }];
    branches_in_time(11);
    a_failing_step_in_time(2);
    a_failing_step_in_time(3);
    a_select_in_time(7);
    a_select_in_time(13);
    a_select_in_time(13) with [5 => Payment { amount: 7 }];
    a_select_in_time(17) with [13 => Payment { amount: 7 }];
    handlers_have_time(5);
    handlers_have_time(19);
    handlers_that_leave(2);
    handlers_that_leave(3);
    handlers_that_leave(2) with [3 => Payment { amount: 9 }];
    handlers_that_leave(2) with [1 => Approval { by: "eve".to_string(), granted: true }];
    handlers_that_leave(2) with [1 => Approval { by: "eve".to_string(), granted: false }];
    a_late_signal_is_not_taken_by_a_select() with [3 => Payment { amount: 5 }, 13 => Payment { amount: 6 }];
    a_late_signal_is_not_taken_by_a_select() with
        [3 => Payment { amount: 5 }, 7 => Payment { amount: 6 }, 29 => Payment { amount: 7 }];
    selects_in_time_inside_of_branches(7);
    selects_in_time_inside_of_branches(13);
    selects_in_time_inside_of_branches(14) with [29 => Payment { amount: 5 }];
    selects_in_time_inside_of_branches(12) with [3 => Payment { amount: 5 }];
}
