//! Time that passes only when a run waits for it.

use std::{cell::Cell, time::Duration};

use refluxo::time::{Clock, Timestamp};

use crate::trace::record;

/// When every run starts.
const START: Timestamp = Timestamp::from_micros(1_000_000_000);

thread_local! {
    /// The time of the run that this thread is driving.
    static NOW: Cell<Timestamp> = const { Cell::new(START) };
}

/// Sets the time back for a new run.
pub(crate) fn restart() {
    NOW.set(START);
}

/// Waits for a point in time, which is noted like a call, and comes at once.
pub(crate) fn wait_until(due: Timestamp) {
    record("wait until", due);
    NOW.set(NOW.get().max(due));
}

/// Waits for a duration.
pub(crate) fn wait_for(duration: Duration) {
    wait_until(NOW.get().saturating_add(duration));
}

/// The clock of this thread's run, for an engine.
#[derive(Debug)]
pub(crate) struct RunClock;

impl Clock for RunClock {
    fn now(&self) -> Timestamp {
        NOW.get()
    }
}
