//! Undoing what a run did, the last thing first: each entry of its undo stack is a call like any other, in a tree of its own.

use std::sync::Arc;

use super::{
    driver::Held,
    reason::contradiction,
    shared::Shared,
    steps::{Attempt, AttemptEnd},
    tree::{Arrival, Tree, What},
    turn::{Turn, what_came},
};
use crate::{
    core::{Calls, Cause, Life, Ready, Run, Stage, retry},
    snapshot::{Call, ParkReason, Path},
    time::Timestamp,
};

impl Held {
    /// Performs the call of the top entry. `None` if it is a step, which now runs.
    pub(crate) async fn undo(
        &mut self,
        shared: &Arc<Shared>,
        ready: Ready,
        at: Timestamp,
    ) -> Result<Option<Turn>, ParkReason> {
        let call = undo_call(&self.run)?.clone();
        let tree = self.hands.machines.undo(shared, &self.run).await?;
        if let Some(machine) = tree.still()
            && self.run.undo_must_enter(machine)
        {
            return Ok(self.hands.machines.take_undo().map(Turn::UndoEntered));
        }
        if ready == Ready::Step {
            let task = match self.hands.unbegun.remove(call.key.as_str()) {
                Some(task) => task,
                None => tree.task(Path::root(), &Calls::one(call.clone()))?,
            };
            let context = self.context(&*task, &call);
            if shared.workshop.is_transactional(&*task) {
                return Ok(self.transact_undo(shared, task, context).await);
            }
            self.run_step(shared, Path::ROOT, task, context);
            return Ok(None);
        }
        let (cause, what) = what_came(&call, &self.run.inbox, ready)?;
        Ok(Some(undone(&self.run, tree, Arrival { path: Path::ROOT, cause, what, words: None, at })))
    }

    /// What follows from an attempt of the call.
    pub(crate) fn undo_attempted(&mut self, shared: &Shared, attempt: Attempt) -> Turn {
        match self.hands.machines.undo_loaded() {
            Some(tree) => undo_attempted(&self.run, tree, attempt, shared.now()),
            None => Turn::Stuck(Path::ROOT, contradiction(&Path::ROOT)),
        }
    }
}

/// What follows from an attempt of the call that undoes something.
pub(crate) fn undo_attempted(run: &Run, tree: &mut Tree, attempt: Attempt, now: Timestamp) -> Turn {
    let call = match undo_call(run) {
        Ok(call) => call,
        Err(reason) => return Turn::Stuck(Path::ROOT, reason),
    };
    let Attempt { step: _, retry, run: times, end, words, telling } = attempt;
    let again = end.may_be_made_again().then(|| retry::next(retry, call, times.started, now)).flatten();
    telling.tell(again.map(|again| again.due));
    let outcome = match end {
        AttemptEnd::Good(outcome) | AttemptEnd::Failed { outcome, again: false } => outcome,
        AttemptEnd::Failed { outcome, again: true } => match again {
            Some(again) => return Turn::UndoAgain { run: times, words, again },
            None => outcome,
        },
        AttemptEnd::Panicked { message } => match again {
            Some(again) => return Turn::UndoAgain { run: times, words, again },
            None => return undo_failed(run, format!("it panicked: {message}")),
        },
    };
    let (cause, what) = (Cause::Step(times), What::Outcome(outcome));
    undone(run, tree, Arrival { path: Path::ROOT, cause, what, words, at: times.ended })
}

/// Puts in what came to the call that undoes something.
pub(crate) fn undone(run: &Run, tree: &mut Tree, arrival: Arrival) -> Turn {
    let call = match undo_call(run) {
        Ok(call) => call.clone(),
        Err(reason) => return Turn::Stuck(Path::ROOT, reason),
    };
    let cause = arrival.cause;
    let settled = tree.settle(run.state(), &Calls::one(call), vec![arrival]);
    match (settled.undone, settled.stuck) {
        (Some(false), _) => Turn::Undone(cause),
        (Some(true), _) => undo_failed(run, "it returned an `Err`".to_owned()),
        (None, Some((path, reason))) => Turn::Stuck(path, reason),
        (None, None) => Turn::Stuck(Path::ROOT, contradiction(&Path::ROOT)),
    }
}

/// The run can't undo what it did.
fn undo_failed(run: &Run, message: String) -> Turn {
    let undo = run.undo.last().map(ToString::to_string).unwrap_or_default();
    Turn::Stuck(Path::ROOT, ParkReason::UndoFailed { undo, message })
}

/// The call that undoes something now.
pub(crate) fn undo_call(run: &Run) -> Result<&Call, ParkReason> {
    match &run.life {
        Life::Ending { stage: Stage::Undo { call }, .. } => Ok(call),
        Life::At { .. } | Life::Ending { .. } | Life::Ended { .. } => Err(contradiction(&Path::ROOT)),
    }
}
