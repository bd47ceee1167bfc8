//! An engine for tests.

use std::{
    fmt,
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    Mock, Recording, VirtualClock,
    clock::is_paused,
    recording::Recorder,
    stage::{StandIns, TestStage},
};
use crate::{
    engine::{Engine, EngineBuilder, ResultError, Run},
    machine::Machine,
    store::{MemoryStore, Store, Uid},
    suspend::{Resources, Step},
    time::{Clock, Timestamp},
};

/// When a test begins, unless it says so: at the beginning of 2026.
const START: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// Longer than anything that a test waits for.
const FOREVER: Duration = Duration::from_hours(100 * 365 * 24);

/// An [`Engine`] in virtual time, on a store in memory, that records what its runs do.
///
/// It is an engine: what that offers is called on it.
pub struct TestEngine {
    engine: Engine,
    world: Arc<World>,
}

/// What outlives an engine.
pub(super) struct World {
    store: MemoryStore,
    clock: VirtualClock,
    resources: Resources,
    setup: Setup,
    recorder: Arc<Recorder>,
    /// How many runs were started.
    started: Arc<AtomicU64>,
}

/// What is done to the builder of every engine in this world.
pub(super) type Setup = Vec<Box<dyn Fn(EngineBuilder) -> EngineBuilder + Send + Sync>>;

/// Puts a [`TestEngine`] together: see [`TestEngine::builder`].
#[must_use = "an engine begins with `build()`"]
pub struct TestBuilder {
    pub(super) start: Timestamp,
    pub(super) resources: Resources,
    pub(super) stand_ins: StandIns,
    pub(super) setup: Setup,
}

impl TestEngine {
    /// Begins to put an engine together.
    pub fn builder() -> TestBuilder {
        TestBuilder {
            start: START,
            resources: Resources::default(),
            stand_ins: StandIns::default(),
            setup: Vec::new(),
        }
    }

    /// The virtual time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    /// Lets virtual time pass: whatever becomes due in it happens, in order.
    pub async fn advance(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    /// What the runs of this engine, and of those before it that crashed, have done so far.
    #[must_use]
    pub fn recorded(&self) -> Recording {
        self.world.recorder.read().clone()
    }

    /// Waits for the end of a run, like [`Run::result`].
    ///
    /// # Errors
    ///
    /// As those of [`Run::result`].
    ///
    /// # Panics
    ///
    /// If nothing that the run waits for comes within a hundred years, where [`Run::result`] would wait for ever.
    pub async fn end_of<W: Machine>(&self, run: &Run<W>) -> Result<W::Output, ResultError> {
        let Ok(result) = tokio::time::timeout(FOREVER, run.result()).await else {
            panic!("{}", self.stuck(run.id()).await)
        };
        result
    }

    /// What a run waits for, in words.
    async fn stuck(&self, id: &str) -> String {
        match self.engine.snapshot(id).await {
            Ok(snapshot) => {
                let calls: Vec<_> = snapshot.calls.iter().map(|call| &call.waiting_for).collect();
                let calls = serde_json::to_string(&calls).unwrap_or_default();
                format!("the run `{id}` is at `{}` and waits for what never comes: {calls}", snapshot.at)
            }
            Err(error) => format!("the run `{id}` has no end, and can't be read: {error}"),
        }
    }

    /// Kills the engine as if its process had died, and starts another one on what is stored.
    ///
    /// What was not committed is lost and done again. Handles on the first engine, such as a [`Run`], are told of nothing any
    /// more: get new ones with [`Engine::run`].
    pub async fn crash(self) -> Self {
        let store = self.world.store.clone();
        self.crash_and_begin_on(store).await
    }

    /// Kills the engine and starts another one on this line to the store.
    pub(super) async fn crash_and_begin_on(self, store: impl Store) -> Self {
        self.engine.crash();
        self.world.engine(store).await
    }
}

impl World {
    /// An engine in this world.
    pub(super) async fn engine(self: Arc<Self>, store: impl Store) -> TestEngine {
        let recorder = self.recorder.clone();
        let builder = self.virtually(store).witness(move |event| recorder.hear(event));
        let engine = self.setup.iter().fold(builder, |builder, set_up| set_up(builder)).build().await;
        match engine {
            Ok(engine) => TestEngine { engine, world: self },
            Err(error) => panic!("{error}"),
        }
    }

