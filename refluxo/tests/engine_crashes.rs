//! Engines that are dropped at random moments, stores that fail at random operations, workers that lose their leases: every
//! run ends all the same, with the right output.

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use refluxo::{
    Engine, Run,
    engine::{EngineBuilder, ReadError, SignalError, StartError},
};
use support::{
    Place, build,
    faulty::Faulty,
    random::{Random, has_branches, listens, steps, tags},
    script::{Line, Script, Word, expected::expected, script},
    soon,
};

everywhere! {
    every_run_ends_when_engines_are_dropped_at_random,
    every_run_ends_when_the_store_fails_at_random,
    every_run_ends_when_two_workers_take_each_others_runs_over,
}

/// How many runs each case has.
const RUNS: u64 = 24;

/// Tells a run a word, once however often that is tried; `false` if a caller's tries were all refused.
async fn is_told(engine: &Engine, id: &str, word: &str) -> bool {
    let run: Run<Script> = match engine.run(id).await {
        Ok(run) => run,
        Err(ReadError::Store { .. }) => return false,
        Err(error) => panic!("{error}"),
    };
    match run.signal_once(word, Word(word.to_owned())).await {
        Ok(()) => true,
        Err(SignalError::Store { .. }) => false,
        Err(error) => panic!("{error}"),
    }
}

/// Runs of random scripts.
struct Cast(Vec<(String, Vec<Line>)>);

impl Cast {
    fn random(seed: u64) -> Self {
        let mut random = Random::seeded(seed);
        let run = |number| {
            let id = format!("run-{number}");
            let lines = random.script(&id, 20, 0);
            (id, lines)
        };
        Self((0..RUNS).map(run).collect())
    }

    /// Starts those that there are not yet. A caller whose tries were all refused tries again, and leaves it to the next time.
    async fn start(&self, engine: &Engine) {
        for (id, lines) in &self.0 {
            for _ in 0..3 {
                if !matches!(engine.start(id, script(lines.clone())).await, Err(StartError::Store { .. })) {
                    break;
                }
            }
        }
    }

    /// Sends each run its words, in order.
    async fn speak(&self, engine: &Engine) {
        for (id, lines) in &self.0 {
            for number in 0..listens(lines) {
                while !is_told(engine, id, &number.to_string()).await {}
            }
        }
    }

    /// Waits for all results and compares them.
    async fn compare(&self, engine: &Engine) {
        for (id, lines) in &self.0 {
            let run: Run<Script> = engine.run(id).await.unwrap();
            let told = soon(run.result()).await.unwrap();
            assert_eq!(told, expected(lines, &mut (0..).map(|number: u64| number.to_string())), "{id}");
            assert_eq!(run.snapshot().await.unwrap().attributes, tags(lines), "{id}");
        }
    }

    /// Checks what the world has seen: each step under one key of its own, and none of them after a later one.
    fn check_world(&self, place: &Place, may_overlap: bool) {
        let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for noted in place.world.notes() {
            keys.entry(noted.text).or_default().insert(noted.key);
        }
        for noted in if may_overlap { place.world.notes() } else { place.world.notes_in_turn() } {
            let family = noted.run.split('/').next().unwrap_or_default().to_owned();
            let texts = seen.entry(family).or_default();
            if texts.last() != Some(&noted.text) {
                texts.push(noted.text);
            }
        }
        for (text, keys) in &keys {
            assert_eq!(keys.len(), 1, "the step {text} ran under several keys");
        }
        for (id, lines) in &self.0 {
            let ran = seen.remove(id).unwrap_or_default();
            if may_overlap || has_branches(lines) {
                let set: BTreeSet<_> = ran.into_iter().collect();
                assert_eq!(set, steps(lines).into_iter().collect(), "{id}");
            } else {
                assert_eq!(ran, steps(lines), "{id}: a step began after its commit");
            }
        }
    }
}

/// Lets time pass while something happens: `tick` of the store's time with each millisecond.
async fn while_time_passes<T>(place: &Place, tick: Duration, future: impl Future<Output = T>) -> T {
    let over = AtomicBool::new(false);
    let time = async {
        while !over.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(1)).await;
            place.clock.advance(tick);
        }
    };
    let work = async {
        let value = future.await;
        over.store(true, Ordering::Relaxed);
        value
    };
    tokio::join!(work, time).0
}

/// Leases that outlast a test, and no limit to what a run may survive.
fn patient(builder: EngineBuilder) -> EngineBuilder {
    builder.lease(Duration::from_secs(1_000_000)).poison_limit(u32::MAX)
}

async fn every_run_ends_when_engines_are_dropped_at_random(place: Place) {
    let cast = Cast::random(1);
    let mut random = Random::seeded(2);
    {
        // Before anything else, so that no word is lost to a start that was cut off.
        let engine = build(patient(place.builder(place.store().await))).await;
        cast.start(&engine).await;
        cast.speak(&engine).await;
    }
    while_time_passes(&place, Duration::from_millis(50), async {
        for _ in 0..60 {
            let engine = build(patient(place.builder(place.store().await))).await;
            tokio::time::sleep(Duration::from_micros(random.below(4_000))).await;
            drop(engine);
        }
        let engine = build(patient(place.builder(place.store().await))).await;
        cast.compare(&engine).await;
    })
    .await;
    cast.check_world(&place, false);
}

async fn every_run_ends_when_the_store_fails_at_random(place: Place) {
    let cast = Cast::random(3);
    let faulty = Faulty::at_random(place.store().await, 4, 5);
    let engine = build(patient(place.builder(faulty))).await;
    while_time_passes(&place, Duration::from_millis(50), async {
        cast.start(&engine).await;
        cast.speak(&engine).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        // What a claim took whose answer was lost comes back when the lease ends, or with the session.
        drop(engine);
        let engine = build(patient(place.builder(place.store().await))).await;
        cast.compare(&engine).await;
    })
    .await;
    cast.check_world(&place, false);
}

async fn every_run_ends_when_two_workers_take_each_others_runs_over(place: Place) {
    let cast = Cast::random(5);
    let restless = |builder: EngineBuilder| builder.lease(Duration::from_millis(100)).poison_limit(u32::MAX);
    let one = build(restless(place.builder(place.store().await))).await;
    let other = build(restless(place.builder(place.store().await))).await;
    // A lease is over after two ticks of this clock, long before it is renewed.
    while_time_passes(&place, Duration::from_millis(50), async {
        cast.start(&one).await;
        cast.speak(&other).await;
        cast.compare(&one).await;
    })
    .await;
    cast.check_world(&place, true);
}
