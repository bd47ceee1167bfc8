//! A crash before and after each commit.

use std::{fmt, future::IntoFuture, sync::Arc, time::Duration};

use futures_util::{
    FutureExt,
    future::{FusedFuture, LocalBoxFuture},
};

use super::{
    TestBuilder, TestEngine,
    breaking::{Breaking, Crash, Side},
    trace::Trace,
};
use crate::{
    engine::{Engine, Run},
    machine::Machine,
};

/// The id of the run.
const ID: &str = "run";

/// Runs a workflow over and over, each time with a crash of its worker before or after another one of its commits, and compares
/// each run with one that nothing disturbed.
///
/// Every run must have the same end and the same calls with the same arguments, and a call whose outcome is stored must not be made
/// again. What may differ is how often a call was made whose outcome was not stored: steps are at least once, and
/// [`CrashReport::repeated`] tells which were repeated, under the same idempotency key.
///
/// A workflow whose calls depend on real time, on randomness or on which of two branches is faster differs by itself.
///
/// # Panics
///
/// If a run differs: the message names the commit and shows both runs.
pub fn crash_everywhere<W: Machine>(workflow: impl Fn() -> W + 'static) -> CrashEverywhere<W> {
    CrashEverywhere {
        workflow: Box::new(workflow),
        world: Box::new(TestEngine::builder),
        script: Box::new(|_engine, _run| Box::pin(std::future::ready(()))),
    }
}

/// A workflow that is to crash everywhere, once this is awaited: see [`crash_everywhere`].
#[must_use = "nothing crashes unless this is awaited"]
pub struct CrashEverywhere<W> {
    workflow: Box<dyn Fn() -> W>,
    world: Box<dyn Fn() -> TestBuilder>,
    script: Box<dyn Fn(Engine, Run<W>) -> LocalBoxFuture<'static, ()>>,
}

/// What came of the crashes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CrashReport {
    /// How many commits an undisturbed run has.
    pub commits: usize,
    /// How many runs were crashed: two for each commit.
    pub crashes: usize,
    /// The names of the steps that were run again after some crash.
    pub repeated: Vec<&'static str>,
}

impl<W: Machine> CrashEverywhere<W> {
    /// Makes the world of each run: resources, mocks and faults. The workflow is registered in any case.
    pub fn world(self, world: impl Fn() -> TestBuilder + 'static) -> Self {
        Self { world: Box::new(world), ..self }
    }

    /// Does this beside each run: sends signals, cancels, and sleeps in between by `tokio::time::sleep`. It survives the crashes,
    /// as another process does: the engine that it gets knows no workflow.
    pub fn script<F>(self, script: impl Fn(Engine, Run<W>) -> F + 'static) -> Self
    where
        F: Future<Output = ()> + 'static,
    {
        Self { script: Box::new(move |engine, run| Box::pin(script(engine, run))), ..self }
    }

    /// Crashes everywhere.
    async fn crash(self) -> CrashReport {
        let undisturbed = self.trace(None).await;
        let commits = undisturbed.commits();
        let mut repeated = Vec::new();
        for number in 0..commits {
            for side in [Side::Before, Side::After] {
                let crashed = self.trace(Some(Crash { number, side })).await;
                if let Err(difference) = undisturbed.compare(&crashed) {
                    let workflow = W::NAME;
                    panic!(
                        "`{workflow}` differs when its worker crashes {side} commit {number} of {commits}: {difference}\n\
                         undisturbed:\n{undisturbed}\ncrashed:\n{crashed}"
                    );
                }
                repeated.extend(crashed.repeated());
            }
        }
        repeated.sort_unstable();
        repeated.dedup();
        CrashReport { commits, crashes: 2 * commits, repeated }
    }

    /// Runs the workflow to its end, with a crash at one commit or none.
    async fn trace(&self, crash: Option<Crash>) -> Trace {
        let world = Arc::new((self.world)().register::<W>().world());
        let store = Breaking::new(world.store().clone(), world.recorder().clone());
        let (mut line, mut broken) = store.connect(crash);
        let mut engine = world.clone().engine(line).await;
        surely(engine.start(ID, (self.workflow)()).await);
        let client = world.client().await;
        let run = surely(client.run(ID).await);
        let mut script = (self.script)(client, run).fuse();
        loop {
            tokio::select! {
                () = over::<W>(&engine, &mut script) => break,
                () = &mut broken => {}
            }
            (line, broken) = store.connect(None);
            engine = engine.crash_and_begin_on(line).await;
        }
        let snapshot = surely(engine.snapshot(ID).await);
        Trace::new(snapshot, engine.recorded().calls, store.stored())
    }
}

/// Waits until the script and the run are over.
async fn over<W: Machine>(engine: &TestEngine, script: &mut (impl FusedFuture<Output = ()> + Unpin)) {
    let run = surely(engine.run::<W>(ID).await);
    if !script.is_terminated() {
        script.await;
    }
    // What the script did last, such as the retry of a parked run, is done before time passes.
    engine.advance(Duration::from_millis(1)).await;
    // A run that is parked or cancelled is over, too.
    let _ = engine.end_of(&run).await;
}

/// What can only fail where the test itself is wrong.
fn surely<T, E: fmt::Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

impl<W: Machine> IntoFuture for CrashEverywhere<W> {
    type Output = CrashReport;
    type IntoFuture = LocalBoxFuture<'static, CrashReport>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.crash())
    }
}

impl<W: Machine> fmt::Debug for CrashEverywhere<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CrashEverywhere").field("workflow", &W::NAME).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    #[step]
    async fn number(n: u32) -> u32 {
        n
    }

    #[workflow]
    async fn adds() -> u32 {
        number(1).await + number(2).await
    }

    #[tokio::test(start_paused = true)]
    async fn the_settled_calls_are_those_whose_outcomes_are_in_commits() {
        let trace = crash_everywhere(adds).trace(None).await;
        // The first is the start, which is no step.
        assert_eq!(trace.settled().skip(1).collect::<Vec<_>>(), trace.attempts().collect::<Vec<_>>());
    }
}
