//! Without a store: the caller keeps the snapshot and hands it in for each step.
//!
//! It is the same core as with a store, one turn at a time; what would be committed becomes the next snapshot.

mod children;
mod deliver;
mod document;
mod error;
mod fork;
mod perform;
mod verbs;

use std::{fmt, sync::Arc};

pub use error::{AdvanceError, CopyError, DeliverError};
pub use verbs::Orders;

use self::document::{newborn, of_snapshot, to_snapshot};
use super::{BuildError, Registry, registry::Transactions, steps::Workshop, telling::Spans, turn::Turn};
use crate::{
    core::{Next, Origin, Run, birth},
    machine::Machine,
    observer::Audience,
    snapshot::Snapshot,
    store::{RunId, Start, Uid},
    suspend::Resources,
    time::{Clock, SystemClock},
};

/// Runs workflows one step at a time on snapshots that the caller keeps: in a serverless function, a queue, a test.
///
/// Made by [`Engine::storeless`](super::Engine::storeless). A snapshot that was advanced stays valid: to advance it again
/// performs the same call under the same idempotency key. So steps are at least once here too, and it is the caller who sees
/// to it that one snapshot is not advanced in two places at once.
///
/// Branches of a join take turns: each time the first step in the order of the source that can be run is run, so of a
/// `select!` of steps it is the first one that wins. A step that failed and is tried again waits for its time in the snapshot, as a timer
/// does.
///
/// A child has no other place than its parent's snapshot: it is kept in [`Snapshot::children`] and advanced with its parent,
/// one step each time, when the parent has nothing to do itself. A run that was spawned is handed out in [`Snapshot::spawned`].
#[derive(Clone)]
pub struct Storeless {
    registry: Arc<Registry>,
    workshop: Arc<Workshop>,
    clock: Arc<dyn Clock>,
}

/// Puts a [`Storeless`] together.
#[must_use = "a storeless engine begins with `build()`"]
pub struct StorelessBuilder {
    registry: Registry,
    resources: Resources,
    clock: Arc<dyn Clock>,
}

impl StorelessBuilder {
    /// A builder that knows nothing.
    pub(super) fn new() -> Self {
        Self { registry: Registry::default(), resources: Resources::default(), clock: Arc::new(SystemClock) }
    }

    /// Adds a workflow, and those that it awaits as children.
    pub fn register<W: Machine>(mut self) -> Self {
        self.registry.add::<W>();
        self
    }

    /// Provides the resource of its type to the steps that take it by `#[inject]`; the last one of a type counts.
    pub fn provide<R: Send + Sync + 'static>(mut self, resource: R) -> Self {
        self.resources.insert(resource);
        self
    }

    /// Takes the time from `clock`; without it, from the wall clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The engine.
    ///
    /// # Errors
    ///
    /// If a step lacks a resource or writes in a store's transaction, or two workflows share a name; all of them are listed.
    pub fn build(self) -> Result<Storeless, BuildError> {
        self.registry
            .check(&self.resources, Transactions { store: "an engine without a store", has: None })?;
        Ok(Storeless {
            registry: Arc::new(self.registry),
            workshop: Arc::new(Workshop::new(self.resources, Audience::default(), Spans::default())),
            clock: self.clock,
        })
    }
}

impl Storeless {
    /// The first snapshot of a run: nothing has run yet.
    ///
    /// # Errors
    ///
    /// If the id is not one, or the arguments can't be saved.
    pub fn first<W: Machine>(&self, id: impl AsRef<str>, workflow: &W) -> Result<Snapshot, AdvanceError> {
        let id = RunId::new(id.as_ref())?;
        let origin = Origin::of(id.clone(), Uid::random());
        let (_, new_run) =
            birth(origin, workflow, Start::Now).map_err(|cause| AdvanceError::Arguments { id, cause })?;
        Ok(newborn(new_run, self.clock.now())?)
    }

    /// Performs what the run does next, runs its code to the next await, and gives the snapshot to be kept in place of the
    /// old one.
    ///
    /// A panic, or a state that can't be saved, gives a parked snapshot that says why; after the cause is mended, advance
    /// the one before it again, or have it [retried](Self::retry). A run that waits for its child advances the child.
    ///
    /// # Errors
    ///
    /// If there is nothing to be done now: the run waits for a time or a message, is paused, parked or over. If the snapshot
    /// can't be read.
    ///
    /// # Cancel safety
    ///
    /// The step is dropped wherever it is, and the old snapshot is still the one to be kept.
    pub async fn advance(&self, snapshot: &Snapshot) -> Result<Snapshot, AdvanceError> {
        let run = of_snapshot(snapshot)?;
        match run.next(self.clock.now()) {
            Next::Act(tasks) => {
                let turn = self.perform(snapshot, &run, tasks).await?;
                self.apply(snapshot, run, &turn)
            }
            Next::Rest(due) => Box::pin(self.advance_children(snapshot, &run, due)).await,
        }
    }

    /// The snapshot after a turn.
    fn apply(&self, before: &Snapshot, run: Run, turn: &Turn) -> Result<Snapshot, AdvanceError> {
        let now = self.clock.now();
        let (run, mut plan) = run
            .apply(turn.event(), now)
            .map_err(|defect| AdvanceError::Defect { id: before.id.clone(), message: defect.to_string() })?;
        let effects = std::mem::take(&mut plan.effects);
        let mut after = to_snapshot(before, &run, plan, now)?;
        for effect in effects {
            self.carry_out(&mut after, effect)?;
        }
        Ok(after)
    }
}

impl fmt::Debug for Storeless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storeless").field("registry", &self.registry).finish_non_exhaustive()
    }
}
