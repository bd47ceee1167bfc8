//! From the start of an engine on a file to the start of a run's next step, for runs with few and with many finished steps.
//!
//! Twice: in one process, from before the file is opened, and of a whole process, from before it is spawned to after it has
//! ended, which it does when the step starts. The files are taken in turns; printed are medians.

#[path = "support/cpu.rs"]
mod cpu;

use std::{
    future::pending,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use cpu::Who;
use refluxo::prelude::*;
use tokio::{runtime::Runtime, sync::Notify};

/// How often each file is taken up.
const ROUNDS: usize = 20;

/// How many steps are finished in the two files.
const FINISHED: [u64; 2] = [10, 10_000];

/// Tells this bench's own processes which file to take up.
const FILE: &str = "REFLUXO_BENCH_RESUME";

/// Told when the step begins that does not end.
#[derive(Clone, Default)]
struct Gate(Arc<Notify>);

/// Ends at once, but for the last number.
#[step]
async fn tick(#[inject] gate: &Gate, number: u64, last: u64) -> u64 {
    if number == last {
        gate.0.notify_one();
        pending::<()>().await;
    }
    number
}

#[workflow]
async fn many_steps(finished: u64) -> u64 {
    let mut sum = 0;
    for number in 0..=finished {
        sum += tick(number, finished).await;
    }
    sum
}

/// An engine on a file, and its gate.
async fn engine(path: &Path) -> (Engine, Gate) {
    let gate = Gate::default();
    let store = SqliteStore::open(path).await.expect("the file opens");
    let builder = Engine::builder(store).register::<ManySteps>().provide(gate.clone());
    (builder.poison_limit(u32::MAX).build().await.expect("an engine"), gate)
}

/// Makes a file with a run that has so many finished steps.
async fn prepare(path: &Path, finished: u64) {
    let (engine, gate) = engine(path).await;
    engine.start("order-42", many_steps(finished)).await.expect("the run starts");
    gate.0.notified().await;
}

/// Takes the run up, until its next step has begun.
fn resume(path: &Path) {
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let (_engine, gate) = engine(path).await;
        gate.0.notified().await;
    });
}

/// The same in a process of its own.
fn resume_in_process(path: &Path) {
    let bench = std::env::current_exe().expect("this bench's path");
    let status = Command::new(bench).env(FILE, path).status().expect("the process runs");
    assert!(status.success());
}

fn report(how: &str, files: &[PathBuf; 2], resume: fn(&Path)) {
    let times = cpu::in_turns(Who::Process, ROUNDS, [&mut || resume(&files[0]), &mut || resume(&files[1])]);
    for (finished, spent) in FINISHED.iter().zip(times) {
        println!("{how}, {finished} finished steps: {:.2} ms", spent.wall * 1e3);
    }
}

fn main() {
    if let Some(path) = std::env::var_os(FILE) {
        return resume(Path::new(&path));
    }
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let files = FINISHED.map(|finished| folder.path().join(format!("{finished}.db")));
    for (finished, path) in FINISHED.into_iter().zip(&files) {
        Runtime::new().expect("a runtime").block_on(prepare(path, finished));
    }
    report("in one process", &files, resume);
    report("whole process", &files, resume_in_process);
}
