//! What is queued for the writer.

use tokio::sync::oneshot;

use super::tx::Tx;
use crate::{
    store::{Operation, Stamped, StoreError},
    time::Timestamp,
};

/// What comes back from a thread of the store.
pub(super) type Answer<T> = Result<Stamped<T>, StoreError>;

/// Something to be done in a transaction.
pub(super) trait Job: Send {
    /// What its sender waits for.
    type Output: Send;

    /// Does it. It may be called again after a rollback.
    fn run(&mut self, tx: &mut Tx<'_>) -> rusqlite::Result<Self::Output>;

    /// Answers it by reading alone, if that is possible.
    fn peek(&mut self, tx: &mut Tx<'_>) -> rusqlite::Result<Option<Self::Output>> {
        let _ = tx;
        Ok(None)
    }

    /// Whether it is only worth doing while somebody waits for the answer.
    fn needs_listener() -> bool {
        false
    }

    /// What takes an answer back that nobody waited for.
    fn take_back(output: Self::Output) -> Option<Box<dyn Work>> {
        drop(output);
        None
    }
}

/// A job that is no more than a closure.
pub(super) struct Plain<F>(pub(super) F);

impl<T: Send, F: FnMut(&mut Tx<'_>) -> rusqlite::Result<T> + Send> Job for Plain<F> {
    type Output = T;

    fn run(&mut self, tx: &mut Tx<'_>) -> rusqlite::Result<T> {
        (self.0)(tx)
    }
}

/// A job that does nothing but make the writer look up.
pub(super) struct Nothing;

impl Job for Nothing {
    type Output = ();

    fn run(&mut self, _: &mut Tx<'_>) -> rusqlite::Result<()> {
        Ok(())
    }

    fn peek(&mut self, _: &mut Tx<'_>) -> rusqlite::Result<Option<()>> {
        Ok(Some(()))
    }
}

/// A queued job with the place where its answer goes.
pub(super) struct Task<J: Job> {
    pub(super) operation: Operation,
    /// Whether it must outlive a power cut.
    pub(super) durable: bool,
    pub(super) job: J,
    /// The answer, until the transaction is committed.
    pub(super) output: Option<J::Output>,
    pub(super) reply: oneshot::Sender<Answer<J::Output>>,
}

/// A [`Task`] whatever its job.
pub(super) trait Work: Send {
    /// Whether it must outlive a power cut.
    fn is_durable(&self) -> bool;

    /// Tries to answer it by reading alone; tells whether that worked.
    fn peek(&mut self, tx: &mut Tx<'_>) -> rusqlite::Result<bool>;

    /// Does it and keeps the answer. It may be called again after a rollback.
    fn run(&mut self, tx: &mut Tx<'_>) -> rusqlite::Result<()>;

    /// Whether there is something to take back if nobody waits for the answer.
    fn needs_listener(&self) -> bool;

    /// Sends the answer. If nobody waits for it any more, there may be something to take back.
    fn answer(self: Box<Self>, now: Timestamp) -> Option<Box<dyn Work>>;

    /// Sends an error instead.
    fn fail(self: Box<Self>, error: &dyn Fn(Operation) -> StoreError);
}

/// What shares a transaction.
pub(super) type Batch = Vec<Box<dyn Work>>;

impl<J: Job> Work for Task<J> {
    fn is_durable(&self) -> bool {
        self.durable
    }

    fn peek(&mut self, tx: &mut Tx<'_>) -> rusqlite::Result<bool> {
        self.output = self.job.peek(tx)?;
        Ok(self.output.is_some())
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> rusqlite::Result<()> {
        if !(J::needs_listener() && self.reply.is_closed()) {
            self.output = Some(self.job.run(tx)?);
        }
        Ok(())
    }

    fn needs_listener(&self) -> bool {
        J::needs_listener()
    }

    fn answer(self: Box<Self>, now: Timestamp) -> Option<Box<dyn Work>> {
        let Self { job, output, reply, .. } = *self;
        // Before its sender goes on: the job may hold a session, and nobody's session lives on in a queue.
        drop(job);
        // Without an output it was never run, and its sender hears that the store went away.
        match reply.send(Ok(Stamped { now, value: output? })) {
            Err(Ok(unheard)) => J::take_back(unheard.value),
            Ok(()) | Err(Err(_)) => None,
        }
    }

    fn fail(self: Box<Self>, error: &dyn Fn(Operation) -> StoreError) {
        // Nobody may be waiting any more.
        let _ = self.reply.send(Err(error(self.operation)));
    }
}
