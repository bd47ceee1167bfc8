//! Runs that are over are removed by themselves, some time after their end.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::purge::{BATCH, purge, tell};
use crate::{
    core::VerbLetter,
    engine::{registry::Registry, shared::Shared},
    store::{Filter, Status, StoreError, Uid},
};

/// How long the store has for others between two batches.
const BETWEEN_BATCHES: Duration = Duration::from_millis(50);

/// How long runs are kept after their end: set with [`EngineBuilder::retain`](crate::engine::EngineBuilder::retain).
///
/// A run is removed with its history some time after it has been over for so long, as [`Purging`](super::Purging) says; one whose
/// awaited children live stays until they have ended. As long as a run is kept, a start under its id gives that run.
///
/// Each engine looks for such runs [now and then](crate::engine::EngineBuilder::purge_every), among those of the workflows that it
/// has registered, and removes them in small batches. That several engines on one store do so does no harm. While an engine is
/// idle, its look takes the place of one of those that it has for due runs, so it still reads the tables once in 30 seconds
/// at most.
///
/// ```
/// # use refluxo::prelude::*;
/// use std::time::Duration;
/// use refluxo::engine::Retention;
///
/// # #[workflow]
/// # async fn checkout() -> u8 { 0 }
/// # #[workflow]
/// # async fn ping() -> u8 { 0 }
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// const DAY: Duration = Duration::from_hours(24);
///
/// let engine = Engine::builder(MemoryStore::new())
///     .register::<Checkout>()
///     .register::<Ping>()
///     // Those that failed are kept for a year, for somebody to look at.
///     .retain(Retention::of(30 * DAY).failed(365 * DAY))
///     .retain_of::<Ping>(Retention::of(DAY))
///     .build()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    completed: Option<Duration>,
    failed: Option<Duration>,
    cancelled: Option<Duration>,
}

impl Retention {
    /// All that is kept, until somebody purges it.
    pub const FOREVER: Self = Self { completed: None, failed: None, cancelled: None };

    /// Keeps runs for so long after their end, however they ended.
    #[must_use]
    pub const fn of(time: Duration) -> Self {
        Self { completed: Some(time), failed: Some(time), cancelled: Some(time) }
    }

    /// Keeps those that completed for so long.
    #[must_use]
    pub const fn completed(self, time: Duration) -> Self {
        Self { completed: Some(time), ..self }
    }

    /// Keeps those that failed for so long.
    #[must_use]
    pub const fn failed(self, time: Duration) -> Self {
        Self { failed: Some(time), ..self }
    }

    /// Keeps those that were cancelled for so long.
    #[must_use]
    pub const fn cancelled(self, time: Duration) -> Self {
        Self { cancelled: Some(time), ..self }
    }

    /// How long, by how a run ended; those that are kept for ever are left out.
    fn times(self) -> impl Iterator<Item = (Duration, Status)> {
        let Self { completed, failed, cancelled } = self;
        let times =
            [(completed, Status::Completed), (failed, Status::Failed), (cancelled, Status::Cancelled)];
        times.into_iter().filter_map(|(time, status)| Some((time?, status)))
    }
}

/// How long the runs of each workflow are kept.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Rules {
    /// Those of all workflows that are not named.
    pub(in crate::engine) others: Option<Retention>,
    /// Those of these workflows.
    pub(in crate::engine) named: BTreeMap<String, Retention>,
}

/// Runs that are kept for the same time.
#[derive(Debug, PartialEq, Eq)]
struct Rule {
    time: Duration,
    statuses: Vec<Status>,
    workflows: Vec<String>,
}

impl Rules {
    /// The rules for the workflows of an engine: one for all that can be asked for at once.
    fn of(&self, registry: &Registry) -> Vec<Rule> {
        let mut alike = BTreeMap::<(Duration, Vec<Status>), Vec<String>>::new();
        for (workflow, _) in registry.kinds() {
            let Some(retention) = self.named.get(workflow).copied().or(self.others) else { continue };
            let mut times = BTreeMap::<Duration, Vec<Status>>::new();
            for (time, status) in retention.times() {
                times.entry(time).or_default().push(status);
            }
            for same in times {
                alike.entry(same).or_default().push(workflow.to_owned());
            }
        }
        let rule = |((time, statuses), workflows)| Rule { time, statuses, workflows };
        alike.into_iter().map(rule).collect()
    }
}

/// Looks again and again for runs that are kept no longer, if there are rules.
pub(in crate::engine) async fn retain(shared: Arc<Shared>, rules: Rules) {
    let rules = rules.of(&shared.registry);
    if rules.is_empty() {
        return;
    }
    let every = shared.settings.purge_every;
    // An engine that never lives for long looks, too.
    tokio::time::sleep(about(every / 10)).await;
    loop {
        for rule in &rules {
            shared.lull.wait(shared.settings.idle * 2).await;
            if let Err(error) = rule.enforce(&shared).await {
                tracing::warn!(%error, "runs that are kept no longer were not removed; it is tried again later");
            }
        }
        tokio::time::sleep(about(every)).await;
    }
}

impl Rule {
    /// Removes those whose time is over.
    async fn enforce(&self, shared: &Shared) -> Result<(), StoreError> {
        let before = shared.asked_now().await?.saturating_sub(self.time);
        let filter = Filter {
            queues: self.workflows.clone(),
            statuses: self.statuses.clone(),
            ended_before: Some(before),
            ..Filter::default()
        };
        let mut removed = 0;
        loop {
            match purge(shared, &filter, BATCH).await? {
                0 => break,
                some => removed += u64::from(some),
            }
            tokio::time::sleep(BETWEEN_BATCHES).await;
        }
        if removed > 0 {
            tell(&VerbLetter::default().by("retention"), &filter, removed);
        }
        Ok(())
    }
}

/// A time that is up to a quarter shorter or longer, so that engines that were started together don't all look at once.
fn about(time: Duration) -> Duration {
    let [low, high, ..] = Uid::random().as_u128().to_le_bytes();
    time.mul_f64(0.75 + f64::from(u16::from_le_bytes([low, high])) / f64::from(u16::MAX) / 2.0)
}
