//! How an engine is put together.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use super::{
    BuildError, Engine, Registry, Retention, leases,
    operators::{Rules, retain},
    registry::Transactions,
    settings::{Settings, Uids},
    shared::{Parts, Shared},
    telling::{Spans, Traces},
    worker,
};
#[cfg(feature = "testing")]
use crate::observer::Witness;
use crate::{
    core::SizeLimit,
    machine::Machine,
    observer::{Audience, Event, Observer},
    store::{Gate, Rate, Store, Uid},
    suspend::{Resources, StepContext},
};

/// Puts an [`Engine`] together: see [`Engine::builder`].
#[must_use = "an engine begins with `build()`"]
pub struct EngineBuilder {
    store: Arc<dyn Store>,
    registry: Registry,
    /// The workflows whose runs the worker takes, if not all.
    served: Option<BTreeSet<String>>,
    gates: BTreeMap<&'static str, Gate>,
    resources: Resources,
    observers: Vec<Box<dyn Observer>>,
    #[cfg(feature = "testing")]
    witnesses: Vec<Witness>,
    spans: Spans,
    traces: Traces,
    settings: Settings,
    rules: Rules,
    uids: Uids,
}

impl EngineBuilder {
    /// A builder of an engine on this store.
    pub(super) fn new(store: impl Store) -> Self {
        Self {
            store: Arc::new(store),
            registry: Registry::default(),
            served: None,
            gates: BTreeMap::new(),
            resources: Resources::default(),
            observers: Vec::new(),
            #[cfg(feature = "testing")]
            witnesses: Vec::new(),
            spans: Spans::default(),
            traces: Traces::default(),
            settings: Settings::default(),
            rules: Rules::default(),
            uids: Box::new(Uid::random),
        }
    }

    /// Adds a workflow, and those that it awaits as children.
    pub fn register<W: Machine>(mut self) -> Self {
        self.registry.add::<W>();
        self
    }

