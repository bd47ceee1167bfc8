//! One world after another, on several threads.

use std::{
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use tokio::{runtime, sync::mpsc};

use super::{Plan, Simulated, SimulationFailure, SimulationReport, air::Air, ear::Ear, world::World};
use crate::{engine::words, machine::Machine};

/// How many of the last things that happened are shown of a world that fails.
const SHOWN: usize = 60;

/// What came of one world.
type End = Result<Simulated, SimulationFailure>;

/// Simulates the worlds of these seeds. One that fails ends it; of several that fail, that of the lowest seed is told, however
/// the threads ran.
pub(super) async fn simulate<W: Machine>(
    plan: Plan<W>,
    seeds: Range<u64>,
    threads: usize,
) -> Result<SimulationReport, SimulationFailure> {
    let (tell, mut told) = mpsc::unbounded_channel();
    let (plan, next) = (Arc::new(plan), Arc::new(AtomicU64::new(seeds.start)));
    for _ in 0..threads {
        let (plan, next, tell) = (plan.clone(), next.clone(), tell.clone());
        thread::spawn(move || {
            // Where nobody listens any more, another world has failed, or this future was dropped.
            while !tell.is_closed() {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds.end || tell.send(world(&plan, seed)).is_err() {
                    return;
                }
            }
        });
    }
    drop(tell);
    let (mut report, mut failure) = (SimulationReport::default(), None::<SimulationFailure>);
    while let Some(end) = told.recv().await {
        match end {
            Ok(Simulated { runs, operations, .. }) => {
                report.seeds += 1;
                report.runs += runs.len() as u64;
                report.operations += operations;
            }
            Err(failed) => {
                // Those of lower seeds have begun, and no other needs to.
                next.store(seeds.end, Ordering::Relaxed);
                if failure.as_ref().is_none_or(|lowest| failed.seed < lowest.seed) {
                    failure = Some(failed);
                }
            }
        }
    }
    failure.map_or(Ok(report), Err)
}

/// Simulates one world.
fn world<W: Machine>(plan: &Arc<Plan<W>>, seed: u64) -> End {
    let air: Mutex<Option<Arc<Air>>> = Mutex::default();
    let keep = |made: &Arc<Air>| *air.lock().unwrap_or_else(PoisonError::into_inner) = Some(made.clone());
    let lived = catch_unwind(AssertUnwindSafe(|| {
        let runtime = runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.map_err(|error| format!("there is no runtime: {error}"))?;
        let simulated = runtime.block_on(async {
            let world = World::begin(plan.clone(), seed).await;
            keep(&world.air);
            let _ear = tracing::subscriber::set_default(Ear(world.air.clone()));
            world.live().await
        })?;
        plan.holds.iter().for_each(|holds| holds(&simulated));
        Ok(simulated)
    }));
    let violated = match lived {
        Ok(Ok(simulated)) => return Ok(simulated),
        Ok(Err(violated)) => violated,
        Err(panic) => words(&*panic),
    };
    let air = air.into_inner().unwrap_or_else(PoisonError::into_inner);
    let events = air.as_ref().map(|air| air.oracle.events.last(SHOWN)).unwrap_or_default();
    let weather = air.map(|air| air.weather.to_string()).unwrap_or_default();
    Err(SimulationFailure { seed, weather, violated, events })
}
