//! Many worlds, each from a seed, in which everything goes wrong that can.

mod acts;
mod air;
mod chance;
mod clock;
mod ear;
mod events;
mod line;
mod office;
mod oracle;
mod seeds;
mod stage;
mod weather;
mod world;

use std::{collections::BTreeMap, env, fmt, future::IntoFuture, ops::Range, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;

pub use self::chance::Chance;
use self::{events::Events, office::Office};
use super::{Recording, TestBuilder, TestEngine};
use crate::{
    engine::{Engine, Run, Starting},
    machine::Machine,
    snapshot::Snapshot,
    store::{MemoryStore, MemoryStoreBuilder, Status, Store},
    time::Clock,
};

/// Runs a workflow in many worlds, in each of which several workers share a store and everything goes wrong that can.
///
/// Each world follows from a seed: who is slow and who dies, at which operation; which answer is lost, and which hint; which message
/// comes once more; how far the store's clock is from those of the workers. Its runs are in the hands of two to four workers, each an
/// engine of its own on a line of its own, all in virtual time. After the storm nothing goes wrong any more, and every run must come to
/// its end.
///
/// After each operation of the store it is checked that
/// - a commit is stored if and only if its author holds the run, and then once, whole, and with its effects;
/// - a message is taken once, and used up once; a run with messages that it has not seen, or that owes effects, does not rest;
/// - no revision, no entry of the history and no place of the inbox goes back, and what has ended stays so;
/// - each call has a key of its own, and the undo stack is taken down from its top;
/// - a step begins only where its run is stored to be at that call and that attempt: not before, and not after its outcome was stored.
///
/// What [`Simulation::holds`] adds is checked when the runs of a world have ended.
///
/// ```
/// # use refluxo::prelude::*;
/// # use std::{collections::BTreeMap, sync::{Arc, Mutex}, time::Duration};
/// /// The bank's own books: what was paid under which key.
/// #[derive(Clone, Default)]
/// struct Bank(Arc<Mutex<BTreeMap<String, u32>>>);
///
/// #[step(retry(attempts = 5))]
/// async fn pay(#[inject] bank: &Bank, #[inject] cx: &StepContext, amount: u32) -> Result<(), String> {
///     // It is repeated where the answer is lost; under one key the bank pays once.
///     bank.0.lock().unwrap().insert(cx.idempotency_key().to_owned(), amount);
///     Ok(())
/// }
///
/// #[workflow]
/// async fn salary(months: u32) -> Result<u32, String> {
///     for month in 0..months {
///         pay(1_000 + month).await?;
///         sleep(Duration::from_secs(30)).await;
///     }
///     Ok(months)
/// }
///
/// # mod tests {
/// # use super::*;
/// use refluxo::testing::{TestEngine, simulate};
///
/// # /*
/// #[tokio::test]
/// # */
/// # pub
/// async fn everybody_is_paid_once_whatever_happens() {
///     let report = simulate(|| salary(3))
///         .world(|| TestEngine::builder().provide(Bank::default()))
///         .holds(|world| {
///             for run in world.runs.values() {
///                 assert_eq!(run.output.as_ref().unwrap().get(), r#"{"Ok":3}"#);
///             }
///             let mut keys: Vec<_> = world.recording.of("pay").map(|call| &call.key).collect();
///             keys.sort();
///             keys.dedup();
///             assert_eq!(keys.len(), 3 * world.runs.len());
///         })
///         .seeds(0..50)
///         .await;
///     assert_eq!(report.seeds, 50);
/// }
/// # }
/// #
/// # fn main() {
/// #     let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// #     runtime.block_on(tests::everybody_is_paid_once_whatever_happens());
/// # }
/// ```
///
/// A failure names its seed and shows what happened last. `REFLUXO_SEED=17 cargo test everybody_is_paid` runs the world of that seed
/// alone, which goes the same way each time, unless the workflow, its steps or a script ask a clock, an order of a `HashMap` or
/// a chance of their own.
///
/// # Panics
///
/// When it is awaited: if something does not hold.
pub fn simulate<W: Machine>(workflow: impl Fn() -> W + Send + Sync + 'static) -> Simulation<W> {
    simulate_each(move |_| workflow())
}

/// As [`simulate`], with workflows that are left to chance.
///
/// What is made must follow from the chance that is given.
pub fn simulate_each<W: Machine>(workflow: impl Fn(&Chance) -> W + Send + Sync + 'static) -> Simulation<W> {
    Simulation {
        plan: Plan {
            workflow: Box::new(workflow),
            starting: Box::new(|starting, _| starting),
            world: Box::new(TestEngine::builder),
            script: Box::new(|_| Box::pin(std::future::ready(()))),
            holds: Vec::new(),
            store: Box::new(|builder, _| {
                let memory = builder.build();
                (memory.clone(), Arc::new(memory))
            }),
            runs: 3,
            orders: false,
            storm: Duration::from_mins(2),
        },
        seeds: 0..100,
        threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
    }
}

/// Worlds that are to be simulated, once this is awaited: see [`simulate`].
#[must_use = "nothing is simulated unless this is awaited"]
pub struct Simulation<W> {
    plan: Plan<W>,
    seeds: Range<u64>,
    threads: usize,
}

/// What is the same in all worlds.
struct Plan<W> {
    workflow: Box<dyn Fn(&Chance) -> W + Send + Sync>,
    starting: Box<StartingOf<W>>,
    world: Box<dyn Fn() -> TestBuilder + Send + Sync>,
    script: Box<dyn Fn(Scene<W>) -> BoxFuture<'static, ()> + Send + Sync>,
    holds: Vec<Box<Check>>,
    store: Box<StoreOf>,
    runs: u64,
    orders: bool,
    storm: Duration,
}

/// Says how a run is started.
type StartingOf<W> = dyn Fn(Starting<W>, &Chance) -> Starting<W> + Send + Sync;

/// Checks a world whose runs have ended.
type Check = dyn Fn(&Simulated) + Send + Sync;

/// Makes the store of a world.
type StoreOf = dyn Fn(MemoryStoreBuilder, Arc<dyn Clock>) -> (MemoryStore, Arc<dyn Store>) + Send + Sync;

/// What a script acts in: see [`Simulation::script`].
pub struct Scene<W> {
    /// The run.
    pub run: Run<W>,
    /// An engine that works on nothing, as a program has one that only sends signals.
    pub engine: Engine,
    /// What decides where something is left to chance.
    pub chance: Chance,
    office: Arc<Office>,
}

/// A world whose runs have ended: see [`Simulation::holds`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Simulated {
    /// Its seed.
    pub seed: u64,
    /// What its runs did, on all workers. A call whose outcome was lost was made again, under the same key.
    pub recording: Recording,
    /// How its runs ended, by their ids.
    pub runs: BTreeMap<String, Snapshot>,
    /// How many operations its store has done.
    pub operations: u64,
    events: Events,
}

