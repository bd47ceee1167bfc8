//! The numbers that an engine works by.

use std::time::Duration;

use crate::{
    core::{Run, SizeLimit},
    store::Uid,
};

/// Where the uids of new runs come from.
pub(crate) type Uids = Box<dyn Fn() -> Uid + Send + Sync>;

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
    /// How long an idle worker goes without a look at the store if nothing wakes it: hints may be lost.
    pub(crate) idle: Duration,
    /// How long a wait for a result trusts that it will be told, at first and at last: hints may be lost.
    pub(crate) look_again: (Duration, Duration),
    /// How long the steps in flight of a cancelled run may come to an end.
    pub(crate) cancel_grace: Duration,
    /// How often runs are looked for that are kept no longer, if there are such.
    pub(crate) purge_every: Duration,
    /// How many of the states that a run goes through are kept.
    pub(crate) keep_states: usize,
    /// How large what is saved may be.
    pub(crate) max_payload: SizeLimit,
}

impl Settings {
    /// A run in the hands of an engine with these settings.
    pub(crate) fn bound(&self, run: Run) -> Run {
        run.keeping(self.keep_states).within(self.max_payload)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            concurrency: 64,
            lease: Duration::from_secs(10),
            poison_limit: 5,
            grace: Duration::from_secs(30),
            idle: Duration::from_secs(30),
            look_again: (Duration::from_secs(1), Duration::from_secs(30)),
            cancel_grace: Duration::from_secs(10),
            purge_every: Duration::from_hours(1),
            keep_states: 0,
            max_payload: SizeLimit::NONE,
        }
    }
}
