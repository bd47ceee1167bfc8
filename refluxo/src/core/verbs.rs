//! What operators want of a run, and what parents want of their children.

use std::collections::BTreeMap;

use super::{
    Impossible, Plan, Run,
    draft::Draft,
    entry::StoryOutcome,
    letter::{Verb, VerbLetter, ended_child},
    run::{End, Life, Stage},
};
use crate::{
    snapshot::{Call, ParkReason, Path, WaitingFor, parts},
    store::Seq,
    time::Timestamp,
};

impl Run {
    /// Heeds a message.
    pub(super) fn told(mut self, seq: Seq, now: Timestamp) -> Result<(Self, Plan), Impossible> {
        let Some(message) = self.inbox.iter().find(|message| message.seq == seq).cloned() else {
            return Err(self.impossible("a message was heeded that is not there"));
        };
        let mut draft = Draft { consume: vec![seq], ..Draft::default() };
        match Verb::of(&message.kind) {
            Some(verb) => {
                let from = self.state().to_owned();
                // What can't be read says nothing of who and why, and the verb is in the kind.
                let letter: VerbLetter = serde_json::from_slice(&message.body).unwrap_or_default();
                let heeded = self.heed(&mut draft, verb, now)?;
                debug_assert_eq!(from, self.state(), "a verb moves no state");
                self.note_verb(&mut draft, verb, &letter, message.at, heeded)?;
            }
            None => self.children_ended(&mut draft)?,
        }
        self.seal(draft, now)
    }

    /// Does what an operator wants; tells whether that changed anything.
    fn heed(&mut self, draft: &mut Draft, verb: Verb, now: Timestamp) -> Result<bool, Impossible> {
        match (verb, &self.life) {
            (Verb::Cancel, Life::At { cancelled: None, .. }) => self.cancel(draft, now),
            // It undoes what it did already.
            (_, Life::Ended { .. })
            | (Verb::Cancel, Life::At { cancelled: Some(_), .. } | Life::Ending { .. }) => Ok(false),
            (Verb::Abort, Life::At { .. } | Life::Ending { .. }) => self.abort(draft, now),
            (Verb::Pause, Life::At { .. } | Life::Ending { .. }) => {
                Ok(!std::mem::replace(&mut self.paused, true))
            }
            (Verb::Resume, Life::At { .. } | Life::Ending { .. }) => {
                Ok(std::mem::replace(&mut self.paused, false))
            }
            (Verb::Retry, Life::At { .. } | Life::Ending { .. }) => Ok(self.parked.take().is_some()),
        }
    }

    /// Cancels the run, at once if no step is in flight.
    fn cancel(&mut self, draft: &mut Draft, now: Timestamp) -> Result<bool, Impossible> {
        if self.in_flight.is_empty() {
            self.give_up(draft, Verb::Cancel, now)?;
            return Ok(true);
        }
        self.paused = false;
        let revision = self.revision.next();
        if let Life::At { cancelled, .. } = &mut self.life {
            *cancelled = Some(revision);
        }
        Ok(true)
    }

    /// Ends the run without waiting for anything.
    fn abort(&mut self, draft: &mut Draft, now: Timestamp) -> Result<bool, Impossible> {
        match &self.life {
            Life::At { .. } => {
                self.give_up(draft, Verb::Abort, now)?;
                Ok(true)
            }
            Life::Ending { end, stage: Stage::Children(children), .. } => {
                let (end, children) = (end.clone(), children.clone());
                for call in children.values() {
                    self.tell_child(draft, call, Verb::Abort, "the run that awaits it was aborted")?;
                }
                self.paused = false;
                self.parked = None;
                self.remove_branches(draft, &Path::ROOT);
                self.end_or_undo(draft, end)?;
                Ok(true)
            }
            // What can't be undone is left as it is.
            Life::Ending { end, stage: Stage::Undo { .. }, .. } if self.parked.is_some() => {
                let end = end.clone();
                self.end(draft, &end)?;
                Ok(true)
            }
            Life::Ending { stage: Stage::Undo { .. }, .. } | Life::Ended { .. } => Ok(false),
        }
    }

    /// Leaves all calls of a run that was cancelled or aborted. A cancelled run awaits the ends of its children first.
    pub(super) fn give_up(
        &mut self,
        draft: &mut Draft,
        verb: Verb,
        now: Timestamp,
    ) -> Result<(), Impossible> {
        let Life::At { state, calls, cancelled } = &self.life else {
            return Err(self.impossible("it was cancelled"));
        };
        let (state, calls, cancelled) = (state.clone(), calls.clone(), *cancelled);
        draft.unbegun = self.waits_for_its_start();
        for (path, call) in calls.iter() {
            let is_due = call.retry.as_ref().is_none_or(|retry| retry.due <= now);
            let was_begun = cancelled.is_some_and(|before| call.entered < before && is_due);
            let is_step = matches!(call.waiting_for, WaitingFor::Step { .. });
            if is_step && (was_begun || self.in_flight.contains(path)) {
                self.note(draft, call, None, now, StoryOutcome::Unknown(true))?;
            }
        }
        self.drop_steps(draft, &Path::ROOT, None);
        self.remove_branches(draft, &Path::ROOT);
        let children: BTreeMap<Path, Call> = calls
            .iter()
            .filter(|(_, call)| self.is_awaited_child(call))
            .map(|(path, call)| (path.clone(), call.clone()))
            .collect();
        for call in children.values() {
            self.tell_child(draft, call, verb, "the run that awaits it was cancelled")?;
        }
        self.paused = false;
        self.parked = None;
        if verb == Verb::Abort || children.is_empty() {
            return self.end_or_undo(draft, End::Cancelled);
        }
        for (path, call) in &children {
            self.put_call(draft, path, call)?;
        }
        self.life = Life::Ending { state, end: End::Cancelled, stage: Stage::Children(children) };
        Ok(())
    }

    /// Whether a call is a child that was really started.
    fn is_awaited_child(&self, call: &Call) -> bool {
        match &call.waiting_for {
            // The run that it was copied from started it, and is told its end.
            WaitingFor::Child { .. } if self.enter => false,
            WaitingFor::Child { id } => {
                let is_taken =
                    matches!(&self.parked, Some(ParkReason::ChildIdTaken { child }) if child == id);
                !is_taken && !call.is_unstarted_child()
            }
            WaitingFor::Start
            | WaitingFor::Step { .. }
            | WaitingFor::Timer { .. }
            | WaitingFor::Signal { .. }
            | WaitingFor::Spawn { .. }
            | WaitingFor::Group(_) => false,
        }
    }

    /// Awaits no more the children of a cancelled run whose ends are there.
    fn children_ended(&mut self, draft: &mut Draft) -> Result<(), Impossible> {
        let Life::Ending { stage: Stage::Children(children), end, .. } = &mut self.life else {
            return Err(self.impossible("a child ended"));
        };
        let ended: Vec<&str> = self.inbox.iter().filter_map(|message| ended_child(&message.kind)).collect();
        let mut gone = Vec::new();
        children.retain(|path, call| {
            let has_ended =
                matches!(&call.waiting_for, WaitingFor::Child { id } if ended.contains(&id.as_str()));
            if has_ended {
                gone.push(path.clone());
            }
            !has_ended
        });
        let last = children.is_empty().then(|| end.clone());
        for path in gone {
            self.remove(draft, &parts::call(&path));
        }
        match last {
            Some(end) => self.end_or_undo(draft, end),
            None => Ok(()),
        }
    }
}
