//! What the parts of an engine share.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, Semaphore, watch},
    task::JoinSet,
};

use super::{
    Registry,
    bell::Bell,
    leases::Leases,
    lull::Lull,
    patience::ask,
    settings::{Settings, Uids},
    steps::Workshop,
    telling::{Spans, Traces},
    time::StoreTime,
    watchers::Watchers,
};
use crate::{
    observer::{Audience, Event, StoreFailed},
    store::{Operation, Session, SessionWatch, Store, StoreError},
    suspend::Resources,
    time::Timestamp,
};

/// What the parts of an engine share.
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) registry: Registry,
    pub(crate) workshop: Workshop,
    pub(crate) settings: Settings,
    pub(crate) uids: Uids,
    pub(crate) traces: Traces,
    pub(crate) time: StoreTime,
    pub(crate) leases: Leases,
    pub(crate) bell: Bell,
    pub(crate) lull: Lull,
    /// Rung by hints that name no run.
    pub(crate) hints: Notify,
    pub(crate) watchers: Watchers,
    /// One permit for each run that may be worked on.
    pub(crate) slots: Arc<Semaphore>,
    phase: watch::Sender<Phase>,
    /// Taken when the engine stops, which tells the store that its leases are free.
    session: Mutex<Option<Session>>,
    /// An eye on it.
    pub(crate) watch: SessionWatch,
    /// One task for each run that is worked on.
    runs: Mutex<JoinSet<()>>,
    /// The worker and the renewal of leases.
    background: Mutex<JoinSet<()>>,
    /// The listener for hints. It outlives a shutdown, since callers still wait for results.
    listener: Mutex<JoinSet<()>>,
}

/// What an engine is made of.
pub(crate) struct Parts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) registry: Registry,
    pub(crate) resources: Resources,
    pub(crate) audience: Audience,
    pub(crate) spans: Spans,
    pub(crate) traces: Traces,
    pub(crate) settings: Settings,
    pub(crate) uids: Uids,
}

/// Whether an engine works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It claims runs and moves them on.
    Working,
    /// It claims none, and the steps in flight end.
    Draining,
}

impl Shared {
    /// The parts of an engine that has not begun.
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { store, registry, resources, audience, spans, traces, settings, uids } = parts;
        let session = Session::begin();
        Self {
            time: StoreTime::of(store.clone()),
            store,
            registry,
            workshop: Workshop::new(resources, audience, spans),
            slots: Arc::new(Semaphore::new(settings.concurrency as usize)),
            settings,
            uids,
            traces,
            leases: Leases::default(),
            bell: Bell::default(),
            lull: Lull::default(),
            hints: Notify::new(),
            watchers: Watchers::default(),
            phase: watch::Sender::new(Phase::Working),
            watch: session.watch(),
            session: Mutex::new(Some(session)),
            runs: Mutex::default(),
            background: Mutex::default(),
            listener: Mutex::default(),
        }
    }

    /// The time by the store's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.time.now()
    }

    /// Tells the observers what the store could not do for a run.
    pub(crate) fn tell_failed(&self, operation: Operation, error: StoreError) {
        self.workshop.audience.tell(|| Event::StoreFailed(StoreFailed { operation, error }));
    }

    /// The time by the store's clock, which is asked for it if it has not told it yet.
    pub(crate) async fn asked_now(&self) -> Result<Timestamp, StoreError> {
        if !self.time.is_known() {
            ask(&self.time, || self.store.renew(Vec::new(), Duration::ZERO)).await?;
        }
        Ok(self.now())
    }

    /// The session, while the engine works.
    pub(crate) fn session(&self) -> Option<Session> {
        lock(&self.session).clone()
    }

    /// Whether the engine goes on claiming runs.
    pub(crate) fn is_working(&self) -> bool {
        *self.phase.borrow() == Phase::Working
    }

    /// Ready when the engine begins to shut down.
    pub(crate) async fn drained(&self) {
        let mut phase = self.phase.subscribe();
        // It fails if the sender is gone, which `self` holds.
        let _ = phase.wait_for(|phase| *phase == Phase::Draining).await;
    }

    /// Runs a task for a run.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut runs = lock(&self.runs);
        while let Some(ended) = runs.try_join_next() {
            // One that was stopped is no defect.
            if let Err(error) = ended
                && error.is_panic()
            {
                tracing::error!(%error, "a run's task ended by a panic: this is a defect of refluxo");
            }
        }
        runs.spawn(task);
    }

    /// Runs a task of the engine's own.
    pub(crate) fn spawn_background(&self, task: impl Future<Output = ()> + Send + 'static) {
        lock(&self.background).spawn(task);
    }

    /// Runs the task that listens for hints.
    pub(crate) fn spawn_listener(&self, task: impl Future<Output = ()> + Send + 'static) {
        lock(&self.listener).spawn(task);
    }

    /// Claims no more, lets the runs come to their next commit within the grace, and gives back what is left.
    pub(crate) async fn shut_down(&self) {
        self.phase.send_replace(Phase::Draining);
        let mut runs = std::mem::take(&mut *lock(&self.runs));
        let all = async { while runs.join_next().await.is_some() {} };
        if tokio::time::timeout(self.settings.grace, all).await.is_err() {
            tracing::warn!(
                runs = runs.len(),
                "steps did not end within the grace; they will run again elsewhere"
            );
            runs.shutdown().await;
        }
        self.stop_work();
        self.workshop.audience.flush().await;
    }

    /// Stops at once. Nothing is lost: what was not committed is done again by whoever takes the runs over.
    pub(crate) fn stop(&self) {
        self.stop_work();
        lock(&self.listener).abort_all();
    }

    /// Stops all but the listener.
    fn stop_work(&self) {
        self.phase.send_replace(Phase::Draining);
        lock(&self.background).abort_all();
        lock(&self.runs).abort_all();
        *lock(&self.session) = None;
    }
}

/// The value behind a mutex. A panic under one of ours would be a defect, and none leaves a value half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
