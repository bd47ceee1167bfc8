//! Steps that write in the store's own transaction.
//!
//! The basic idea is as follows: the transaction is opened before the step's body and closed by the commit of the state that
//! the workflow's code comes to with what the body gave. So both are stored or neither, and a body whose transaction is
//! rolled back has never run. While it is open the run does nothing else: its other commits would wait for the transaction, and
//! that for them. Other steps in flight go on.

use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    sync::Arc,
};

use futures_util::FutureExt;
use tokio::sync::oneshot;
use tracing::Instrument;

use super::{
    driver::Held,
    mailbox::Rung,
    patience::Patience,
    shared::Shared,
    steps::{Attempt, AttemptEnd, attempt_by},
    turn::Turn,
};
use crate::{
    machine::Outcome,
    snapshot::{ParkReason, Path},
    store::{OpenTransaction, Operation, TransactionWork},
    suspend::{Pulse, Resources, StepContext, StepTask},
};

impl Held {
    /// Performs the step of the call at this path, and runs the workflow's code. The transaction stays open for the commit if
    /// there is something to be stored in it. `None` if the run was told something before that.
    pub(crate) async fn transact(
        &mut self,
        shared: &Arc<Shared>,
        path: &Path,
    ) -> Result<Option<Turn>, ParkReason> {
        let (task, context) = self.take_step(shared, path).await?;
        let Some((transaction, attempt)) = self.attempt(shared, task, context).await else { return Ok(None) };
        let is_good = matches!(attempt.end, AttemptEnd::Good(_));
        let turn = self.settle(shared, Vec::new(), vec![(path.clone(), attempt)]);
        // What failed is made again or told to the workflow, and what can't go on is made again: without what was written.
        self.hands.transaction = (is_good && matches!(turn, Turn::Settled(_))).then_some(transaction);
        Ok(Some(turn))
    }

    /// Performs the step that undoes something. `None` if the run was told something before that.
    pub(crate) async fn transact_undo(
        &mut self,
        shared: &Arc<Shared>,
        task: Box<dyn StepTask>,
        context: StepContext,
    ) -> Option<Turn> {
        let (transaction, attempt) = self.attempt(shared, task, context).await?;
        let is_good = matches!(attempt.end, AttemptEnd::Good(_));
        let turn = self.undo_attempted(shared, attempt);
        self.hands.transaction = (is_good && matches!(turn, Turn::Undone(_))).then_some(transaction);
        Some(turn)
    }

    /// Makes an attempt to run a step in a transaction. `None` if the run was told something before that: the step is kept.
    async fn attempt(
        &mut self,
        shared: &Arc<Shared>,
        task: Box<dyn StepTask>,
        context: StepContext,
    ) -> Option<(Box<dyn OpenTransaction>, Attempt)> {
        let Some(mut transaction) = self.open(shared, &context).await else {
            self.hands.unbegun.insert(context.idempotency_key().into(), task);
            return None;
        };
        let resources = &shared.workshop.resources;
        let lent = &mut *transaction;
        let attempt = attempt_by(
            &shared.workshop,
            task,
            context,
            || shared.now(),
            move |task, context| run_in(lent, task, context, resources.clone()),
        );
        let attempt = attempt.await;
        Some((transaction, attempt))
    }

    /// Opens a transaction, unless the run is told something first, or the worker to stop.
    async fn open(
        &mut self,
        shared: &Arc<Shared>,
        context: &StepContext,
    ) -> Option<Box<dyn OpenTransaction>> {
        let rung = tokio::select! {
            biased;
            rung = self.hands.mailbox.rung() => rung,
            () = shared.drained() => return None,
            transaction = open(shared, &*self.hands.pulse, context) => return Some(transaction),
        };
        match rung {
            Rung::Mail => self.load_mail(shared).await,
            // That is heeded where the run looks what it does next.
            Rung::Lost | Rung::Clock => {}
        }
        None
    }
}

/// Opens a transaction while the run is surely this worker's: see [`Tether::held_fast`](crate::suspend::Tether::held_fast).
///
/// The store is not asked in between: it may do nothing else before the transaction is over.
async fn open(shared: &Shared, pulse: &dyn Pulse, context: &StepContext) -> Box<dyn OpenTransaction> {
    loop {
        if !pulse.is_sure() {
            pulse.make_sure().await;
        }
        let transaction = begin(shared, context).await;
        if pulse.is_sure() {
            return transaction;
        }
    }
}

/// Opens a transaction, as soon as the store can.
async fn begin(shared: &Shared, context: &StepContext) -> Box<dyn OpenTransaction> {
    let mut patience = Patience::of_a_run();
    loop {
        match shared.store.begin().await {
            Ok(transaction) => return transaction,
            Err(error) => {
                let (run, step) = (context.run_id(), context.step());
                tracing::warn!(run, step, %error, "a transaction was not opened; it is tried again");
                shared.tell_failed(Operation::Begin, error);
            }
        }
        patience.pause().await;
    }
}

/// Runs a step's body in a transaction.
async fn run_in(
    transaction: &mut dyn OpenTransaction,
    task: Box<dyn StepTask>,
    context: StepContext,
    resources: Arc<Resources>,
) -> Outcome {
    let (tell, told) = oneshot::channel();
    // It may run on another thread.
    let span = tracing::Span::current();
    let work: TransactionWork = Box::new(move |transaction| {
        Box::pin(async move {
            let body = async { task.run_in(transaction, context, resources).await }.instrument(span);
            // A panic is the run's, and not the store's. If nobody waits any more, the transaction is rolled back.
            let _ = tell.send(AssertUnwindSafe(body).catch_unwind().await);
        })
    });
    transaction.run(work).await;
    match told.await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(closed) => panic!("the store has given the transaction up: {closed}"),
    }
}
