//! How long one tries again what a store could not do.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use super::time::StoreTime;
use crate::store::{Stamped, StoreError};

/// The pauses between tries, each about twice as long as the last, with jitter, so that many runs don't try in step.
pub(crate) struct Patience(ExponentialBackoff);

impl Patience {
    /// A caller waits for an answer: a few tries within about two seconds.
    pub(crate) fn of_a_caller() -> Self {
        Self(pauses(Duration::from_millis(500)).with_max_times(6).build())
    }

    /// A run must not be lost: tries until it is stopped, up to half a minute apart.
    pub(crate) fn of_a_run() -> Self {
        Self(pauses(Duration::from_secs(15)).without_max_times().build())
    }

    /// Waits before the next try; `false` if there is to be none.
    pub(crate) async fn pause(&mut self) -> bool {
        match self.0.next() {
            Some(pause) => {
                tokio::time::sleep(pause).await;
                true
            }
            None => false,
        }
    }
}

/// Pauses from 10 ms to `longest` and the jitter, which is up to as long again.
fn pauses(longest: Duration) -> ExponentialBuilder {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(10))
        .with_max_delay(longest)
        .with_factor(2.0)
        .with_jitter()
}

/// Asks a store on behalf of a caller, again where that may help. Every operation may be sent again as it was.
pub(crate) async fn ask<T, F>(time: &StoreTime, mut operation: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<Stamped<T>, StoreError>>,
{
    let mut patience = Patience::of_a_caller();
    loop {
        match operation().await {
            Ok(answer) => return Ok(time.note(answer)),
            Err(error @ StoreError::Fatal(_)) => return Err(error),
            Err(error @ (StoreError::Retry(_) | StoreError::Unknown(_))) => {
                if !patience.pause().await {
                    return Err(error);
                }
            }
        }
    }
}
