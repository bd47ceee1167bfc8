//! Who waits for the end of a run.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::sync::Notify;

use crate::store::RunId;

/// Wakes those who wait for a run to end or to be parked.
#[derive(Debug, Default)]
pub(crate) struct Watchers(Mutex<HashMap<RunId, Weak<Notify>>>);

impl Watchers {
    /// What is notified when something happened to this run. Enable its `notified()` before looking at the run.
    pub(crate) fn watch(&self, id: &RunId) -> Arc<Notify> {
        let mut watched = self.lock();
        if let Some(notify) = watched.get(id).and_then(Weak::upgrade) {
            return notify;
        }
        // Entries whose watchers have gone are swept out here, so that the map does not outgrow its users.
        watched.retain(|_, notify| notify.strong_count() > 0);
        let notify = Arc::new(Notify::new());
        watched.insert(id.clone(), Arc::downgrade(&notify));
        notify
    }

    /// Wakes those who wait for this run.
    pub(crate) fn wake(&self, id: &RunId) {
        if let Some(notify) = self.lock().get(id).and_then(Weak::upgrade) {
            notify.notify_waiters();
        }
    }

    /// Wakes all.
    pub(crate) fn wake_all(&self) {
        self.lock().values().filter_map(Weak::upgrade).for_each(|notify| notify.notify_waiters());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, Weak<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
