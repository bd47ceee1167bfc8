//! Many runs' commits in one batch.
//!
//! The basic idea is as follows: a commit is put into a queue, and whoever holds the turn takes all that has queued up and
//! hands it to the store. While that is under way the next ones queue up, so batches grow with the load; a single run takes
//! the turn itself and pays for no other task.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{Mutex as Turn, oneshot};

use crate::{
    engine::time::StoreTime,
    store::{Commit, Committed, Store, StoreError},
};

/// How many commits a batch has at most.
const BATCH: usize = 512;

/// Gathers commits into batches.
#[derive(Debug)]
pub(crate) struct Committer {
    store: Arc<dyn Store>,
    queue: Mutex<Vec<Waiting>>,
    turn: Turn<()>,
}

/// A commit in the queue, and who waits for its answer.
#[derive(Debug)]
struct Waiting {
    commit: Commit,
    answer: oneshot::Sender<Result<Committed, StoreError>>,
}

/// What became of a commit.
pub(crate) enum Answer {
    /// The store said so.
    Told(Result<Committed, StoreError>),
    /// Whoever handed the batch over was stopped before it had the answer: send the commit again.
    Unheard,
}

impl Committer {
    /// A committer for this store.
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, queue: Mutex::default(), turn: Turn::new(()) }
    }

    /// Commits in a batch with whatever else waits.
    ///
    /// # Cancel safety
    ///
    /// The commit may or may not be stored, and so may those of others in the same batch, who then hear
    /// [`Answer::Unheard`].
    pub(crate) async fn commit(&self, time: &StoreTime, commit: Commit) -> Answer {
        let (answer, mut told) = oneshot::channel();
        self.lock().push(Waiting { commit, answer });
        loop {
            tokio::select! {
                biased;
                answer = &mut told => return answer.map_or(Answer::Unheard, Answer::Told),
                turn = self.turn.lock() => {
                    self.flush(time).await;
                    drop(turn);
                }
            }
        }
    }

    /// Hands over what has queued up.
    async fn flush(&self, time: &StoreTime) {
        let batch = {
            let mut queue = self.lock();
            let size = queue.len().min(BATCH);
            let rest = queue.split_off(size);
            mem::replace(&mut *queue, rest)
        };
        if batch.is_empty() {
            return;
        }
        let (commits, answers): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|waiting| (waiting.commit, waiting.answer)).unzip();
        match self.store.commit(commits).await {
            // A receiver that is gone was a run that was stopped: nobody needs its answer.
            Ok(committed) => {
                for (answer, committed) in answers.into_iter().zip(time.note(committed)) {
                    let _ = answer.send(Ok(committed));
                }
            }
            Err(error) => {
                for answer in answers {
                    let _ = answer.send(Err(error.clone()));
                }
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
