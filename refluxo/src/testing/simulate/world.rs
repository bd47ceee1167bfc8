//! One seed's world, from its beginning to the end of its last run.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet},
    time::{Instant, sleep_until},
};

use super::{
    Chance, Plan, Simulated,
    acts::act,
    air::Air,
    clock::StoreClock,
    events::{Detail, Events, Who},
    office::Office,
    oracle::{Oracle, words_of},
    weather::Weather,
};
use crate::{
    engine::{Engine, words},
    machine::Machine,
    snapshot::RunStatus,
    store::{MemoryStore, RunId, Status, Token},
    testing::{TestBuilder, VirtualClock, recording::Recorder, stage::TestStage},
};

/// How often one looks whether a world has ended after the storm, with pauses that grow up to a month.
const LOOKS: u32 = 1_200;

/// How many operations a world may need after the storm. One that needs more does not end.
const PATIENCE: u64 = 20_000;

/// How a run stands that has ended.
const ENDED: [RunStatus; 3] = [RunStatus::Completed, RunStatus::Failed, RunStatus::Cancelled];

/// What does not hold.
type Violated = String;

/// A world.
pub(super) struct World<W> {
    plan: Arc<Plan<W>>,
    seed: u64,
    pub(super) air: Arc<Air>,
    office: Arc<Office>,
    recorder: Arc<Recorder>,
    clock: Arc<StoreClock>,
    client: Engine,
    /// What starts the runs and does the scripts.
    acts: JoinSet<()>,
    deaths: mpsc::UnboundedReceiver<u32>,
    /// How often a parked run was told to go on.
    retried: BTreeMap<RunId, u32>,
    copies: u64,
}

impl<W: Machine> World<W> {
    /// The world of a seed, before anything happens in it.
    pub(super) async fn begin(plan: Arc<Plan<W>>, seed: u64) -> Self {
        // The pauses between tries of the engine come from there.
        fastrand::seed(seed);
        let chance = Chance::of_seed(seed);
        let weather = Weather::draw(&chance, plan.storm);
        let TestBuilder { start, mut resources, stand_ins, setup } = (plan.world)().register::<W>();
        resources.insert(chance.clone());
        let clock = Arc::new(StoreClock::new(start, weather.gain));
        let builder = MemoryStore::builder().clock(clock.clone()).tokens(tokens(&chance));
        let builder = if weather.hands_back { builder.hand_back_effects() } else { builder };
        let (memory, store) = (plan.store)(builder, clock.clone());
        let events = Events::new(clock.clone());
        let oracle = Oracle::new(memory, clock.clone(), events);
        let (tell_deaths, deaths) = mpsc::unbounded_channel();
        let air = Arc::new(Air {
            chance,
            weather,
            oracle,
            clock: clock.clone(),
            store,
            calm: AtomicBool::new(false),
            deaths: tell_deaths,
        });
        let recorder = Arc::new(Recorder::new(VirtualClock::starting_at(start)));
        let stage = Arc::new(TestStage { recorder: recorder.clone(), stand_ins });
        let office = Arc::new(Office::new(air.clone(), resources, setup, stage));
        let client = office.client().await;
        Self {
            plan,
            seed,
            air,
            office,
            recorder,
            clock,
            client,
            acts: JoinSet::new(),
            deaths,
            retried: BTreeMap::new(),
            copies: 0,
        }
    }

    /// Lets everything happen; the error says what does not hold.
    pub(super) async fn live(mut self) -> Result<Simulated, Violated> {
        self.office.open().await;
        for number in 0..self.air.chance.number(1..=self.plan.runs) {
            self.acts.spawn(act(self.plan.clone(), self.office.clone(), self.client.clone(), number));
        }
        self.storm().await?;
        self.office.calm().await;
        self.come_to_rest().await?;
        Ok(Simulated {
            seed: self.seed,
            recording: self.recorder.read().clone(),
            runs: self.air.oracle.snapshots(),
            events: self.air.oracle.events.clone(),
            operations: self.air.oracle.operations(),
        })
    }

    /// Things happen, until all runs have ended or it is over.
    async fn storm(&mut self) -> Result<(), Violated> {
        let over = Instant::now() + self.plan.storm;
        let mut next = self.next();
        while Instant::now() < over && !self.has_ended() {
            tokio::select! {
                biased;
                () = self.air.oracle.violated() => {}
                Some(number) = self.deaths.recv() => self.office.bury(number),
                Some(acted) = self.acts.join_next() => acted.map_err(panicked)?,
                () = sleep_until(next.min(over)) => {
                    self.happen();
                    next = self.next();
                }
            }
            self.check()?;
        }
        Ok(())
    }

    /// When something happens next.
    fn next(&self) -> Instant {
        Instant::now() + self.air.chance.up_to(2 * self.air.weather.quiet)
    }

    /// Whether there is nothing more to do.
    fn has_ended(&self) -> bool {
        self.acts.is_empty() && self.air.oracle.living().is_empty()
    }

    fn check(&self) -> Result<(), Violated> {
        self.air.oracle.violation().map_or(Ok(()), Err)
    }

