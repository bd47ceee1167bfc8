//! The clock of a simulated store, which is nobody else's.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use tokio::time::Instant;

use crate::time::{Clock, Timestamp};

/// A clock that goes a little faster or slower than those of the workers, and is set now and then.
#[derive(Debug)]
pub(super) struct StoreClock {
    start: Timestamp,
    began: Instant,
    /// How much it gains, in millionths.
    gain: i64,
    /// By how many microseconds it was set.
    set: AtomicI64,
}

impl StoreClock {
    pub(super) fn new(start: Timestamp, gain: i64) -> Self {
        Self { start, began: Instant::now(), gain, set: AtomicI64::new(0) }
    }

    /// Sets it forward, as far as a clock is that is kept right.
    pub(super) fn set_forward(&self, by: Duration) {
        self.set_by(micros(by));
    }

    /// Sets it back.
    pub(super) fn set_back(&self, by: Duration) {
        self.set_by(-micros(by));
    }

    fn set_by(&self, micros: i64) {
        self.set.fetch_add(micros, Ordering::Relaxed);
    }
}

impl Clock for StoreClock {
    fn now(&self) -> Timestamp {
        let passed = micros(self.began.elapsed());
        let gained = passed / 1_000_000 * self.gain;
        let shown = passed.saturating_add(gained).saturating_add(self.set.load(Ordering::Relaxed));
        Timestamp::from_micros(self.start.as_micros().saturating_add(shown))
    }
}

/// A duration in microseconds.
fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
