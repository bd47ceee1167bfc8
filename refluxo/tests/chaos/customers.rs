//! Those who start runs, tell them things and cancel them.

use std::{fmt::Display, sync::Arc, time::Duration};

use futures_util::StreamExt;
use refluxo::{
    Engine,
    engine::{ResultError, StartError},
    machine::Machine,
};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use super::{
    PATIENCE, READ_AT_ONCE,
    findings::Findings,
    ledger::{BookInFile, BookOnServer, book_in_file, book_on_server},
    model::{Kind, is_expected, notes},
    watch::Watch,
    worker::Place,
    workflows::{
        Crowd, Family, Note, Order, Race, Talk, Trip, Vigil, crowd, family, order, race, talk, trip, vigil,
    },
};

/// How many runs are under way at most, so that those who come later don't wait for ever.
const MOST: usize = 400;

/// How often a customer asks whom the store gives no answer.
const TRIES: u32 = 20;

/// All customers.
pub struct Customers {
    engine: Engine,
    place: Place,
    seed: u64,
    runs: u64,
    findings: Findings,
}

/// The id of the run of a number.
pub fn id(n: u64) -> String {
    format!("{:?}-{n}", Kind::of(n))
}

/// The number of a run, if a customer has started it.
pub fn number(id: &str) -> Option<u64> {
    let n = id.rsplit_once('-')?.1.parse().ok()?;
    (self::id(n) == id).then_some(n)
}

impl Customers {
    pub fn new(engine: Engine, place: Place, seed: u64, runs: u64, findings: Findings) -> Arc<Self> {
        Arc::new(Self { engine, place, seed, runs, findings })
    }

    /// So many come in a second; ready when the last one has. They have come and gone when what this gives has ended.
    pub async fn come(self: Arc<Self>, pace: f64, watch: Arc<Watch>) -> JoinSet<()> {
        let mut visits = JoinSet::new();
        let mut next = Instant::now();
        for n in 0..self.runs {
            sleep_until(next).await;
            next += Duration::from_secs_f64(1.0 / pace);
            if tokio::time::timeout(PATIENCE, watch.fewer_than(MOST)).await.is_err() {
                self.findings
                    .add("", format!("{MOST} runs are under way, and none ends within {PATIENCE:?}"));
                break;
            }
            visits.spawn(self.clone().visit(n));
        }
        visits
    }

    /// One comes.
    async fn visit(self: Arc<Self>, n: u64) {
        let mut random = fastrand::Rng::with_seed(self.seed ^ n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        if let Err(error) = self.serve(n, &mut random).await {
            self.findings.add(&id(n), error);
        }
    }

    async fn serve(&self, n: u64, random: &mut fastrand::Rng) -> Result<(), String> {
        insist(|| self.start(n)).await?;
        if random.u32(..10) == 0 {
            // The same once more is the same run.
            insist(|| self.start(n)).await?;
        }
        for number in notes(n) {
            sleep(Duration::from_millis(random.u64(..400))).await;
            let times = 1 + random.u32(..3) / 2;
            for _ in 0..times {
                self.tell(n, number).await?;
            }
        }
        if Kind::of(n) == Kind::Vigil {
            sleep(Duration::from_millis(random.u64(..2_000))).await;
            insist(|| self.engine.cancel(id(n)).by("a customer").into_future()).await?;
        }
        Ok(())
    }

    async fn start(&self, n: u64) -> Result<(), StartError> {
        let (engine, id) = (&self.engine, id(n));
        match Kind::of(n) {
            Kind::Order => engine.start(id, order(n)).await.map(drop),
            Kind::Talk => engine.start(id, talk(n, notes(n).len())).await.map(drop),
            Kind::Family => engine.start(id, family(n)).await.map(drop),
            Kind::Crowd => engine.start(id, crowd(n)).await.map(drop),
            Kind::Race => engine.start(id, race(n)).await.map(drop),
            Kind::Trip => engine.start(id, trip(n)).await.map(drop),
            Kind::Vigil => engine.start(id, vigil(n)).await.map(drop),
            Kind::Book => match self.place {
                Place::File(_) => engine.start(id, book_in_file(n)).await.map(drop),
                Place::Postgres { .. } => engine.start(id, book_on_server(n)).await.map(drop),
            },
        }
    }

    /// Sends a note, perhaps not for the first time: under its key it is taken once.
    async fn tell(&self, n: u64, number: u64) -> Result<(), String> {
        let key = format!("note {number}");
        let (id, note) = (&id(n), &Note { number });
        match insist(|| self.engine.signal_json_once(id, &key, "Note", note)).await {
            // Whoever has heard all that it waits for may be gone when it is told once more.
            Err(error) if !error.contains("is over") => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether each run has given what it must.
    pub async fn check_results(&self) {
        futures_util::stream::iter(0..self.runs)
            .for_each_concurrent(READ_AT_ONCE, |n| self.check_result(n))
            .await;
    }

    async fn check_result(&self, n: u64) {
        let output = match Kind::of(n) {
            Kind::Order => self.output::<Order>(n).await,
            Kind::Talk => self.output::<Talk>(n).await,
            Kind::Family => self.output::<Family>(n).await,
            Kind::Crowd => self.output::<Crowd>(n).await,
            Kind::Race => self.output::<Race>(n).await,
            Kind::Trip => self.output::<Trip>(n).await,
            Kind::Vigil => self.output::<Vigil>(n).await,
            Kind::Book => match self.place {
                Place::File(_) => self.output::<BookInFile>(n).await,
                Place::Postgres { .. } => self.output::<BookOnServer>(n).await,
            },
        };
        match output {
            Ok(output) if is_expected(n, &output) => {}
            Ok(output) => self.findings.add(&id(n), format!("it gave {output}")),
            Err(error) => self.findings.add(&id(n), error),
        }
    }

    /// What a run gave.
    async fn output<W: Machine<Output: Serialize>>(&self, n: u64) -> Result<Value, String> {
        let run = insist(|| self.engine.run::<W>(id(n))).await?;
        match tokio::time::timeout(Duration::from_secs(10), run.result()).await {
            Ok(Ok(output)) => serde_json::to_value(output).map_err(|error| error.to_string()),
            Ok(Err(ResultError::Cancelled { .. })) => Ok(json!("cancelled")),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("it has not ended".to_owned()),
        }
    }
}

/// Asks until there is an answer: the store may be busy for a while.
async fn insist<T, E: Display, F>(act: impl Fn() -> F) -> Result<T, String>
where
    F: Future<Output = Result<T, E>>,
{
    let mut tries = 0;
    loop {
        match act().await {
            Ok(answer) => return Ok(answer),
            Err(error) if tries == TRIES || error.to_string().contains("is over") => {
                return Err(error.to_string());
            }
            Err(_) => tries += 1,
        }
        sleep(Duration::from_millis(200)).await;
    }
}