    /// Something happens.
    fn happen(&mut self) {
        let kinds = if self.plan.orders { 12 } else { 6 };
        match self.air.chance.number(..kinds) {
            0 | 1 => self.office.kill_one(),
            2 | 3 => self.office.cut_one_off(),
            4 => self.office.dismiss_one(),
            5 => self.set_clock(),
            _ => self.order(),
        }
    }

    fn set_clock(&self) {
        let chance = &self.air.chance;
        if chance.once_in(2) {
            self.tell("sets the store's clock forward", None);
            // Not more, since the store's clock is taken to go about as fast as a worker's does.
            self.clock.set_forward(chance.up_to(Duration::from_millis(100)));
        } else {
            self.tell("sets the store's clock back", None);
            self.clock.set_back(chance.up_to(Duration::from_secs(20)));
        }
    }

    /// An operator has some run do something. It may be refused.
    fn order(&mut self) {
        let living = self.air.oracle.living();
        if living.is_empty() {
            return;
        }
        let (id, status) = self.air.chance.one_of(&living).clone();
        let client = self.client.clone();
        let told = match (self.air.chance.number(..14), status) {
            (0..=4, Status::Paused) => ("resumes", client.resume(&id)),
            (0..=6, Status::Parked) => ("retries", client.retry(&id)),
            (0..=4, _) => ("pauses", client.pause(&id)),
            (5..=7, _) => ("resumes", client.resume(&id)),
            (8 | 9, _) => ("cancels", client.cancel(&id)),
            (10, _) => ("aborts", client.abort(&id)),
            _ => return self.fork(&id),
        };
        self.tell(told.0, Some(&id));
        // It takes its time on the way, and what happens meanwhile happens.
        self.acts.spawn(async move { drop(told.1.await) });
    }

    /// An operator copies a run.
    fn fork(&mut self, id: &RunId) {
        if self.copies == 2 {
            return;
        }
        self.copies += 1;
        let copy = format!("copy-{}", self.copies);
        self.tell("copies", Some(id));
        let fork = self.client.fork(id, copy);
        self.acts.spawn(async move { drop(fork.await) });
    }

    /// Nothing goes wrong any more: all runs have to end.
    async fn come_to_rest(&mut self) -> Result<(), Violated> {
        let longest = Duration::from_hours(30 * 24);
        let mut left = LOOKS;
        let (mut pause, begun) = (Duration::from_secs(1), self.air.oracle.operations());
        let mut ended = 0;
        while ended < 3 || self.air.oracle.is_at_rest().is_err() {
            let until = Instant::now() + pause;
            while Instant::now() < until {
                tokio::select! {
                    biased;
                    () = self.air.oracle.violated() => {}
                    Some(acted) = self.acts.join_next() => acted.map_err(panicked)?,
                    () = sleep_until(until) => {}
                }
                self.check()?;
            }
            // A script that waits for an end hears of it, and one that waits for ever is left alone.
            ended = if self.has_ended() {
                3
            } else if self.air.oracle.living().is_empty() {
                ended + 1
            } else {
                0
            };
            // As long as operators have something to do, they look again soon.
            if self.help().await {
                pause = Duration::from_secs(1);
            }
            if self.air.oracle.operations() - begun > PATIENCE || left == 0 {
                return Err(self.stuck());
            }
            pause = longest.min(pause * 2);
            left -= 1;
        }
        self.check()
    }

    /// Has runs go on that an operator or a fault had stopped; whether there were any.
    async fn help(&mut self) -> bool {
        let mut helped = false;
        for (id, status) in self.air.oracle.living() {
            let order = match status {
                Status::Paused => self.client.resume(&id),
                Status::Parked => {
                    let retried = self.retried.entry(id.clone()).or_default();
                    *retried += 1;
                    if *retried < 4 { self.client.retry(&id) } else { self.client.abort(&id) }
                }
                Status::Ready
                | Status::Waiting
                | Status::Cancelling
                | Status::Completed
                | Status::Failed
                | Status::Cancelled => continue,
            };
            // It may have moved on by itself.
            drop(order.await);
            helped = true;
        }
        helped
    }

    /// Which run does not end, and what it waits for.
    fn stuck(&self) -> Violated {
        let Err(why) = self.air.oracle.is_at_rest() else { return "a script does not end".to_owned() };
        let runs = self.air.oracle.snapshots();
        let living = runs.values().filter(|run| !ENDED.contains(&run.status)).map(words_of);
        format!("{why}; {}", living.collect::<Vec<_>>().join("; "))
    }

    fn tell(&self, what: &'static str, run: Option<&RunId>) {
        self.air.oracle.events.tell(Who::World, what, run, Detail::Nothing);
    }
}

/// Why a task ended that should not have.
fn panicked(error: JoinError) -> Violated {
    match error.try_into_panic() {
        Ok(panic) => format!("the script panics: {}", words(&*panic)),
        Err(error) => format!("the script does not end: {error}"),
    }
}

/// Tokens that follow from the seed.
fn tokens(chance: &Chance) -> impl FnMut() -> Token + Send + 'static {
    let chance = chance.clone();
    let mut last = 0;
    move || {
        last += 1;
        Token::from_u128(u128::from(chance.number(..)) << 64 | last)
    }
}
