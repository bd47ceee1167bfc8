//! Tells observers, each on a thread of its own, so that none of them is on a run's way.

use std::{
    collections::VecDeque,
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tracing::{Dispatch, dispatcher, subscriber::NoSubscriber};

use super::{Event, Missed, Observer, QUEUE};
use crate::engine::words;

/// How long a shutdown waits for observers, by this machine's clock.
const FLUSH: Duration = Duration::from_secs(2);

/// The observers of an engine.
#[derive(Default)]
pub(crate) struct Audience {
    queues: Vec<Arc<Queue>>,
    /// Told on the spot: what a test learns in this way, it learns before the run goes on.
    #[cfg(feature = "testing")]
    witnesses: Vec<Witness>,
}

/// Is told on the spot.
#[cfg(feature = "testing")]
pub(crate) type Witness = Box<dyn Fn(&Event) + Send + Sync>;

impl Audience {
    /// The audience of these observers, each with its thread.
    ///
    /// # Errors
    ///
    /// If there is no thread to be had.
    pub(crate) fn of(observers: Vec<Box<dyn Observer>>) -> io::Result<Self> {
        let mut audience = Self::default();
        // A test may have set a subscriber for its own thread alone.
        let log = dispatcher::get_default(|log| (!log.is::<NoSubscriber>()).then(|| log.clone()));
        for observer in observers.into_iter().filter(|observer| observer.is_enabled()) {
            let (queue, log) = (Arc::new(Queue::default()), log.clone());
            audience.queues.push(queue.clone());
            thread::Builder::new()
                .name("refluxo-observer".into())
                .spawn(move || listen(&*observer, &queue, log.as_ref()))?;
        }
        Ok(audience)
    }

    /// Adds witnesses.
    #[cfg(feature = "testing")]
    pub(crate) fn with(mut self, witnesses: Vec<Witness>) -> Self {
        self.witnesses = witnesses;
        self
    }

    /// Whether nobody listens.
    pub(crate) fn is_empty(&self) -> bool {
        #[cfg(feature = "testing")]
        if !self.witnesses.is_empty() {
            return false;
        }
        self.queues.is_empty()
    }

    /// Tells an event, which is only made if somebody listens. It never waits.
    pub(crate) fn tell(&self, event: impl FnOnce() -> Event) {
        if self.is_empty() {
            return;
        }
        let event = Arc::new(event());
        #[cfg(feature = "testing")]
        for witness in &self.witnesses {
            witness(&event);
        }
        for queue in &self.queues {
            queue.push(event.clone());
        }
    }

    /// Waits until all that was told has been heard, but for no longer than [`FLUSH`].
    pub(crate) async fn flush(&self) {
        let queues = self.queues.clone();
        if queues.is_empty() {
            return;
        }
        let until = Instant::now() + FLUSH;
        // The threads know nothing of this runtime, whose time may stand still.
        let all = move || queues.iter().map(|queue| queue.wait(until)).sum::<usize>();
        match tokio::task::spawn_blocking(all).await {
            Ok(0) => {}
            Ok(events) => {
                tracing::warn!(events, "an observer is too slow; the shutdown does not wait for it");
            }
            Err(error) => tracing::error!(%error, "the observers were not waited for"),
        }
    }
}

impl Drop for Audience {
    /// The threads end when they have told what is left.
    fn drop(&mut self) {
        self.queues.iter().for_each(|queue| queue.close());
    }
}

impl fmt::Debug for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Audience({})", self.queues.len())
    }
}

/// What an observer is still to be told.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    /// There is something to be told.
    filled: Condvar,
    /// All has been told.
    emptied: Condvar,
}

#[derive(Default)]
struct Waiting {
    events: VecDeque<Arc<Event>>,
    /// How many are being told at this moment.
    being_told: usize,
    /// How many did not go in since that was last told.
    missed: u64,
    is_closed: bool,
}

impl Queue {
    fn push(&self, event: Arc<Event>) {
        let mut waiting = self.lock();
        if waiting.events.len() >= QUEUE {
            waiting.missed += 1;
            return;
        }
        waiting.events.push_back(event);
        let is_first = waiting.events.len() == 1 && waiting.being_told == 0;
        drop(waiting);
        if is_first {
            self.filled.notify_one();
        }
    }

