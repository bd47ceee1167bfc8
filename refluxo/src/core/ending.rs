//! The end of a run: what it did is undone, and its parent is told.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{
    Again, Cause, Impossible, Plan, Run, StepRun,
    calls::new_call,
    draft::Draft,
    enter::Entering,
    entry::{Came, StoryOutcome},
    letter::{ChildEnd, EndTold, Verb, end_kind, signal_kind},
    run::{End, Life, Stage, UNDO},
};
use crate::{
    engine::AnyMachine,
    snapshot::{Call, Listener, Parent, ParkReason, Path, WaitingFor, parts},
    store::{Effect, Message, PartOp, Status},
    suspend::Pending,
    time::Timestamp,
};

impl Run {
    /// The function returned. An `Err` is kept beside the state, and what the run did is undone.
    pub(super) fn returned(
        &mut self,
        draft: &mut Draft,
        output: Bytes,
        failed: bool,
    ) -> Result<(), Impossible> {
        if failed {
            self.put(draft, parts::OUTPUT.to_owned(), output.clone());
            return self.end_or_undo(draft, End::Failed { output });
        }
        self.report(draft, Status::Completed, Some(&output))?;
        // What copies from earlier states need is left.
        let keeps_states = self.kept_states().next().is_some();
        let is_left = |name: &str| keeps_states && parts::is_of_states(name);
        let gone: Vec<String> = self.reserved.iter().filter(|name| !is_left(name)).cloned().collect();
        for name in gone {
            self.remove(draft, &name);
        }
        let gone = std::mem::take(&mut self.parts);
        draft.fields = gone.into_iter().map(|name| PartOp::Delete { name: name.into_owned() }).collect();
        draft.state = Some(output);
        if !keeps_states {
            self.undo.clear();
        }
        self.over(Status::Completed);
        Ok(())
    }

    /// Undoes what is left to be undone, or ends.
    pub(super) fn end_or_undo(&mut self, draft: &mut Draft, end: End) -> Result<(), Impossible> {
        match self.undo_call() {
            Some(call) => {
                self.life = Life::Ending { state: self.state().to_owned(), end, stage: Stage::Undo { call } };
                Ok(())
            }
            None => self.end(draft, &end),
        }
    }

    /// Ends, whatever is left to be undone.
    pub(super) fn end(&mut self, draft: &mut Draft, end: &End) -> Result<(), Impossible> {
        let (status, output) = match end {
            End::Failed { output } => (Status::Failed, Some(output)),
            End::Cancelled => (Status::Cancelled, None),
        };
        self.report(draft, status, output)?;
        self.over(status);
        Ok(())
    }

    /// The run is over.
    fn over(&mut self, status: Status) {
        self.life = Life::Ended { state: self.state().to_owned(), status };
        self.paused = false;
        self.parked = None;
    }

    /// The call at the top of the undo stack. It says that it is a step until its machine says what it is.
    fn undo_call(&self) -> Option<Call> {
        let name = self.undo.last()?.clone().into_owned();
        let branch = format!("{UNDO}{}", self.undo.len() - 1);
        Some(new_call(self.identity.uid, branch, self.revision.next(), WaitingFor::Step { name }))
    }

    /// Whether the machine of the undo call has to be entered before anything is performed: it is no plain step.
    pub(crate) fn undo_must_enter(&self, machine: &dyn AnyMachine) -> bool {
        match &self.life {
            Life::Ending { stage: Stage::Undo { call }, .. } => {
                let is_step = matches!(call.waiting_for, WaitingFor::Step { .. });
                let is_plain = matches!(machine.pending(), Pending::Step { .. });
                is_step && (!is_plain || machine.limit().is_some() && call.until.is_none())
            }
            Life::Ending { stage: Stage::Children(_), .. } | Life::At { .. } | Life::Ended { .. } => false,
        }
    }

    /// Enters the undo call by its machine.
    pub(super) fn undo_entered(
        mut self,
        machine: &dyn AnyMachine,
        now: Timestamp,
    ) -> Result<(Self, Plan), Impossible> {
        if !self.undo_must_enter(machine) {
            return Err(self.impossible("an undo call was entered"));
        }
        if let Pending::Group(_) = machine.pending() {
            return self.undo_unreadable("branches can't undo: push their calls one by one", now);
        }
        let identity = self.identity.clone();
        let mut draft = Draft::default();
        if let Life::Ending { stage: Stage::Undo { call }, .. } = &mut self.life {
            let mut entering = Entering::new(&identity, self.revision.next(), now, true);
            call.until = machine.limit().map(|limit| now.saturating_add(limit));
            if !matches!(machine.pending(), Pending::Step { .. }) {
                // Attempts are a step's.
                call.retry = None;
            }
            if let Err(error) = entering.wait(call, machine) {
                let message = error.to_string();
                return self.undo_unreadable(&message, now);
            }
            draft.effects = entering.effects;
        }
        self.seal(draft, now)
    }

