//! Random programs, run as plain async code and as durable machines: same output, same calls. Every third one does several things
//! at once, and is run in virtual time.
//!
//! `REFLUXO_PROGRAMS=2000` runs more of them, `REFLUXO_FIRST_SEED=5000` others, and `REFLUXO_SEED=17` only that one, which
//! is printed too.

mod generate;
mod project;

use std::env;

use generate::{Program, program};

/// How many programs are run unless one is asked for.
const PROGRAMS: u64 = 300;

/// How many are compiled as one crate.
const PER_CRATE: usize = 50;

#[test]
fn random_programs_behave_the_same_both_ways() {
    let programs: Vec<Program> = seeds().into_iter().map(program).collect();
    println!("seeds {} to {}", programs[0].seed, programs[programs.len() - 1].seed);
    if let [only] = programs.as_slice() {
        println!("{}", only.source);
    }
    let project = project::write(&programs, PER_CRATE);
    let failures = project.run();
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn a_seed_always_gives_the_same_program() {
    for seed in 0..50 {
        assert_eq!(program(seed).source, program(seed).source);
    }
}

/// The seeds that the environment asks for.
fn seeds() -> Vec<u64> {
    if let Some(only) = variable("REFLUXO_SEED") {
        return vec![only];
    }
    let first = variable("REFLUXO_FIRST_SEED").unwrap_or(0);
    (first..first + variable("REFLUXO_PROGRAMS").unwrap_or(PROGRAMS).max(1)).collect()
}

fn variable(name: &str) -> Option<u64> {
    let value = env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is a number, not {value:?}")))
}
