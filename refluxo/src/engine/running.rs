//! The attempts that are at work for one run.

use std::{collections::BTreeMap, future::pending, pin::Pin, sync::Arc};

use futures_util::FutureExt;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

use super::steps::Tried;
use crate::{snapshot::Path, suspend::Tether};

/// The attempts that are at work for one run. Dropped, it drops them.
///
/// The step of the root is a future of the run's own task: no other runs beside it, and it pays for no task of its own.
/// Steps of branches have tasks, which go on while the run's own stores something, and on more than one thread.
#[derive(Default)]
pub(crate) struct Running {
    root: Option<Root>,
    branches: BTreeMap<Path, Branch>,
    tasks: JoinSet<(Path, Tried)>,
}

/// The attempt at the root.
struct Root {
    attempt: Pin<Box<dyn Future<Output = Tried> + Send>>,
    tether: Arc<Tether>,
}

/// The attempt of a branch.
struct Branch {
    task: AbortHandle,
    tether: Arc<Tether>,
}

impl Running {
    /// Whether nothing is at work.
    pub(crate) fn is_empty(&self) -> bool {
        self.root.is_none() && self.branches.is_empty()
    }

    /// Starts an attempt.
    pub(crate) fn start(
        &mut self,
        path: Path,
        tether: Arc<Tether>,
        attempt: impl Future<Output = Tried> + Send + 'static,
    ) {
        if path.is_root() {
            self.root = Some(Root { attempt: Box::pin(attempt), tether });
            return;
        }
        let place = path.clone();
        let task = self.tasks.spawn(attempt.map(|attempt| (place, attempt)));
        self.branches.insert(path, Branch { task, tether });
    }

    /// The branches whose attempts have ended, and were not taken in yet.
    pub(crate) fn over(&self) -> Vec<Path> {
        let over = self.branches.iter().filter(|(_, branch)| branch.task.is_finished());
        over.map(|(path, _)| path.clone()).collect()
    }

    /// Waits until an attempt has ended; gives all that have.
    ///
    /// # Cancel safety
    ///
    /// No end is lost.
    pub(crate) async fn ended(&mut self) -> Vec<(Path, Tried)> {
        loop {
            let mut ended = Vec::new();
            if self.branches.is_empty() {
                let Some(root) = &mut self.root else { return pending().await };
                let attempt = root.attempt.as_mut().await;
                self.root = None;
                ended.push((Path::ROOT, attempt));
            } else if let Some(first) = self.tasks.join_next_with_id().await {
                ended.extend(self.close(first));
            }
            self.ended_now(&mut ended);
            if !ended.is_empty() {
                return ended;
            }
        }
    }

    /// Adds the attempts of branches that have ended by now.
    pub(crate) fn ended_now(&mut self, ended: &mut Vec<(Path, Tried)>) {
        while let Some(next) = self.tasks.try_join_next_with_id() {
            ended.extend(self.close(next));
        }
    }

    /// Takes an attempt out, unless it was dropped before.
    fn close(&mut self, ended: Result<(Id, (Path, Tried)), JoinError>) -> Option<(Path, Tried)> {
        match ended {
            Ok((id, (path, attempt))) => {
                self.branches.get(&path).filter(|branch| branch.task.id() == id)?;
                self.branches.remove(&path);
                Some((path, attempt))
            }
            Err(error) => match error.try_into_panic() {
                // Bodies don't come so far. It ends the run's own task, as that of an attempt at the root does.
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => None,
            },
        }
    }

    /// Tells an attempt that nobody waits for it, and drops it.
    pub(crate) fn drop_one(&mut self, path: &Path) {
        if path.is_root() {
            if let Some(root) = self.root.take() {
                root.tether.cancel();
            }
        } else if let Some(branch) = self.branches.remove(path) {
            branch.tether.cancel();
            branch.task.abort();
        }
    }

    /// Tells all attempts that nobody waits for them, and drops them.
    pub(crate) fn drop_all(&mut self) {
        self.tethers().for_each(Tether::cancel);
        *self = Self::default();
    }

    /// Tells all attempts that they are to come to an end.
    pub(crate) fn cancel(&self) {
        self.tethers().for_each(Tether::cancel);
    }

    /// Tells all attempts that wait for their turn not to begin.
    pub(crate) fn hold(&self) {
        self.tethers().for_each(Tether::hold);
    }

    /// Tells all attempts that the run is in other hands, and drops them.
    pub(crate) fn lose_lease(&mut self) {
        self.tethers().for_each(Tether::lose_lease);
        *self = Self::default();
    }

    fn tethers(&self) -> impl Iterator<Item = &Tether> {
        let root = self.root.iter().map(|root| &*root.tether);
        root.chain(self.branches.values().map(|branch| &*branch.tether))
    }
}
