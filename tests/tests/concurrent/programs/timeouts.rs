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
}
