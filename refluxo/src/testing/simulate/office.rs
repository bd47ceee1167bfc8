//! The workers of a simulation: they begin, die, leave, and others take their places.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::task::JoinSet;

use super::{
    air::Air,
    events::{Detail, Who},
    line::Line,
    stage::Watched,
};
use crate::{
    engine::Engine,
    store::Uid,
    suspend::Resources,
    testing::{engine::Setup, stage::TestStage},
};

/// Longer than anything takes.
const NEVER: Duration = Duration::from_hours(10 * 365 * 24);

/// Where the workers have their places.
pub(super) struct Office {
    pub(super) air: Arc<Air>,
    resources: Resources,
    setup: Setup,
    stage: Arc<TestStage>,
    seats: Mutex<Vec<Option<Seat>>>,
    /// How many workers there were.
    hired: AtomicU32,
    /// How many uids were given out.
    uids: Arc<AtomicU64>,
    /// Those who come later, and those who take their time to leave.
    moving: Mutex<JoinSet<()>>,
}

/// A worker.
struct Seat {
    number: u32,
    engine: Engine,
    line: Line,
}

impl Office {
    pub(super) fn new(air: Arc<Air>, resources: Resources, setup: Setup, stage: Arc<TestStage>) -> Self {
        let seats = (0..air.weather.workers).map(|_| None).collect();
        Self {
            air,
            resources,
            setup,
            stage,
            seats: Mutex::new(seats),
            hired: AtomicU32::new(0),
            uids: Arc::default(),
            moving: Mutex::default(),
        }
    }

    /// Has a worker begin in each place.
    pub(super) async fn open(&self) {
        for place in 0..self.air.weather.workers {
            self.hire(place).await;
        }
    }

    /// Has a worker begin in a place, unless there is one.
    async fn hire(&self, place: usize) {
        if self.seats()[place].is_some() {
            return;
        }
        let number = self.hired.fetch_add(1, Ordering::Relaxed);
        let who = Who::Worker(number);
        self.tell(who, "begins work");
        let line = Line::new(self.air.clone(), who);
        let engine = self.engine(who, line.clone(), true).await;
        self.seats()[place] = Some(Seat { number, engine, line });
    }

    /// An engine that works on nothing.
    pub(super) async fn client(&self) -> Engine {
        self.engine(Who::Client, Line::new(self.air.clone(), Who::Client), false).await
    }

    async fn engine(&self, who: Who, line: Line, works: bool) -> Engine {
        let (mut resources, uids) = (self.resources.clone(), self.uids.clone());
        resources.set_stage(Arc::new(Watched { stage: self.stage.clone(), who, air: self.air.clone() }));
        let uids = move || Uid::from_u128(u128::from(uids.fetch_add(1, Ordering::Relaxed)));
        // While hints are lost they are not relied on; and nobody asks all the time in the years of a long sleep.
        let idle = if self.air.is_calm() { NEVER } else { Duration::from_secs(30) };
        let weather = &self.air.weather;
        let builder = Engine::builder(line)
            .sharing(resources, Box::new(uids))
            .looking_every(idle, NEVER)
            .lease(weather.lease)
            .concurrency(weather.slots)
            .poison_limit(u32::MAX);
        let recorder = self.stage.recorder.clone();
        let builder = builder.witness(move |event| recorder.hear(event));
        let setup = self.setup.iter().filter(|_| works);
        match setup.fold(builder, |builder, set_up| set_up(builder)).build().await {
            Ok(engine) => engine,
            Err(error) => panic!("{error}"),
        }
    }

    /// The engine of some worker, if there is one.
    pub(super) fn any(&self) -> Option<Engine> {
        let seats = self.seats();
        let engines: Vec<&Engine> = seats.iter().flatten().map(|seat| &seat.engine).collect();
        (!engines.is_empty()).then(|| (*self.air.chance.one_of(&engines)).clone())
    }

    /// Some place.
    fn place(&self) -> usize {
        let places: Vec<usize> = (0..self.seats().len()).collect();
        *self.air.chance.one_of(&places)
    }

    /// Has the worker of this number die, if it lives, and another one take its place.
    pub(super) fn bury(self: &Arc<Self>, number: u32) {
        let mut seats = self.seats();
        let place = seats.iter().position(|seat| seat.as_ref().is_some_and(|seat| seat.number == number));
        let Some((place, seat)) = place.and_then(|place| Some((place, seats[place].take()?))) else { return };
        drop(seats);
        self.tell(Who::Worker(number), "is dead");
        seat.engine.crash();
        self.hire_later(place);
    }

    /// Has some worker die.
    pub(super) fn kill_one(self: &Arc<Self>) {
        let place = self.place();
        let number = self.seats()[place].as_ref().map(|seat| seat.number);
        if let Some(number) = number {
            self.bury(number);
        }
    }

    /// Has some worker leave as it should, and another one take its place.
    pub(super) fn dismiss_one(self: &Arc<Self>) {
        let place = self.place();
        let Some(seat) = self.seats()[place].take() else { return };
        self.tell(Who::Worker(seat.number), "leaves");
        self.moving().spawn(async move { seat.engine.shutdown().await });
        self.hire_later(place);
    }

    /// Cuts some worker off for a while.
    pub(super) fn cut_one_off(&self) {
        let place = self.place();
        if let Some(seat) = &self.seats()[place] {
            self.tell(Who::Worker(seat.number), "is cut off");
            seat.line.cut_off();
        }
    }

    fn hire_later(self: &Arc<Self>, place: usize) {
        let (office, pause) = (self.clone(), self.air.chance.up_to(Duration::from_secs(20)));
        self.moving().spawn(async move {
            tokio::time::sleep(pause).await;
            office.hire(place).await;
        });
    }

    /// From now on nothing goes wrong, and all who work are new.
    pub(super) async fn calm(self: &Arc<Self>) {
        self.air.calm.store(true, Ordering::Relaxed);
        self.tell(Who::World, "is calm");
        self.moving().abort_all();
        let seats: Vec<Seat> = self.seats().iter_mut().filter_map(Option::take).collect();
        for seat in seats {
            self.tell(Who::Worker(seat.number), "is replaced");
            seat.engine.crash();
        }
        self.open().await;
    }

    fn tell(&self, who: Who, what: &'static str) {
        self.air.oracle.events.tell(who, what, None, Detail::Nothing);
    }

    fn seats(&self) -> MutexGuard<'_, Vec<Option<Seat>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn moving(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.moving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
