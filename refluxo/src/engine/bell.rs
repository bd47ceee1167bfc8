//! When the worker is to look for due runs.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::time::StoreTime;
use crate::time::Timestamp;

/// Wakes the worker: at once, at a time, or when it has heard nothing for long.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    alarm: Mutex<Alarm>,
    changed: Notify,
}

/// When the bell is to ring next.
#[derive(Clone, Copy, Debug, Default)]
enum Alarm {
    /// Only when the worker has heard nothing for long.
    #[default]
    Off,
    /// At this time, by the store's clock.
    At(Timestamp),
    /// Now.
    Now,
}

impl Bell {
    /// Rings at once.
    pub(crate) fn ring(&self) {
        *self.lock() = Alarm::Now;
        self.changed.notify_one();
    }

    /// Rings at this time by the store's clock, if not before.
    pub(crate) fn ring_at(&self, due: Timestamp) {
        let mut alarm = self.lock();
        match *alarm {
            Alarm::Now => return,
            Alarm::At(earlier) if earlier <= due => return,
            Alarm::At(_) | Alarm::Off => *alarm = Alarm::At(due),
        }
        drop(alarm);
        self.changed.notify_one();
    }

    /// Waits until it rings, or for `idle`; tells whether it rang.
    ///
    /// # Cancel safety
    ///
    /// A ring is not lost.
    pub(crate) async fn wait(&self, time: &StoreTime, idle: Duration) -> bool {
        let last = Instant::now() + idle;
        loop {
            let pause = self.pause(time);
            let until = match pause {
                Some(Duration::ZERO) => return true,
                Some(pause) => last.min(Instant::now() + pause.min(idle)),
                None => last,
            };
            tokio::select! {
                biased;
                () = self.changed.notified() => {}
                () = sleep_until(until) => {
                    if until == last {
                        return false;
                    }
                }
            }
        }
    }

    /// Silences it, before a look for what is due: that says when it is to ring next.
    pub(crate) fn silence(&self) {
        *self.lock() = Alarm::Off;
    }

    /// How long until it rings.
    fn pause(&self, time: &StoreTime) -> Option<Duration> {
        match *self.lock() {
            Alarm::Off => None,
            Alarm::At(due) => Some(due.saturating_since(time.now())),
            Alarm::Now => Some(Duration::ZERO),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Alarm> {
        self.alarm.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
