//! One turn of a run on its snapshot.

use super::{AdvanceError, Storeless};
use crate::{
    core::{Calls, Life, Ready, Run, Task},
    engine::{
        machines::{Stored, kind, undo_tree},
        reason::{contradiction, unreadable},
        registry::Kind,
        steps::{Attempt, attempt_by},
        tree::{Arrival, Tree},
        turn::{Turn, came_of, context, what_came},
        undo::{undo_attempted, undo_call, undone},
    },
    snapshot::{ParkReason, Path, Snapshot, parts::UndoEntry},
    suspend::{StepContext, StepTask},
    time::Timestamp,
};

/// Why a turn leads nowhere, and whose call that is about.
type Stuck = (Path, ParkReason);

impl Storeless {
    /// Performs what a run does next: all that ends at once, or else the first step.
    pub(super) async fn perform(
        &self,
        snapshot: &Snapshot,
        run: &Run,
        tasks: Vec<Task>,
    ) -> Result<Turn, AdvanceError> {
        if self.registry.kind(&snapshot.workflow).is_none() {
            return Err(AdvanceError::NotRegistered {
                id: snapshot.id.clone(),
                workflow: snapshot.workflow.clone(),
            });
        }
        let turn = self.turn(snapshot, run, tasks).await;
        Ok(turn.unwrap_or_else(|(path, reason)| Turn::Stuck(path, reason)))
    }

    async fn turn(&self, snapshot: &Snapshot, run: &Run, tasks: Vec<Task>) -> Result<Turn, Stuck> {
        let mut steps = Vec::new();
        let mut ready = Vec::new();
        for task in tasks {
            match task {
                Task::Told(seq) => return Ok(Turn::Told(seq)),
                Task::EndNow => return Ok(Turn::Swept),
                Task::Enter(paths) => return self.enter(snapshot, paths).map_err(at_root),
                Task::Undo { ready, at } => {
                    return self.undo(snapshot, run, ready, at).await.map_err(at_root);
                }
                Task::Call { path, ready: Ready::Step, at: _ } => steps.push(path),
                Task::Call { path, ready: what, at } => ready.push((path, what, at)),
            }
        }
        let kind = self.kind(snapshot).map_err(at_root)?;
        let (state, reserved) = (snapshot.state.get().as_bytes(), snapshot.reserved_parts());
        let stored = Stored::read(kind, &snapshot.at, state, &reserved).map_err(at_root)?;
        let Life::At { state, calls, .. } = &run.life else {
            return Err(at_root(contradiction(Path::root())));
        };
        let mut tree = stored.tree(calls).map_err(at_root)?;
        let mut arrivals = Vec::new();
        for (path, what, at) in ready {
            let stuck = |reason| (path.clone(), reason);
            let call = calls.get(&path).ok_or_else(|| stuck(contradiction(&path)))?;
            let (cause, what) = what_came(call, &run.inbox, what).map_err(stuck)?;
            arrivals.push(Arrival { path, cause, what, words: None, at });
        }
        if let (true, Some(path)) = (arrivals.is_empty(), steps.into_iter().next()) {
            let stuck = |reason| (path.clone(), reason);
            let call = calls.get(&path).ok_or_else(|| stuck(contradiction(&path)))?;
            let task = tree.task(&path, calls).map_err(stuck)?;
            let context = context(run, &*task, call);
            let attempt = self.attempt(task, context).await;
            arrivals.push(came_of(path, call, attempt, self.clock.now()));
        }
        let mut settled = tree.settle(state, calls, arrivals);
        match settled.stuck.take() {
            // What came before it is kept; it comes again.
            Some(stuck) if settled.is_nothing() => Err(stuck),
            Some(_) | None => Ok(Turn::Settled(settled)),
        }
    }

    /// The machines of calls that are entered anew.
    pub(super) fn enter(&self, snapshot: &Snapshot, paths: Vec<Path>) -> Result<Turn, ParkReason> {
        let (state, reserved) = (snapshot.state.get().as_bytes(), snapshot.reserved_parts());
        Stored::read(self.kind(snapshot)?, &snapshot.at, state, &reserved)?.at(paths).map(Turn::Entered)
    }

    /// Performs the call at the top of the undo stack.
    async fn undo(
        &self,
        snapshot: &Snapshot,
        run: &Run,
        ready: Ready,
        at: Timestamp,
    ) -> Result<Turn, ParkReason> {
        let call = undo_call(run)?;
        let mut tree = self.undo_tree(snapshot)?;
        if tree.still().is_some_and(|machine| run.undo_must_enter(machine)) {
            let machine = tree.into_still().ok_or_else(|| contradiction(Path::root()))?;
            return Ok(Turn::UndoEntered(machine));
        }
        if ready == Ready::Step {
            let task = tree.task(Path::root(), &Calls::one(call.clone()))?;
            let context = context(run, &*task, call);
            let attempt = self.attempt(task, context).await;
            return Ok(undo_attempted(run, &mut tree, attempt, self.clock.now()));
        }
        let (cause, what) = what_came(call, &run.inbox, ready)?;
        Ok(undone(run, &mut tree, Arrival { path: Path::ROOT, cause, what, words: None, at }))
    }

    /// Makes one attempt to run a step.
    async fn attempt(&self, task: Box<dyn StepTask>, context: StepContext) -> Attempt {
        let _admitted = self.workshop.admit(task.name(), task.spec()).await;
        let run = |task, context| self.workshop.resources.run(task, context);
        attempt_by(&self.workshop, task, context, || self.clock.now(), run).await
    }

    /// The call at the top of the undo stack.
    fn undo_tree(&self, snapshot: &Snapshot) -> Result<Tree, ParkReason> {
        let top = snapshot.undo.last().ok_or_else(|| contradiction(Path::root()))?;
        let body = bytes::Bytes::copy_from_slice(top.get().as_bytes());
        let entry = UndoEntry::read(&body).map_err(|error| unreadable(&error))?;
        undo_tree(self.kind(snapshot)?, &entry)
    }

    /// What today's code knows of the workflow.
    fn kind(&self, snapshot: &Snapshot) -> Result<&Kind, ParkReason> {
        kind(&self.registry, &snapshot.workflow, snapshot.version)
    }
}

/// A reason that concerns the run as a whole.
fn at_root(reason: ParkReason) -> Stuck {
    (Path::ROOT, reason)
}
