//! What lies between the workers and their store: it loses, delays and repeats.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{sync::mpsc, time::Instant};

use super::{Chance, events::Who, oracle::Oracle, weather::Weather};
use crate::{
    store::{Effect, Message, NewRun, Operation, Store},
    time::Clock,
};

/// What all lines of a world share.
pub(super) struct Air {
    pub(super) chance: Chance,
    pub(super) weather: Weather,
    pub(super) oracle: Oracle,
    pub(super) clock: Arc<dyn Clock>,
    /// The store, or what was put in its place.
    pub(super) store: Arc<dyn Store>,
    /// Nothing goes wrong any more.
    pub(super) calm: AtomicBool,
    /// Told the numbers of the workers that die at an operation.
    pub(super) deaths: mpsc::UnboundedSender<u32>,
}

/// What befalls an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not done, and that is known.
    NotDone,
    /// It is done, and that is not known.
    Unheard,
    /// The worker dies before it.
    DiesBefore,
    /// The worker dies after it.
    DiesAfter,
}

/// How an operation goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fate {
    pub(super) before: Duration,
    pub(super) fault: Option<Fault>,
    pub(super) after: Duration,
}

impl Air {
    /// Whether nothing goes wrong any more.
    pub(super) fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Relaxed)
    }

    /// Whether something happens that happens once in so many times, unless it is calm.
    pub(super) fn once_in(&self, times: u64) -> bool {
        !self.is_calm() && self.chance.once_in(times)
    }

    /// How an operation goes.
    pub(super) fn fate(&self, who: Who, operation: Operation) -> Fate {
        let (before, after) = (self.delay(), self.delay());
        if self.is_calm() {
            return Fate { before, fault: None, after };
        }
        let worker = matches!(who, Who::Worker(_));
        let fault = if worker && self.once_in(self.weather.dying) {
            Some(*self.chance.one_of(&[Fault::DiesBefore, Fault::DiesAfter]))
        } else if self.once_in(if worker { self.weather.failing } else { self.weather.failing * 2 }) {
            let reads = matches!(operation, Operation::Load | Operation::History | Operation::List);
            Some(if reads { Fault::NotDone } else { *self.chance.one_of(&[Fault::NotDone, Fault::Unheard]) })
        } else {
            None
        };
        if worker && self.once_in(self.weather.slow) {
            let long = self.weather.lease + self.chance.up_to(2 * self.weather.lease);
            let (before, after) = if self.chance.once_in(2) { (long, after) } else { (before, long) };
            return Fate { before, fault, after };
        }
        Fate { before, fault, after }
    }

    /// How long an operation is on its way.
    fn delay(&self) -> Duration {
        let longest = *self.chance.one_of(&[0, 0, 0, 0, 3, 30]);
        self.chance.up_to(Duration::from_millis(longest))
    }

    /// Has a message delivered once more, in a while, as by a sender who never heard that it was.
    pub(super) fn send_again(self: &Arc<Self>, message: &Message) {
        if message.key.is_none() || !self.once_in(self.weather.again) {
            return;
        }
        let (air, message) = (self.clone(), message.clone());
        tokio::spawn(async move {
            tokio::time::sleep(air.chance.up_to(Duration::from_mins(1))).await;
            // It fails where the store does, and then a message is not sent again.
            let _ = air.oracle.deliver(Who::World, &*air.store, vec![message]).await;
        });
    }

    /// Has a run created once more, in a while.
    fn create_again(self: &Arc<Self>, new: &NewRun) {
        if !new.start.is_anybodys() || !self.once_in(self.weather.again) {
            return;
        }
        let (air, new) = (self.clone(), new.clone());
        tokio::spawn(async move {
            tokio::time::sleep(air.chance.up_to(Duration::from_mins(1))).await;
            let _ = air.oracle.create(Who::World, &*air.store, vec![new]).await;
        });
    }

    /// Has what leaves a run come once more, in a while.
    pub(super) fn repeat(self: &Arc<Self>, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Start(new) => self.create_again(new),
                Effect::Deliver(message) => self.send_again(message),
            }
        }
    }

    /// Until when a worker that is cut off now stays so.
    pub(super) fn cut_off(&self) -> Instant {
        Instant::now() + self.chance.up_to(4 * self.weather.lease)
    }
}