    /// Waits for events and takes them all, with the number of those that were missed after them; `None` at the end.
    fn take(&self) -> Option<(VecDeque<Arc<Event>>, u64)> {
        let mut waiting = self.lock();
        waiting.being_told = 0;
        if waiting.events.is_empty() {
            self.emptied.notify_all();
        }
        let mut waiting = self
            .filled
            .wait_while(waiting, |waiting| waiting.events.is_empty() && !waiting.is_closed)
            .unwrap_or_else(PoisonError::into_inner);
        if waiting.events.is_empty() {
            return None;
        }
        waiting.being_told = waiting.events.len();
        Some((std::mem::take(&mut waiting.events), std::mem::take(&mut waiting.missed)))
    }

    /// Waits until all has been told; how much is left at that time.
    fn wait(&self, until: Instant) -> usize {
        let left = |waiting: &Waiting| waiting.events.len() + waiting.being_told;
        let pause = until.saturating_duration_since(Instant::now());
        let waited = self.emptied.wait_timeout_while(self.lock(), pause, |waiting| left(waiting) > 0);
        left(&waited.unwrap_or_else(PoisonError::into_inner).0)
    }

    fn close(&self) {
        self.lock().is_closed = true;
        self.filled.notify_one();
    }

    /// No code of the observer's runs under this lock.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells an observer what comes, until there is no engine any more.
fn listen(observer: &dyn Observer, queue: &Queue, log: Option<&Dispatch>) {
    let _log = log.map(dispatcher::set_default);
    while let Some((events, missed)) = queue.take() {
        for event in events {
            tell_one(observer, &event);
        }
        if missed > 0 {
            tracing::warn!(events = missed, "an observer is too slow: it was not told of all events");
            tell_one(observer, &Event::Missed(Missed { events: missed }));
        }
    }
}

/// Tells an observer an event. One that panics is told of the next one all the same.
pub(super) fn tell_one(observer: &dyn Observer, event: &Event) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| observer.told(event))) {
        tracing::error!(message = words(&*panic), "an observer panicked");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;
    use crate::observer::Claimed;

    /// Writes down how many runs each event tells of, and how many events were missed; each waits for a word.
    struct Slow(Mutex<Receiver<()>>, SyncSender<u64>);

    impl Observer for Slow {
        fn told(&self, event: &Event) {
            let _ = self.0.lock().unwrap().recv();
            let number = match event {
                Event::Claimed(claimed) => claimed.runs as u64,
                Event::Missed(missed) => missed.events,
                other => panic!("nobody told {other:?}"),
            };
            self.1.send(number).unwrap();
        }
    }

    fn claimed(runs: usize) -> Event {
        Event::Claimed(Claimed { runs, took: Duration::ZERO, is_full: false, slots: 1 })
    }

    #[test]
    fn a_slow_observer_misses_what_its_queue_does_not_hold_and_is_told_how_much() {
        let (go, wait) = sync_channel(0);
        let (tell, told) = sync_channel(2 * QUEUE);
        let audience = Audience::of(vec![Box::new(Slow(Mutex::new(wait), tell))]).unwrap();
        audience.tell(|| claimed(0));
        // It is in its hands, and the queue is empty.
        while audience.queues[0].lock().being_told == 0 {
            thread::yield_now();
        }
        (1..=QUEUE + 3).for_each(|number| audience.tell(|| claimed(number)));
        // From here on it is fast.
        drop(go);
        drop(audience);
        let heard: Vec<u64> = told.iter().collect();
        assert!(heard[..=QUEUE].iter().copied().eq(0..=QUEUE as u64), "all that went in, in order");
        assert_eq!(heard[QUEUE + 1..], [3], "and how many did not");
    }

    #[tokio::test(start_paused = true)]
    async fn a_flush_waits_for_what_was_told_and_no_longer_than_it_may() {
        let (go, wait) = sync_channel(0);
        let (tell, told) = sync_channel(8);
        let audience = Audience::of(vec![Box::new(Slow(Mutex::new(wait), tell))]).unwrap();
        audience.tell(|| claimed(1));
        let begun = Instant::now();
        audience.flush().await;
        assert!(begun.elapsed() >= FLUSH, "it waits");
        assert!(told.try_recv().is_err(), "though in vain");
        drop(go);
        audience.flush().await;
        assert_eq!(told.try_recv(), Ok(1), "it has heard it by now");
    }

    #[test]
    fn nothing_is_made_where_nobody_listens() {
        let audience = Audience::of(vec![Box::new(super::super::NoopObserver)]).unwrap();
        audience.tell(|| panic!("an event is made"));
    }
}
