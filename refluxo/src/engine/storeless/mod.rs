//! Without a store: the caller keeps the snapshot and hands it in for each step.
//!
//! It is the same core as with a store, one turn at a time; what would be committed becomes the next snapshot.

mod children;
mod deliver;
mod document;
mod error;

use std::{fmt, sync::Arc};

pub use error::{AdvanceError, DeliverError};

use self::document::{newborn, of_snapshot, to_snapshot};
use super::{
    AnyMachine, BuildError, Registry,
    turn::{Turn, turn, unreadable},
};
use crate::{
    core::{Event, Life, Next, Origin, Run, birth},
    machine::Machine,
    snapshot::{ParkReason, Snapshot, StateReader, WaitingFor},
    store::{Effect, RunId, Start, Uid},
    suspend::Resources,
    time::{Clock, SystemClock},
};

/// Runs workflows one step at a time on snapshots that the caller keeps: in a serverless function, a queue, a test.
///
/// Made by [`Engine::storeless`](super::Engine::storeless). A snapshot that was advanced stays valid: to advance it again
/// performs the same call under the same idempotency key. So steps are at least once here too, and it is the caller who sees
/// to it that one snapshot is not advanced in two places at once.
///
/// A child has no other place than its parent's snapshot: it is kept in [`Snapshot::children`] and advanced with its parent,
/// one step each time.
#[derive(Clone)]
pub struct Storeless {
    registry: Arc<Registry>,
    resources: Arc<Resources>,
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
    /// If a step lacks a resource, or two workflows share a name; all of them are listed.
    pub fn build(self) -> Result<Storeless, BuildError> {
        self.registry.check(&self.resources)?;
        Ok(Storeless {
            registry: Arc::new(self.registry),
            resources: Arc::new(self.resources),
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
        let origin = Origin { id: id.clone(), uid: Uid::random(), root: id.clone(), parent: None };
        let (_, new_run) =
            birth(origin, workflow, Start::Now).map_err(|cause| AdvanceError::Arguments { id, cause })?;
        Ok(newborn(new_run, self.clock.now())?)
    }

    /// Performs what the run does next, runs its code to the next await, and gives the snapshot to be kept in place of the
    /// old one.
    ///
    /// A panic, or a state that can't be saved, gives a parked snapshot that says why; after the cause is mended, advance
    /// the one before it again. A run that waits for its child advances the child.
    ///
    /// # Errors
    ///
    /// If there is nothing to be done now: the run waits for a time or a message, is parked or over. If the snapshot can't
    /// be read.
    ///
    /// # Cancel safety
    ///
    /// The step is dropped wherever it is, and the old snapshot is still the one to be kept.
    pub async fn advance(&self, snapshot: &Snapshot) -> Result<Snapshot, AdvanceError> {
        let run = of_snapshot(snapshot)?;
        let next = run.next(self.clock.now());
        match next {
            Next::Rest(_) => match waiting(snapshot, &run)? {
                Some(child) => Box::pin(self.advance_child(snapshot, child)).await,
                None => Err(AdvanceError::waits(snapshot, &run.life)),
            },
            Next::Start | Next::Step | Next::Timer | Next::Signal(_) | Next::Child(_) => {
                let turn = match self.machine(snapshot)? {
                    Ok(machine) => turn(&run, machine, next, &self.resources, || self.clock.now()).await,
                    Err(reason) => Turn::Stuck(reason),
                };
                self.apply(snapshot, run, turn.event())
            }
        }
    }

    /// The machine of a snapshot, or why the run can't go on.
    fn machine(&self, snapshot: &Snapshot) -> Result<Result<Box<dyn AnyMachine>, ParkReason>, AdvanceError> {
        let Some(kind) = self.registry.kind(&snapshot.workflow) else {
            return Err(AdvanceError::NotRegistered {
                id: snapshot.id.clone(),
                workflow: snapshot.workflow.clone(),
            });
        };
        if kind.version != snapshot.version {
            return Ok(Err(ParkReason::OlderVersion { found: snapshot.version, known: kind.version }));
        }
        let machine = StateReader::new(&snapshot.at, snapshot.state.get().as_bytes(), [])
            .and_then(|reader| kind.decode(&snapshot.at, reader));
        Ok(machine.map_err(|error| unreadable(&error)))
    }

    /// The snapshot after an event.
    fn apply(&self, before: &Snapshot, run: Run, event: Event<'_>) -> Result<Snapshot, AdvanceError> {
        let now = self.clock.now();
        let (run, plan) = run
            .apply(event, now)
            .map_err(|defect| AdvanceError::Defect { id: before.id.clone(), message: defect.to_string() })?;
        let (plan, effect) = plan.split_effect();
        let mut after = to_snapshot(before, &run, plan, now)?;
        match effect {
            Some(Effect::Start(child)) => after.children.push(self.adopt(*child)?),
            // A child's end goes from child to parent where both are at hand: see `advance_child`.
            Some(Effect::Deliver(_)) | None => {}
        }
        Ok(after)
    }
}

/// The place of the child that a run waits for.
fn waiting(snapshot: &Snapshot, run: &Run) -> Result<Option<usize>, AdvanceError> {
    let Life::At { call, .. } = &run.life else { return Ok(None) };
    let WaitingFor::Child { id } = &call.waiting_for else { return Ok(None) };
    match snapshot.children.iter().position(|child| child.id == *id) {
        Some(place) => Ok(Some(place)),
        None => Err(AdvanceError::NoChild { id: snapshot.id.clone(), child: id.clone() }),
    }
}

impl fmt::Debug for Storeless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storeless").field("registry", &self.registry).finish_non_exhaustive()
    }
}
