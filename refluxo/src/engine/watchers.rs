//! Who waits for the end of a run.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::sync::Notify;

use crate::store::RunId;

/// Wakes those who wait for a run to end or to be parked.
#[derive(Debug, Default)]
pub(crate) struct Watchers(Mutex<Watched>);

/// The runs that are waited for.
#[derive(Debug, Default)]
struct Watched {
    runs: BTreeMap<RunId, Weak<Notify>>,
    /// The size at which entries whose watchers have gone are swept out: twice what the last sweep left.
    sweep_at: usize,
}

impl Watchers {
    /// What is notified when something happened to this run. Enable its `notified()` before looking at the run.
    pub(crate) fn watch(&self, id: &RunId) -> Arc<Notify> {
        let mut watched = self.lock();
        if let Some(notify) = watched.runs.get(id).and_then(Weak::upgrade) {
            return notify;
        }
        if watched.runs.len() >= watched.sweep_at {
            watched.runs.retain(|_, notify| notify.strong_count() > 0);
            watched.sweep_at = 2 * watched.runs.len() + 16;
        }
        let notify = Arc::new(Notify::new());
        watched.runs.insert(id.clone(), Arc::downgrade(&notify));
        notify
    }

    /// Wakes those who wait for this run.
    pub(crate) fn wake(&self, id: &RunId) {
        if let Some(notify) = self.lock().runs.get(id).and_then(Weak::upgrade) {
            notify.notify_waiters();
        }
    }

    /// Wakes all.
    pub(crate) fn wake_all(&self) {
        self.lock().runs.values().filter_map(Weak::upgrade).for_each(|notify| notify.notify_waiters());
    }

    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
