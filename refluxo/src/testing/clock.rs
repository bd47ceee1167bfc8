//! Time that tokio tells.

use std::time::Duration;

use tokio::time::Instant;

use crate::time::{Clock, Timestamp};

/// A clock that goes as tokio's does, from a given time on.
///
/// Where tokio's time is paused it stands while anything can be done, and when all tasks wait it jumps to the next time that one
/// of them waits for.
#[derive(Clone, Copy, Debug)]
pub struct VirtualClock {
    start: Timestamp,
    began: Instant,
}

impl VirtualClock {
    /// A clock that shows `start` now.
    #[must_use]
    pub fn starting_at(start: Timestamp) -> Self {
        Self { start, began: Instant::now() }
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.start.saturating_add(self.began.elapsed())
    }
}

/// Whether tokio's time is paused, which tokio does not tell: whether it stands while real time passes.
pub(super) fn is_paused() -> bool {
    let (virtual_time, real_time) = (Instant::now(), std::time::Instant::now());
    while real_time.elapsed() < Duration::from_micros(10) {
        std::hint::spin_loop();
    }
    Instant::now() == virtual_time
}
