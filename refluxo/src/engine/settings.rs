//! The numbers that an engine works by.

use std::time::Duration;

/// The numbers that an engine works by; set on its builder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// How many runs are worked on at once.
    pub(crate) concurrency: u32,
    /// How long a lease lasts. It is renewed three times in that span.
    pub(crate) lease: Duration,
    /// After how many claims without a commit a run is parked.
    pub(crate) poison_limit: u32,
    /// How long a shutdown waits for the steps in flight.
    pub(crate) grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            concurrency: 64,
            lease: Duration::from_secs(10),
            poison_limit: 5,
            grace: Duration::from_secs(30),
        }
    }
}

/// How long an idle worker goes without a look at the store if nothing wakes it: hints may be lost.
pub(crate) const IDLE: Duration = Duration::from_secs(30);
