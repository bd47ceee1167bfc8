//! What the store's clock says, as far as this process knows.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use crate::{
    store::{Stamped, Store},
    time::Timestamp,
};

/// Tells the time by the store's clock.
///
/// A store in this process is asked. The time of one on a server is the last one that it told and what has passed since; this
/// machine's wall clock is never compared with it.
#[derive(Debug)]
pub(crate) struct StoreTime {
    store: Arc<dyn Store>,
    heard: Mutex<Option<Heard>>,
}

/// What the store last told.
#[derive(Clone, Copy, Debug)]
struct Heard {
    told: Timestamp,
    at: Instant,
}

impl StoreTime {
    /// The time of this store.
    pub(crate) fn of(store: Arc<dyn Store>) -> Self {
        Self { store, heard: Mutex::new(None) }
    }

    /// The time now.
    pub(crate) fn now(&self) -> Timestamp {
        if let Some(now) = self.store.clock() {
            return now;
        }
        let heard = *self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        // A worker claims before it commits, so it has heard the time when it first needs it.
        heard.map_or(Timestamp::EPOCH, |heard| heard.told.saturating_add(heard.at.elapsed()))
    }

    /// Whether the store has told the time, or tells it whenever it is asked.
    pub(crate) fn is_known(&self) -> bool {
        self.store.clock().is_some() || self.heard.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Takes the answer and notes the time that came with it.
    pub(crate) fn note<T>(&self, answer: Stamped<T>) -> T {
        let heard = Heard { told: answer.now, at: Instant::now() };
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(heard);
        answer.value
    }
}
