//! How the answers to a batch reach those who wait for them.
//!
//! Each answer that the writer's thread sends may wake a thread of the runtime, which takes the writer's place on a core, does the
//! little there is to do and falls asleep again, once for each answer. So a task of the runtime sends those of a whole batch, and only
//! that is woken from outside.
//!
//! Where the runtime does not come to that task, since all of its threads are held up, the writer sends what is overdue itself.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::runtime::{Handle, RuntimeFlavor};

use super::task::Batch;
use crate::time::Timestamp;

/// How many answers are worth a task.
const MANY: usize = 4;

/// When answers are overdue. An idle runtime comes to them within microseconds.
const OVERDUE: Duration = Duration::from_millis(5);

/// Sends answers.
pub(super) struct Answers {
    runtime: Option<Handle>,
    /// What was given to the runtime, the oldest first.
    given: Vec<(Instant, Arc<Outbox>)>,
}

/// Answers that nobody has sent yet.
struct Outbox {
    now: Timestamp,
    works: Mutex<Batch>,
}

impl Outbox {
    fn send(&self) {
        let works = std::mem::take(&mut *self.lock());
        for work in works {
            // It is not one of those that are taken back.
            drop(work.answer(self.now));
        }
    }

    fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Batch> {
        self.works.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answers {
    /// For a store that is opened in this runtime, if there is one. One without threads of its own only moves while somebody drives
    /// it.
    pub(super) fn in_this_runtime() -> Self {
        let runtime = Handle::try_current().ok();
        let runtime = runtime.filter(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
        Self { runtime, given: Vec::new() }
    }

    /// Sends the answers to what was done; gives what is to be taken back.
    pub(super) fn send(&mut self, done: Batch, now: Timestamp) -> Batch {
        let (here, there) = match &self.runtime {
            Some(_) if done.len() >= MANY => done.into_iter().partition(|work| work.needs_listener()),
            _ => (done, Vec::new()),
        };
        if let Some(runtime) = &self.runtime
            && !there.is_empty()
        {
            let outbox = Arc::new(Outbox { now, works: Mutex::new(there) });
            self.given.push((Instant::now(), outbox.clone()));
            runtime.spawn(async move { outbox.send() });
        }
        here.into_iter().filter_map(|work| work.answer(now)).collect()
    }

    /// Sends what is overdue; tells how long to wait at most before it is called again.
    pub(super) fn look_after(&mut self) -> Option<Duration> {
        self.given.retain(|(since, outbox)| {
            let is_overdue = since.elapsed() >= OVERDUE;
            if is_overdue {
                outbox.send();
            }
            !is_overdue && !outbox.is_empty()
        });
        (!self.given.is_empty()).then_some(OVERDUE)
    }
}

impl Drop for Answers {
    /// The runtime may be gone too.
    fn drop(&mut self) {
        self.given.iter().for_each(|(_, outbox)| outbox.send());
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread::sleep};

    use tokio::{
        runtime::{Builder, Runtime},
        sync::oneshot::{self, Receiver, error::TryRecvError},
    };

    use super::{
        super::task::{Answer, Nothing, Task, Work},
        *,
    };
    use crate::store::Operation;

    /// What was done, and where its answers are waited for.
    fn many() -> (Batch, Vec<Receiver<Answer<()>>>) {
        let one = |_| {
            let (reply, answer) = oneshot::channel();
            let (operation, output) = (Operation::Commit, Some(()));
            let task = Task { operation, durable: true, job: Nothing, output, reply };
            (Box::new(task) as Box<dyn Work>, answer)
        };
        (0..MANY).map(one).unzip()
    }

    /// A runtime with a single thread of its own, and the answers of a store that was opened in it.
    fn opened() -> (Runtime, Answers) {
        let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let answers = runtime.block_on(async { Answers::in_this_runtime() });
        (runtime, answers)
    }

    #[test]
    fn the_runtime_sends_the_answers_to_a_batch() {
        let (_runtime, mut answers) = opened();
        let (works, told) = many();
        assert!(answers.send(works, Timestamp::EPOCH).is_empty());
        for answer in told {
            assert!(answer.blocking_recv().unwrap().is_ok());
        }
        assert_eq!(answers.look_after(), None);
    }

    #[test]
    fn the_writer_sends_what_a_runtime_that_is_held_up_does_not_come_to() {
        let (runtime, mut answers) = opened();
        let (free, held_up) = mpsc::channel::<()>();
        runtime.spawn(async move { held_up.recv() });
        let (works, mut told) = many();
        answers.send(works, Timestamp::EPOCH);
        assert_eq!(told[0].try_recv().err(), Some(TryRecvError::Empty));
        sleep(OVERDUE);
        assert_eq!(answers.look_after(), None);
        assert!(told.iter_mut().all(|answer| answer.try_recv().is_ok()));
        drop(free);
    }

    #[test]
    fn the_writer_sends_what_a_runtime_that_has_ended_can_not() {
        let (runtime, mut answers) = opened();
        drop(runtime);
        let (works, mut told) = many();
        answers.send(works, Timestamp::EPOCH);
        drop(answers);
        assert!(told.iter_mut().all(|answer| answer.try_recv().is_ok()));
    }
}
