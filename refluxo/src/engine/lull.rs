//! Turns to read the store's tables while nothing happens: of those there are few.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::sync::Notify;

/// Hands the idle worker's next look to somebody else who wants one.
#[derive(Debug, Default)]
pub(crate) struct Lull {
    wanted: AtomicBool,
    given: Notify,
}

impl Lull {
    /// Waits for a look of the idle worker, and no longer than `busy`: a worker that has not been idle for so long reads the tables
    /// all the time, and one look more is nothing.
    pub(crate) async fn wait(&self, busy: Duration) {
        self.wanted.store(true, Ordering::Release);
        let given = tokio::time::timeout(busy, self.given.notified()).await;
        if given.is_err() {
            self.wanted.store(false, Ordering::Release);
        }
    }

    /// Gives a look away, if somebody wants it.
    pub(crate) fn give(&self) -> bool {
        let is_wanted = self.wanted.swap(false, Ordering::AcqRel);
        if is_wanted {
            self.given.notify_one();
        }
        is_wanted
    }
}
