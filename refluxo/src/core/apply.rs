//! What an event changes.

use super::{
    Event, Impossible, Plan, Run,
    draft::Draft,
    entry::StoryOutcome,
    letter::Verb,
    run::{Life, Stage},
};
use crate::{
    snapshot::{Call, ParkReason, Path, Retrying, WaitingFor},
    time::Timestamp,
};

impl Run {
    /// The run after an event, and what is to be committed for that.
    ///
    /// # Errors
    ///
    /// If the event can't happen to a run that stands so.
    pub(crate) fn apply(self, event: Event<'_>, now: Timestamp) -> Result<(Self, Plan), Impossible> {
        match event {
            Event::Moved { moves, pushed } => self.moved(moves, &pushed, now),
            Event::Told(seq) => self.told(seq, now),
            Event::Stuck { path, reason } => self.park(&path, reason, now),
            Event::Refused(reason) => self.refused(reason, now),
            // So the messages don't ring again; or an effect was delivered.
            Event::Looked => self.seal(Draft::default(), now),
            Event::Entered(machines) => self.enter_again(&machines, now),
            Event::Swept => self.swept(now),
            Event::Undone(cause) => self.undone(cause, now),
            Event::UndoAgain { run, words, again } => self.undo_again(run, words, again, now),
            Event::UndoEntered(machine) => self.undo_entered(machine, now),
        }
    }

    /// Parks the run where it is: the state's bytes stay, and so does each call with its key.
    ///
    /// A run that was cancelled goes on to its end: the call just does not have an outcome.
    pub(super) fn park(
        mut self,
        path: &Path,
        reason: ParkReason,
        now: Timestamp,
    ) -> Result<(Self, Plan), Impossible> {
        let mut draft = Draft::default();
        if let Some(call) = self.call(path).cloned() {
            self.note(&mut draft, &call, None, now, StoryOutcome::Parked(&reason))?;
        }
        match &self.life {
            Life::At { cancelled: Some(_), .. } => {
                self.come_back(path);
            }
            Life::At { cancelled: None, .. } | Life::Ending { .. } => {
                self.drop_steps(&mut draft, &Path::ROOT, None);
                self.renew(&mut draft, path, &reason, now)?;
                self.parked = Some(reason);
            }
            Life::Ended { .. } => return Err(self.impossible("it got stuck")),
        }
        self.seal(draft, now)
    }

    /// Parks a run that can't go on to its end either.
    fn refused(mut self, reason: ParkReason, now: Timestamp) -> Result<(Self, Plan), Impossible> {
        if let Life::Ended { .. } = &self.life {
            return Err(self.impossible("a commit was refused"));
        }
        let mut draft = Draft::default();
        self.drop_steps(&mut draft, &Path::ROOT, None);
        self.parked = Some(reason);
        self.seal(draft, now)
    }

    /// Prepares the attempt that follows when an operator has the run retried: it is counted on, and may fail as often as the first
    /// ones might.
    fn renew(
        &mut self,
        draft: &mut Draft,
        path: &Path,
        reason: &ParkReason,
        now: Timestamp,
    ) -> Result<(), Impossible> {
        let is_attempt = match reason {
            ParkReason::StepPanicked { .. }
            | ParkReason::ChildCancelled { .. }
            | ParkReason::UndoFailed { .. } => true,
            ParkReason::WorkflowPanicked { .. }
            | ParkReason::Unreadable { .. }
            | ParkReason::OlderVersion { .. }
            | ParkReason::Unsaved { .. }
            | ParkReason::TooLarge { .. }
            | ParkReason::Poisoned { .. }
            | ParkReason::UndoUnreadable { .. }
            | ParkReason::ChildIdTaken { .. } => false,
        };
        if !is_attempt {
            return Ok(());
        }
        let attempt_anew = |call: &mut Call| {
            call.retry = Some(Retrying { due: now, began: now, forgiven: call.attempt });
            call.attempt += 1;
        };
        let undo = self.undo.last().cloned();
        match &mut self.life {
            Life::At { calls, .. } => match calls.change(path, attempt_anew).cloned() {
                Some(call) => self.put_call(draft, path, &call),
                None => Ok(()),
            },
            Life::Ending { stage: Stage::Undo { call }, .. } => {
                // Whatever it is, it is entered again.
                if let Some(name) = undo {
                    call.waiting_for = WaitingFor::Step { name: name.into_owned() };
                    call.until = None;
                }
                attempt_anew(call);
                Ok(())
            }
            Life::Ending { stage: Stage::Children(_), .. } | Life::Ended { .. } => Ok(()),
        }
    }

    /// The call at a path; the undo call, if there is one.
    fn call(&self, path: &Path) -> Option<&Call> {
        match &self.life {
            Life::At { calls, .. } => calls.get(path),
            Life::Ending { stage: Stage::Undo { call }, .. } => Some(call),
            Life::Ending { stage: Stage::Children(children), .. } => children.get(path),
            Life::Ended { .. } => None,
        }
    }

    /// Ends a run whose steps in flight had their time.
    fn swept(mut self, now: Timestamp) -> Result<(Self, Plan), Impossible> {
        let Life::At { cancelled: Some(_), .. } = &self.life else {
            return Err(self.impossible("its steps were dropped"));
        };
        let mut draft = Draft::default();
        self.give_up(&mut draft, Verb::Cancel, now)?;
        self.seal(draft, now)
    }

    /// An event that can't happen to a run that stands so.
    pub(super) fn impossible(&self, event: &'static str) -> Impossible {
        Impossible::Event { run: self.identity.id.clone(), stands: self.life.words(), event }
    }
}

impl super::Cause {
    /// Whether it is the outcome of a call of this kind.
    pub(super) fn answers(self, call: &Call) -> bool {
        match &call.waiting_for {
            _ if self == Self::Elapsed => call.until.is_some(),
            WaitingFor::Start => matches!(self, Self::Started),
            WaitingFor::Step { .. } => matches!(self, Self::Step(_)),
            WaitingFor::Timer { .. } => matches!(self, Self::Timer),
            WaitingFor::Signal { .. } => matches!(self, Self::Signal(_)),
            WaitingFor::Child { .. } => matches!(self, Self::Child(_)),
            WaitingFor::Spawn { .. } => matches!(self, Self::Spawned),
            WaitingFor::Group(group) => matches!(self, Self::Empty) && group.of == 0,
        }
    }
}
