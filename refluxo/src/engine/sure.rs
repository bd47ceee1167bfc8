//! What a worker knows by its own time of whether it has a run.

use std::time::Duration;

use tokio::time::Instant;

use super::shared::Shared;
use crate::store::{SessionWatch, Sight};

/// When the store was asked for leases, and whether others could see by then that this worker lives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) at: Instant,
    sight: Sight,
}

/// Until when nobody else can have a run, as far as this worker's own time tells, and as long as others can see that it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sure {
    sight: Sight,
    until: Instant,
}

/// How long a lease is surely held, counted from when the store was asked for it. The rest of its time is for clocks that go apart.
fn surely(keep: Duration) -> Duration {
    keep / 4 * 3
}

impl Asked {
    /// The store is asked now.
    pub(crate) fn now(shared: &Shared) -> Self {
        Self { at: Instant::now(), sight: shared.watch.sight() }
    }

    /// How long a lease is surely held, if it is given.
    pub(super) fn sure_of(self, keep: Duration) -> Sure {
        Sure { sight: self.sight, until: self.at + surely(keep) }
    }

    /// Whether nobody else can have a run whose lease the store has extended when it was asked then.
    pub(crate) fn is_sure(self, shared: &Shared) -> bool {
        self.sure_of(shared.settings.lease).holds(&shared.watch)
    }
}

impl Sure {
    pub(super) fn holds(self, session: &SessionWatch) -> bool {
        Instant::now() < self.until && self.sight.is_clear() && self.sight == session.sight()
    }
}
