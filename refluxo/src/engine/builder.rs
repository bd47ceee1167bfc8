//! How an engine is put together.

use std::{sync::Arc, time::Duration};

use super::{
    BuildError, Engine, Registry, leases,
    settings::{Settings, Uids},
    shared::{Parts, Shared},
    worker,
};
use crate::{
    machine::Machine,
    observer::Observer,
    store::{Store, Uid},
    suspend::Resources,
};

/// Puts an [`Engine`] together: see [`Engine::builder`].
#[must_use = "an engine begins with `build()`"]
pub struct EngineBuilder {
    store: Arc<dyn Store>,
    registry: Registry,
    resources: Resources,
    observers: Vec<Box<dyn Observer>>,
    settings: Settings,
    uids: Uids,
}

impl EngineBuilder {
    /// A builder of an engine on this store.
    pub(super) fn new(store: impl Store) -> Self {
        Self {
            store: Arc::new(store),
            registry: Registry::default(),
            resources: Resources::default(),
            observers: Vec::new(),
            settings: Settings::default(),
            uids: Box::new(Uid::random),
        }
    }

    /// Adds a workflow, and those that it awaits as children.
    pub fn register<W: Machine>(mut self) -> Self {
        self.registry.add::<W>();
        self
    }

    /// Provides the resource of its type to the steps that take it by `#[inject]`; the last one of a type counts.
    pub fn provide<R: Send + Sync + 'static>(mut self, resource: R) -> Self {
        self.resources.insert(resource);
        self
    }

    /// Has an observer told what runs do; several are told in the order in which they were added.
    pub fn observe(mut self, observer: impl Observer) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// How many runs are worked on at once: 64 unless set, and at least one. Runs that sleep or wait don't count.
    pub fn concurrency(mut self, runs: u32) -> Self {
        self.settings.concurrency = runs.max(1);
        self
    }

    /// How long a run stays with a worker that is not heard of: 10 seconds unless set.
    ///
    /// Where the store can tell that a process is dead, its runs are taken over at once and not after this time.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease.max(Duration::from_millis(30));
        self
    }

    /// After how many claims without a commit a run is parked, as one that kills its workers: 5 unless set.
    pub fn poison_limit(mut self, claims: u32) -> Self {
        self.settings.poison_limit = claims.max(1);
        self
    }

    /// How long [`Engine::shutdown`] waits for the steps in flight: 30 seconds unless set.
    pub fn shutdown_grace(mut self, grace: Duration) -> Self {
        self.settings.grace = grace;
        self
    }

    /// Has the engine work in virtual time, on shared resources: nothing wakes it but what happens and what is due.
    #[cfg(feature = "testing")]
    pub(crate) fn virtually(mut self, resources: Resources, uids: Uids) -> Self {
        const NEVER: Duration = Duration::from_hours(10 * 365 * 24);
        self.settings = Settings { lease: NEVER, idle: NEVER, look_again: (NEVER, NEVER), ..self.settings };
        Self { resources, uids, ..self }
    }

    /// How long the steps in flight of a run may come to an end that is [cancelled](Engine::cancel): 10 seconds unless set.
    ///
    /// They are told by [`StepContext::cancelled`](crate::suspend::StepContext::cancelled); after that time they are dropped.
    pub fn cancel_grace(mut self, grace: Duration) -> Self {
        self.settings.cancel_grace = grace;
        self
    }

    /// How many of the states that a run goes through are kept, the one that it is at among them: none unless set.
    ///
    /// [`Fork::from`](super::Fork::from) copies a run from one of them, also after it has ended. They are not kept without
    /// being asked for, because each commit that comes to a new state then writes that state once more, whole and with the
    /// fields that are else written once, and whoever takes the run over reads all that are kept.
    pub fn keep_states(mut self, states: usize) -> Self {
        self.settings.keep_states = states;
        self
    }

    /// Works on schedules too. An engine without workflows of its own is somebody's line to the store, and works on nothing.
    #[cfg(feature = "schedule")]
    fn keep_schedules(mut self) -> Self {
        if self.registry.kinds().len() > 0 {
            self.registry.add::<crate::schedule::Keeper>();
            self.resources.insert(crate::schedule::Desk::new(self.store.clone()));
        }
        self
    }

    #[cfg(not(feature = "schedule"))]
    fn keep_schedules(self) -> Self {
        self
    }

    /// Starts the worker, which at once takes up every run that is unfinished.
    ///
    /// # Errors
    ///
    /// If a step lacks a resource, or two workflows share a name; all of them are listed.
    #[expect(
        clippy::unused_async,
        reason = "it must be called within a runtime, and stores may come to be asked"
    )]
    pub async fn build(self) -> Result<Engine, BuildError> {
        let this = self.keep_schedules();
        this.registry.check(&this.resources)?;
        let Self { store, registry, resources, observers, settings, uids } = this;
        let shared = Arc::new(Shared::new(Parts { store, registry, resources, observers, settings, uids }));
        // It listens before the first claim, so that nothing falls between the two.
        let wakes = shared.store.wakes();
        shared.spawn_listener(worker::listen(shared.clone(), wakes));
        shared.spawn_background(leases::renew(shared.clone()));
        shared.spawn_background(leases::look(shared.clone()));
        shared.spawn_background(worker::work(shared.clone()));
        Ok(Engine::of(shared))
    }
}