/// What came of a simulation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SimulationReport {
    /// How many worlds there were.
    pub seeds: u64,
    /// How many runs they had.
    pub runs: u64,
    /// How many operations their stores have done.
    pub operations: u64,
}

impl<W: Machine> Simulation<W> {
    /// Makes each world: resources, mocks and faults of steps. The workflow is registered in any case, and the world's [`Chance`] is
    /// among the resources.
    pub fn world(mut self, world: impl Fn() -> TestBuilder + Send + Sync + 'static) -> Self {
        self.plan.world = Box::new(world);
        self
    }

    /// Says how each run is started, with which priority or key: see [`Starting`]. It must follow from the chance that is given.
    pub fn starting(
        mut self,
        starting: impl Fn(Starting<W>, &Chance) -> Starting<W> + Send + Sync + 'static,
    ) -> Self {
        self.plan.starting = Box::new(starting);
        self
    }

    /// Does this beside each run: sends signals, cancels, and sleeps in between by `tokio::time::sleep`. No fault stops it; what it does
    /// may be refused where the run has ended.
    pub fn script<F>(mut self, script: impl Fn(Scene<W>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.plan.script = Box::new(move |scene| Box::pin(script(scene)));
        self
    }

    /// Checks this of each world when its runs have ended. It panics where something does not hold.
    pub fn holds(mut self, holds: impl Fn(&Simulated) + Send + Sync + 'static) -> Self {
        self.plan.holds.push(Box::new(holds));
        self
    }

    /// The seeds: 0 to 99 unless set. The environment's `REFLUXO_SEED` has one alone simulated.
    pub fn seeds(self, seeds: Range<u64>) -> Self {
        Self { seeds, ..self }
    }

    /// How many runs of the workflow there are at most in a world: 3 unless set, and at least one. Their ids are `run-0` and so on.
    pub fn runs(mut self, runs: u64) -> Self {
        self.plan.runs = runs.max(1);
        self
    }

    /// How long things go wrong in a world: two minutes unless set.
    pub fn storm(mut self, storm: Duration) -> Self {
        self.plan.storm = storm;
        self
    }

    /// Has operators pause, resume, cancel, abort, retry and copy runs at random, children among them.
    pub fn orders(mut self) -> Self {
        self.plan.orders = true;
        self
    }

    /// Puts something between the workers and the store in memory, such as a decorator that encrypts: gives both.
    ///
    /// The builder has to be used, since the world has set it up; the clock is the one that it has.
    pub fn store(
        mut self,
        store: impl Fn(MemoryStoreBuilder, Arc<dyn Clock>) -> (MemoryStore, Arc<dyn Store>)
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.plan.store = Box::new(store);
        self
    }

    /// On how many threads worlds are simulated, each world on one: as many as there are processors unless set.
    pub fn threads(self, threads: usize) -> Self {
        Self { threads: threads.max(1), ..self }
    }

    /// Simulates the worlds; the error tells of one that fails.
    ///
    /// # Errors
    ///
    /// If something does not hold.
    pub async fn find(self) -> Result<SimulationReport, SimulationFailure> {
        let Self { plan, seeds, threads } = self;
        let seeds = match env::var("REFLUXO_SEED").ok().and_then(|seed| seed.parse().ok()) {
            Some(only) => only..only + 1,
            None => seeds,
        };
        seeds::simulate(plan, seeds, threads).await
    }
}

impl<W: Machine> IntoFuture for Simulation<W> {
    type Output = SimulationReport;
    type IntoFuture = BoxFuture<'static, SimulationReport>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { self.find().await.unwrap_or_else(|failure| panic!("{failure}")) })
    }
}