    /// An engine in this world that knows no workflow, as a program has one that only sends signals.
    pub(super) async fn client(&self) -> Engine {
        match self.virtually(self.store.clone()).build().await {
            Ok(engine) => engine,
            Err(error) => panic!("{error}"),
        }
    }

    /// What an engine in this world is built from.
    fn virtually(&self, store: impl Store) -> EngineBuilder {
        let started = self.started.clone();
        // The same in every run of a test, and so are the keys of its calls.
        let uids = move || Uid::from_u128(u128::from(started.fetch_add(1, Ordering::Relaxed)));
        Engine::builder(store).virtually(self.resources.clone(), Box::new(uids))
    }

    /// The store.
    pub(super) fn store(&self) -> &MemoryStore {
        &self.store
    }

    /// What is recorded.
    pub(super) fn recorder(&self) -> &Arc<Recorder> {
        &self.recorder
    }
}

impl TestBuilder {
    /// Adds a workflow, and those that it awaits as children.
    pub fn register<W: Machine>(self) -> Self {
        self.with(EngineBuilder::register::<W>)
    }

    /// Provides the resource of its type to the steps that take it by `#[inject]`. It outlives a crash, as a bank does.
    pub fn provide<R: Send + Sync + 'static>(mut self, resource: R) -> Self {
        self.resources.insert(resource);
        self
    }

    /// Sets something else on the engine: its observers, its concurrency, and so on.
    pub fn with(mut self, set_up: impl Fn(EngineBuilder) -> EngineBuilder + Send + Sync + 'static) -> Self {
        self.setup.push(Box::new(set_up));
        self
    }

    /// When virtual time begins: on the 1st of January 2026 unless set.
    pub fn starting_at(mut self, start: Timestamp) -> Self {
        self.start = start;
        self
    }

    /// Runs `mock` in the place of the step `S`, which then needs no resources. The last one of a step counts.
    ///
    /// The mock gets the call, with its arguments as fields, and the context. The step's `retry`, `timeout` and `concurrency` work
    /// on it as on the body.
    pub fn mock<S: Step>(mut self, mock: impl Mock<S>) -> Self {
        self.stand_ins.mock::<S>(mock);
        self
    }

    /// Has the attempts up to this one, of every call of the step `S`, give what `output` makes: usually an `Err`.
    pub fn fail_first<S: Step>(
        mut self,
        attempts: u32,
        output: impl Fn() -> S::Output + Send + Sync + 'static,
    ) -> Self {
        self.stand_ins.fail::<S>(attempts, output);
        self
    }

    /// Has the attempts up to this one, of every call of the step `S`, panic.
    pub fn panic_first<S: Step>(mut self, attempts: u32) -> Self {
        self.stand_ins.panic::<S>(attempts);
        self
    }

    /// Has the attempts up to this one, of every call of the step `S`, never end.
    pub fn hang_first<S: Step>(mut self, attempts: u32) -> Self {
        self.stand_ins.hang::<S>(attempts);
        self
    }

    /// Starts the engine.
    ///
    /// # Panics
    ///
    /// If tokio's time is not paused, or the engine can't be built: see [`EngineBuilder::build`].
    pub async fn build(self) -> TestEngine {
        let world = Arc::new(self.world());
        let store = world.store.clone();
        world.engine(store).await
    }

    /// The world without an engine.
    pub(super) fn world(self) -> World {
        assert!(
            is_paused(),
            "a `TestEngine` needs virtual time: write `#[tokio::test(start_paused = true)]`"
        );
        let Self { start, mut resources, stand_ins, setup } = self;
        let clock = VirtualClock::starting_at(start);
        let recorder = Arc::new(Recorder::new(clock));
        resources.set_stage(Arc::new(TestStage { recorder: recorder.clone(), stand_ins }));
        let store = MemoryStore::builder().clock(Arc::new(clock)).build();
        World { store, clock, resources, setup, recorder, started: Arc::default() }
    }
}

impl Deref for TestEngine {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl fmt::Debug for TestEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestEngine").field("now", &self.now()).finish_non_exhaustive()
    }
}
