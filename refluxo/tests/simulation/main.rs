//! Ten thousand worlds in which everything goes wrong that can, and the wrong protocols, each of which some world catches.
//!
//! `REFLUXO_SEED=17` has one world alone simulated, `REFLUXO_SEEDS=100000` more of them.
#![cfg(feature = "testing")]

mod load;
#[path = "../store_mutations/mutant.rs"]
#[expect(dead_code, reason = "some of them only a batch shows, or a purge, or another version")]
mod mutant;
#[path = "../support/mod.rs"]
mod support;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use mutant::{Mutant, Wrong};
use refluxo::{
    engine::Starting,
    snapshot::RunStatus,
    testing::{Chance, Scene, Simulated, Simulation, TestBuilder, TestEngine, simulate_each},
};
use serde_json::json;
use support::{
    script::{Script, Told, expected::expected, script},
    world::World,
};

/// Runs of scripts, with somebody who talks to them and with operators.
fn scripts() -> Simulation<Script> {
    simulate_each(|chance| script(load::script(chance)))
        .world(world)
        .script(talk)
        .orders()
        .holds(words_are_heard_once)
        .holds(only_what_ends_badly_is_undone)
}

fn world() -> TestBuilder {
    TestEngine::builder().provide(World::new())
}

/// Says words to whoever lives, until all have ended.
async fn talk(scene: Scene<Script>) {
    for said in 0..200 {
        tokio::time::sleep(scene.chance.up_to(Duration::from_secs(8))).await;
        let living = scene.living();
        if living.is_empty() {
            return;
        }
        let to = scene.chance.one_of(&living).clone();
        let word = json!(format!("<{} {said}>", scene.run.id()));
        // It may have ended by now.
        drop(scene.engine.signal_json(to, "Word", &word).await);
    }
}

/// Words that were said once are heard once, by whomever. Copies of runs have heard what those had heard.
fn words_are_heard_once(world: &Simulated) {
    let mut heard = BTreeSet::new();
    let is_copy = |id: &str| id.starts_with("copy");
    let roots = world.runs.iter().filter(|(id, run)| run.parent.is_none() && !is_copy(id));
    for (id, output) in roots.filter_map(|(id, run)| Some((id, run.output.as_ref()?.get()))) {
        for word in output.split('<').skip(1).filter_map(|rest| rest.split_once('>')) {
            assert!(heard.insert(word.0.to_owned()), "<{}> is heard a second time, by {id}", word.0);
        }
    }
}

/// What was done is undone where a run failed or was cancelled, and only there.
fn only_what_ends_badly_is_undone(world: &Simulated) {
    for call in &world.recording.calls {
        let run = &world.runs[&call.run];
        let undoes = call.arguments["text"].as_str().is_some_and(|text| text.starts_with("undo"));
        // A script that undoes something is a run of its own.
        assert!(!undoes || run.parent.is_some() || run.status != RunStatus::Completed, "{call:?}");
    }
}

/// Each run gives what its script says.
fn all_give_what_is_expected(world: &Simulated) {
    for (id, run) in world.runs.iter().filter(|(_, run)| run.parent.is_none()) {
        let mut steps = world.recording.calls.iter().filter(|call| call.run == **id);
        let first =
            steps.next().expect("there is a first step").arguments["text"].as_str().map(str::to_owned);
        let lines = load::of_first_step(&first.expect("it has a text")).expect("it tells the seed");
        let told: Told =
            serde_json::from_str(run.output.as_ref().expect("it ended").get()).expect("it is told");
        assert_eq!(told, expected(&lines, &mut std::iter::empty()), "{id}");
    }
}

/// A number from the environment.
fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[tokio::test]
async fn every_run_ends_in_every_world() {
    let report = scripts().seeds(0..variable("REFLUXO_SEEDS").unwrap_or(10_000)).await;
    println!("{report:?}");
}

#[tokio::test]
async fn what_happens_in_between_changes_no_result() {
    let worlds = simulate_each(|chance| script(load::plain_script(chance))).world(world);
    worlds.holds(all_give_what_is_expected).seeds(0..variable("REFLUXO_SEEDS").unwrap_or(10_000) / 10).await;
}