impl<W> Scene<W> {
    /// The ids of all runs of this world that have not ended, children among them.
    #[must_use]
    pub fn living(&self) -> Vec<String> {
        let living = self.office.air.oracle.living();
        living.into_iter().map(|(id, _)| id.as_str().to_owned()).collect()
    }

    /// How a run stands; none if there is no such run, or it has ended.
    #[must_use]
    pub fn status(&self, id: &str) -> Option<Status> {
        let living = self.office.air.oracle.living();
        living.into_iter().find(|(run, _)| run.as_str() == id).map(|(_, status)| status)
    }
}

impl Simulated {
    /// All that happened, in words.
    #[must_use]
    pub fn events(&self) -> Vec<String> {
        self.events.words()
    }
}

/// Something does not hold in a world.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error(
    "the simulation fails with the seed {seed} ({weather}): {violated}\n\
     what happened last:\n    {}\n\
     `REFLUXO_SEED={seed}` has this world alone simulated once more",
    events.join("\n    ")
)]
pub struct SimulationFailure {
    /// The world's seed.
    pub seed: u64,
    /// What the world was like.
    pub weather: String,
    /// What does not hold.
    pub violated: String,
    /// The last things that happened in it.
    pub events: Vec<String>,
}

impl<W: Machine> fmt::Debug for Simulation<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation")
            .field("workflow", &W::NAME)
            .field("seeds", &self.seeds)
            .finish_non_exhaustive()
    }
}

impl<W: Machine> fmt::Debug for Scene<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scene").field("run", &self.run).finish_non_exhaustive()
    }
}