    /// Has the worker take only runs of the workflows of these names, which are registered, and of those of other calls; runs of
    /// all other workflows are left to other workers. With no name at all it takes no run.
    ///
    /// Such an engine still starts and reads runs of all registered workflows, sends signals and gives orders to them: a web server
    /// may leave the work to other machines, and one machine with a graphics card may do nothing but what needs it. Only the
    /// workflows that it serves need their resources. Children are served by their own names: a worker that serves a workflow
    /// leaves the children to those who serve them. Schedules are kept by each engine that serves anything.
    ///
    /// ```
    /// # use refluxo::prelude::*;
    /// # #[workflow]
    /// # async fn checkout() {}
    /// # #[workflow]
    /// # async fn refund() {}
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let engine = Engine::builder(refluxo::MemoryStore::new())
    ///     .register::<Checkout>()
    ///     .register::<Refund>()
    ///     .serves(["checkout"])                  // or by its type: `.serves_of::<Checkout>()`
    ///     .build()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn serves(mut self, workflows: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.served.get_or_insert_default().extend(workflows.into_iter().map(Into::into));
        self
    }

    /// Has the worker take runs of this workflow: see [`EngineBuilder::serves`].
    pub fn serves_of<W: Machine>(self) -> Self {
        self.serves([W::NAME])
    }

    /// Has no more than so many runs of this workflow, at least one, worked on at once, by all workers on the store together.
    ///
    /// What sleeps, or waits for a signal or a child, is not worked on, and leaves its place to others. A worker that dies leaves the
    /// places of its runs when its leases end, or at once where the store can tell that it is dead; one that froze and comes back
    /// may for a moment be one too many. Runs that find no place wait, and come in the order of their priority; what they are told
    /// meanwhile, that they are cancelled too, they heed when their turn comes. The limit holds for what this engine takes: give it
    /// to all that serve the workflow.
    ///
    /// It costs each claim a look at the runs that are worked on, and in PostgreSQL claims of one limited workflow take turns.
    pub fn limit_of<W: Machine>(mut self, runs: u32) -> Self {
        self.gates.entry(W::NAME).or_default().at_once = Some(runs.max(1));
        self
    }

    /// Has no more than so many runs of this workflow with the same [key](super::Starting::key), at least one, worked on at once, by
    /// all workers on the store together: with 1 the runs of a key are worked on one after another. Runs without a key have no such
    /// limit. It is counted as by [`EngineBuilder::limit_of`], and both may be set.
    pub fn limit_per_key_of<W: Machine>(mut self, runs: u32) -> Self {
        self.gates.entry(W::NAME).or_default().per_key = Some(runs.max(1));
        self
    }

    /// Has no more than so many runs of this workflow, at least one, begin in any span of time of that length, by all workers on the
    /// store together.
    ///
    /// A run begins when it is first worked on; from then on it goes its way without a limit. Those that may not begin yet wait, and
    /// begin in the order of their priority; an order to cancel is heeded then, and leaves the start to another. It is not only for
    /// what callers start: to spare a service that allows so many calls, make the call a workflow of one step, and await that as a
    /// child.
    ///
    /// ```
    /// # use refluxo::{Engine, store::MemoryStore, prelude::*};
    /// # use std::time::Duration;
    /// # #[step]
    /// # async fn request(address: String) -> Result<String, String> { Ok(address) }
    /// #[workflow]
    /// async fn geocode(address: String) -> Result<String, String> {
    ///     request(address).await
    /// }
    ///
    /// #[workflow]
    /// async fn deliver(address: String) -> Result<String, String> {
    ///     let place = geocode(address).await?;         // a run of its own, which may have to wait
    ///     Ok(place)
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let engine = Engine::builder(MemoryStore::new())
    ///     .register::<Deliver>()
    ///     .rate_limit_of::<Geocode>(50, Duration::from_secs(1))
    ///     .build()
    ///     .await?;
    /// # let run = engine.start("a", deliver("here".to_owned())).await?;
    /// # assert_eq!(run.result().await?, Ok("here".to_owned()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The store's clock counts, and what the store remembers: runs that are [purged](Retention) before that time is over are
    /// counted no more. Like the other limits it holds for what this engine takes: give it to all that serve the workflow.
    pub fn rate_limit_of<W: Machine>(mut self, starts: u32, per: Duration) -> Self {
        self.gates.entry(W::NAME).or_default().rate =
            Some(Rate { starts: NonZeroU32::new(starts).unwrap_or(NonZeroU32::MIN), per });
        self
    }

    /// Provides the resource of its type to the steps that take it by `#[inject]`; the last one of a type counts.
    pub fn provide<R: Send + Sync + 'static>(mut self, resource: R) -> Self {
        self.resources.insert(resource);
        self
    }

    /// Has an observer told what happens in this engine; several are told each for itself: see [`Observer::told`].
    pub fn observe(mut self, observer: impl Observer) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// Has this told what happens, on the spot: a run goes on when it returns, so what it learns it learns before the next
    /// step begins. For tests; it must neither block nor panic.
    #[cfg(feature = "testing")]
    pub fn witness(mut self, witness: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.witnesses.push(Box::new(witness));
        self
    }

    /// Says to which trace the runs belong that are started or copied from now on: called by whoever starts one, and kept with
    /// the run. Its children and the runs that it spawns belong to the same trace.
    ///
    /// The text is the program's; the usual one is the `traceparent` of the W3C's Trace Context, of the span in which the run is
    /// started. It is not kept secret, and written with every commit: keep it short. Steps read it by
    /// [`StepContext::trace_parent`], in every process, and [`EngineBuilder::instrument`] may make it the parent of their spans.
    /// A function that panics is as good as one that gives none.
    pub fn trace_context(mut self, capture: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        self.traces = Traces::new(Box::new(capture));
        self
    }

    /// Makes the span in which the body of each attempt to run a step runs.
    ///
    /// Without it that is `refluxo.step` of the level `INFO`, with the fields `run`, `workflow`, `step`, `attempt` and
    /// `outcome`. If the span has a field `outcome`, that is set when the attempt is over, to the name of its
    /// [`AttemptOutcome`](crate::observer::AttemptOutcome). If the function panics, the attempt has the usual span.
    pub fn instrument(
        mut self,
        span: impl Fn(&StepContext) -> tracing::Span + Send + Sync + 'static,
    ) -> Self {
        self.spans = Spans::new(Box::new(span));
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
    pub(crate) fn virtually(self, resources: Resources, uids: Uids) -> Self {
        const NEVER: Duration = Duration::from_hours(10 * 365 * 24);
        let settings = Settings {
            lease: NEVER,
            idle: NEVER,
            look_again: (NEVER, NEVER),
            purge_every: NEVER,
            ..self.settings
        };
        Self { settings, ..self }.sharing(resources, uids)
    }

    /// Has the engine share resources with others, and take the uids of new runs from here.
    #[cfg(feature = "testing")]
    pub(crate) fn sharing(self, resources: Resources, uids: Uids) -> Self {
        Self { resources, uids, ..self }
    }

    /// How long an idle worker, and a caller who waits for a result, goes without a look at the store if nothing wakes it: hints
    /// may be lost.
    #[cfg(feature = "testing")]
    pub(crate) fn looking_every(mut self, idle: Duration, result: Duration) -> Self {
        self.settings.idle = idle;
        self.settings.look_again.1 = result;
        self
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

    /// How large what is saved may be, in bytes of JSON: each state without its large fields, each large field, each output of a
    /// branch or a workflow, each call that `compensate!` pushes, each signal. Without it there is no limit but the store's.
    ///
    /// Arguments and signals that are larger are refused when a run is started or the signal is sent. A run that comes to a state or
    /// an output that is larger is [parked](crate::snapshot::ParkReason::TooLarge) at its last state, with a reason that names
    /// the field and its size. What was stored before is read, however large it is.
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.settings.max_payload = SizeLimit(bytes);
        self
    }

    /// For how long runs are kept after their end, those of [`retain_of`](EngineBuilder::retain_of) excepted: for ever unless set.
    pub fn retain(mut self, retention: Retention) -> Self {
        self.rules.others = Some(retention);
        self
    }

    /// For how long runs of this workflow are kept after their end.
    pub fn retain_of<W: Machine>(mut self, retention: Retention) -> Self {
        self.rules.named.insert(W::NAME.to_owned(), retention);
        self
    }

    /// How often runs are looked for that are kept no longer: about once an hour unless set, and not more often than once a second.
    /// The first look comes after a tenth of that time.
    pub fn purge_every(mut self, pause: Duration) -> Self {
        self.settings.purge_every = pause.max(Duration::from_secs(1));
        self
    }

    /// Works on schedules too. An engine without workflows of its own, or that serves none, works on nothing: it is somebody's line
    /// to the store.
    #[cfg(feature = "schedule")]
    fn keep_schedules(mut self) -> Self {
        if self.registry.kinds().any(|(_, kind)| kind.served) {
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
    /// If a step lacks a resource or writes in transactions that the store does not have, two workflows share a name, or one is to be
    /// [served](EngineBuilder::serves) or [limited](EngineBuilder::limit_of) that is not registered; all of them are listed. If there
    /// is no thread for an observer.
    #[expect(
        clippy::unused_async,
        reason = "it must be called within a runtime, and stores may come to be asked"
    )]
    pub async fn build(mut self) -> Result<Engine, BuildError> {
        if let Some(served) = self.served.take() {
            self.registry.serve_only(&served)?;
        }
        self.registry.limit(&self.gates)?;
        let this = self.keep_schedules();
        let store = format!("{:?}", this.store);
        let transactions = Transactions { store: &store, has: this.store.transaction() };
        this.registry.check(&this.resources, transactions)?;
        let audience = Audience::of(this.observers)
            .map_err(|cause| BuildError::ObserverThread { cause: Arc::new(cause) })?;
        #[cfg(feature = "testing")]
        let audience = audience.with(this.witnesses);
        let Self { store, registry, resources, spans, traces, settings, rules, uids, .. } = this;
        let parts = Parts { store, registry, resources, audience, spans, traces, settings, uids };
        let shared = Arc::new(Shared::new(parts));
        shared.workshop.audience.tell(|| Event::Serving(worker::serving(&shared)));
        // It listens before the first claim, so that nothing falls between the two.
        let wakes = shared.store.wakes();
        shared.spawn_listener(worker::listen(shared.clone(), wakes));
        shared.spawn_background(leases::renew(shared.clone()));
        shared.spawn_background(leases::look(shared.clone()));
        shared.spawn_background(worker::work(shared.clone()));
        shared.spawn_background(retain(shared.clone(), rules));
        Ok(Engine::of(shared))
    }
}
