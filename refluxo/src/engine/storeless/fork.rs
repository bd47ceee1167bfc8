//! Copies of snapshots, as runs of their own.

use super::{AdvanceError, CopyError, Storeless, document::of_snapshot};
use crate::{
    core::{Next, Task},
    snapshot::{RunStatus, Snapshot},
    store::{Revision, RunId, Uid},
};

impl Storeless {
    /// Copies a run as a run of its own, under another id, as [`Engine::fork`](crate::Engine::fork): it goes on from the state
    /// that the snapshot holds.
    ///
    /// The outputs of branches that have ended are kept, and so is the undo stack. Everything that the first run was about to do, the
    /// copy does anew, under keys of its own: its step runs again, its children are started again, its timers begin again; signals
    /// are not copied. The snapshot stays valid.
    ///
    /// There is no copy from an earlier state by its revision: without a store no states are kept but those in the snapshots that
    /// the caller has. Fork one of these.
    ///
    /// # Errors
    ///
    /// If the run is over or ends, since some of what it did may have been undone: fork a snapshot from before. If the id is not
    /// one, or today's code can't read the snapshot.
    pub fn fork(&self, snapshot: &Snapshot, copy: impl AsRef<str>) -> Result<Snapshot, CopyError> {
        let (id, status) = (snapshot.id.clone(), snapshot.status.stored());
        if status.is_ended() || snapshot.ending.is_some() {
            return Err(CopyError::Over { id, status });
        }
        let copy = self.newborn_copy(snapshot, RunId::new(copy.as_ref())?);
        let mut run = of_snapshot(&copy).map_err(AdvanceError::from)?;
        run.enter = true;
        let paths = match run.next(self.clock.now()) {
            Next::Act(mut tasks) => match tasks.pop() {
                Some(Task::Enter(paths)) => paths,
                Some(_) | None => Vec::new(),
            },
            Next::Rest(_) => Vec::new(),
        };
        let turn = self.enter(&copy, paths).map_err(|reason| CopyError::Unreadable { id, reason })?;
        Ok(self.apply(&copy, run, &turn)?)
    }

    /// A snapshot of another run that is where this one is, and has not entered its calls.
    fn newborn_copy(&self, snapshot: &Snapshot, id: RunId) -> Snapshot {
        let now = self.clock.now();
        Snapshot {
            id,
            uid: Uid::random(),
            revision: Revision(0),
            status: RunStatus::Ready,
            inbox: Vec::new(),
            parent: None,
            children: Vec::new(),
            spawned: Vec::new(),
            error: None,
            paused: false,
            created_at: now,
            updated_at: now,
            ..snapshot.clone()
        }
    }
}