    /// Parks a run whose undo call can't be made.
    fn undo_unreadable(self, message: &str, now: Timestamp) -> Result<(Self, Plan), Impossible> {
        let undo = self.undo.last().map(ToString::to_string).unwrap_or_default();
        self.park(&Path::ROOT, ParkReason::UndoUnreadable { undo, message: message.to_owned() }, now)
    }

    /// The undo call was made: the next one follows.
    pub(super) fn undone(mut self, cause: Cause, now: Timestamp) -> Result<(Self, Plan), Impossible> {
        let (call, end) = self.undoing(cause)?;
        let mut draft = Draft { consume: cause.consumed().into_iter().collect(), ..Draft::default() };
        self.note(&mut draft, &call, Some(Came::of(cause)), now, StoryOutcome::Undone(true))?;
        if cause == Cause::Elapsed {
            self.tell_child(&mut draft, &call, Verb::Cancel, "nobody awaits it any more")?;
            self.drop_steps(&mut draft, &Path::ROOT, None);
        }
        self.come_back(Path::root());
        self.undo.pop();
        let name = parts::undo(self.undo.len());
        self.remove(&mut draft, &name);
        self.end_or_undo(&mut draft, end)?;
        self.seal(draft, now)
    }

    /// The undo call failed and is made again.
    pub(super) fn undo_again(
        mut self,
        run: StepRun,
        words: Option<&str>,
        again: Again,
        now: Timestamp,
    ) -> Result<(Self, Plan), Impossible> {
        let cause = Cause::Step(run);
        let (failed, _) = self.undoing(cause)?;
        let mut draft = Draft::default();
        self.note(&mut draft, &failed, Some(Came { cause, words }), now, StoryOutcome::Again(again.due))?;
        self.come_back(Path::root());
        if let Life::Ending { stage: Stage::Undo { call }, .. } = &mut self.life {
            call.try_again(again);
        }
        self.seal(draft, now)
    }

    /// The undo call whose outcome this is.
    fn undoing(&self, cause: Cause) -> Result<(Call, End), Impossible> {
        match &self.life {
            Life::Ending { stage: Stage::Undo { call }, end, .. } if cause.answers(call) => {
                Ok((call.clone(), end.clone()))
            }
            Life::Ending { .. } | Life::At { .. } | Life::Ended { .. } => {
                Err(self.impossible("something was undone"))
            }
        }
    }

    /// Tells the parent, if there is one, and the listener.
    fn report(&self, draft: &mut Draft, status: Status, output: Option<&Bytes>) -> Result<(), Impossible> {
        self.tell_listener(draft, status)?;
        let Some(Parent { id, uid }) = &self.identity.parent else { return Ok(()) };
        let unwritable = |cause| self.identity.unwritable(cause);
        let output: Box<RawValue> = match output {
            Some(output) => serde_json::from_slice(output).map_err(unwritable)?,
            None => RawValue::NULL.to_owned(),
        };
        let (failed, cancelled) = (status == Status::Failed, status == Status::Cancelled);
        let body = serde_json::to_vec(&ChildEnd { failed, cancelled, output }).map_err(unwritable)?;
        draft.effects.push(Effect::Deliver(Message {
            to: id.clone(),
            uid: Some(*uid),
            key: Some(format!("end:{}", self.identity.uid)),
            kind: end_kind(&self.identity.id),
            body: Bytes::from(body),
        }));
        Ok(())
    }

    /// Tells the listener, if there is one.
    fn tell_listener(&self, draft: &mut Draft, status: Status) -> Result<(), Impossible> {
        let Some(Listener { id, uid, signal }) = &self.identity.tells else { return Ok(()) };
        let told = EndTold::Ended { run: self.identity.id.clone(), status };
        let body = serde_json::to_vec(&told).map_err(|cause| self.identity.unwritable(cause))?;
        draft.effects.push(Effect::Deliver(Message {
            to: id.clone(),
            uid: Some(*uid),
            key: Some(format!("end:{}", self.identity.uid)),
            kind: signal_kind(signal),
            body: Bytes::from(body),
        }));
        Ok(())
    }
}
