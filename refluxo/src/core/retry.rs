//! When a call that failed is made again.

use std::time::Duration;

use super::Again;
use crate::{
    snapshot::Call,
    suspend::{Backoff, Retry},
    time::Timestamp,
};

/// The attempt after this one, which has just failed and had begun at `began`; none if it was the last.
///
/// Attempts before the last time that an operator had the call retried count no more.
pub(crate) fn next(retry: &Retry, call: &Call, began: Timestamp, now: Timestamp) -> Option<Again> {
    let (began, forgiven) = call.retry.as_ref().map_or((began, 0), |retry| (retry.began, retry.forgiven));
    let number = call.attempt.saturating_sub(forgiven);
    if number >= retry.attempts {
        return None;
    }
    let due = now.saturating_add(pause(retry, number, &call.key, call.attempt));
    let is_late = retry.total.is_some_and(|total| due > began.saturating_add(total));
    (!is_late).then_some(Again { due, began })
}

/// The pause after the attempt of this number.
fn pause(retry: &Retry, number: u32, key: &str, attempt: u32) -> Duration {
    let factor = match retry.backoff {
        Backoff::Constant => 1,
        Backoff::Linear => number,
        Backoff::Exponential => 2_u32.saturating_pow(number.saturating_sub(1)),
    };
    let pause = retry.initial.saturating_mul(factor).min(retry.max);
    if retry.jitter { (pause + pause.mul_f64(share(key, attempt))) / 2 } else { pause }
}

/// A number from 0 to 1 that follows from the call and the attempt: different calls that fail together come back apart, and
/// the same call has the same pause wherever it is computed.
fn share(key: &str, attempt: u32) -> f64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"refluxo jitter 1");
    hasher.update(key.as_bytes());
    hasher.update(&attempt.to_be_bytes());
    let hash = hasher.finalize();
    let bits = hash.as_bytes().iter().take(4).fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
    f64::from(bits) / f64::from(u32::MAX)
}