/// With limits of one key and of all runs, urgent ones among them.
#[tokio::test]
async fn no_run_is_forgotten_that_waits_for_its_turn() {
    let limited =
        || world().with(|builder| builder.limit_of::<Script>(2).limit_per_key_of::<Script>(1).concurrency(3));
    let keyed = |starting: Starting<Script>, chance: &Chance| {
        starting.key(format!("key-{}", chance.number(0..2))).priority(i8::from(chance.once_in(2)))
    };
    let worlds = scripts().world(limited).starting(keyed).runs(6);
    worlds.seeds(0..variable("REFLUXO_SEEDS").unwrap_or(10_000) / 10).await;
}

/// With a rate, and with limits beside it.
#[tokio::test]
async fn no_run_is_forgotten_that_waits_until_it_may_begin() {
    let paced = || {
        world().with(|builder| {
            let builder = builder.rate_limit_of::<Script>(2, Duration::from_secs(3));
            builder.limit_of::<Script>(2).limit_per_key_of::<Script>(1).concurrency(3)
        })
    };
    let keyed = |starting: Starting<Script>, chance: &Chance| {
        starting.key(format!("key-{}", chance.number(0..2))).priority(i8::from(chance.once_in(2)))
    };
    let worlds = scripts().world(paced).starting(keyed).runs(6);
    worlds.seeds(0..variable("REFLUXO_SEEDS").unwrap_or(10_000) / 10).await;
}

/// Wrong protocols, and what the oracle says of a world that has one.
const CAUGHT: &[(Wrong, &str)] = &[
    (Wrong::NoDoorbell, "messages count as seen"),
    (Wrong::CounterAsSeen, "messages count as seen"),
    (Wrong::RowInInbox, "messages count as seen"),
    (Wrong::MessagesFence, "the holder's commit is lost"),
    (Wrong::CounterAsToken, "lent twice under one token"),
    (Wrong::TokenAlone, "the holder's commit is lost"),
    (Wrong::StaleTokenResurrected, "whose author has lost the run"),
    (Wrong::LateCommitLost, "the holder's commit is lost"),
    (Wrong::ResentIsLost, "the holder's commit is lost"),
    (Wrong::ResentIsAppliedAgain, "the holder's commit is lost"),
    (Wrong::LoserHasEffects, "are applied, and it was lost"),
    (Wrong::EffectsLost, "neither done nor owed"),
    (Wrong::EffectsPerSending, "are applied, and it was lost"),
    (Wrong::OwedForgotten, "has ended and owes"),
    (Wrong::NothingUsedUp, "was used up and is still there"),
    (Wrong::KeysForgotten, "a second time"),
    (Wrong::KeysIgnored, "the store answers a message"),
    (Wrong::ClocksCompared, "while another worker holds it"),
];

/// In how many worlds each of them has to be caught.
const WORLDS: u64 = 500;

fn with(wrong: Wrong) -> Simulation<Script> {
    scripts().store(move |builder, clock| {
        let (memory, mutant) = Mutant::new(wrong, builder, clock);
        (memory, Arc::new(mutant))
    })
}

#[tokio::test]
async fn every_wrong_protocol_is_caught() {
    let mut missed = Vec::new();
    for (wrong, words) in CAUGHT {
        match with(*wrong).seeds(0..WORLDS).find().await {
            Ok(report) => missed.push(format!("{wrong:?} passes: {report:?}")),
            Err(failure) if failure.violated.contains(words) => {
                println!("{wrong:?}: {} {}", failure.seed, failure.violated);
            }
            Err(failure) => {
                missed.push(format!("{wrong:?} otherwise: {} {}", failure.seed, failure.violated));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[tokio::test]
async fn the_wrapper_without_a_mutation_passes() {
    with(Wrong::Nothing).seeds(0..100).await;
}

#[tokio::test]
async fn a_seed_has_the_same_world_each_time() {
    let events = |seed: u64| async move {
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = told.clone();
        scripts().holds(move |world| *tell.lock().unwrap() = world.events()).seeds(seed..seed + 1).await;
        let told = told.lock().unwrap();
        assert!(!told.is_empty());
        told.clone()
    };
    for seed in 0..30 {
        let (first, second) = (events(seed).await, events(seed).await);
        assert_eq!(first, second, "{seed}");
    }
}
