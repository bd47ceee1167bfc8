//! The workflow's code came to an await.

use std::{borrow::Cow, sync::Arc};

use super::{
    Arrived, Identity, Impossible, Origin, Plan, Run, birth,
    entry::{Story, StoryOutcome},
    key::CallPlace,
    run::Life,
};
use crate::{
    engine::AnyMachine,
    machine::Changes,
    snapshot::{Call, Encoded, Parent, ParkReason, SaveError, StateWriter, WaitingFor},
    store::{Effect, Part, PartOp, Start},
    suspend::{Deadline, Pending},
    time::Timestamp,
};

impl Run {
    /// Saves the new state; a state that can't be saved parks the run at the old one.
    pub(super) fn arrive(self, arrived: &Arrived<'_>, now: Timestamp) -> Result<(Self, Plan), Impossible> {
        let encoded = match encode(arrived.machine, arrived.changes, &self.parts) {
            Ok(encoded) => encoded,
            Err(unsaved) => return self.park(ParkReason::Unsaved { message: unsaved.to_string() }, now),
        };
        let (call, effect) = match self.enter(arrived.machine, now) {
            Ok(entered) => entered,
            Err(unsaved) => return self.park(ParkReason::Unsaved { message: unsaved.to_string() }, now),
        };
        self.move_on(arrived, encoded, call, effect, now)
    }

    /// The call that a new state makes, and the child that it starts.
    fn enter(&self, machine: &dyn AnyMachine, now: Timestamp) -> Result<(Call, Option<Effect>), SaveError> {
        let identity = &self.identity;
        let entered = self.revision.next();
        let place = CallPlace { uid: identity.uid, entered, branch: "" };
        let mut effect = None;
        let waiting_for = match machine.pending() {
            Pending::Start => WaitingFor::Start,
            Pending::Step { name } => WaitingFor::Step { name: name.to_owned() },
            Pending::Timer(Deadline::At(until)) => WaitingFor::Timer { until },
            Pending::Timer(Deadline::After(duration)) => {
                WaitingFor::Timer { until: now.saturating_add(duration) }
            }
            Pending::Spawn(_) | Pending::Group(_) => unreachable!("no call makes one yet"),
            Pending::Signal { name } => WaitingFor::Signal { name: name.to_owned() },
            Pending::Child(child) => {
                let id = place.child_id(&identity.id, child.workflow());
                let origin = Origin {
                    id: id.clone(),
                    uid: place.child_uid(),
                    root: identity.root.clone(),
                    parent: Some(Parent { id: identity.id.clone(), uid: identity.uid }),
                };
                let (_, new_run) = birth(origin, child, Start::Now)?;
                effect = Some(Effect::Start(Box::new(new_run)));
                WaitingFor::Child { id }
            }
        };
        let call = Call { branch: String::new(), waiting_for, entered, attempt: 1, key: place.key() };
        Ok((call, effect))
    }

    /// The run at its new state.
    fn move_on(
        mut self,
        arrived: &Arrived<'_>,
        encoded: Encoded,
        call: Call,
        effect: Option<Effect>,
        now: Timestamp,
    ) -> Result<(Self, Plan), Impossible> {
        let state = arrived.machine.at().to_owned();
        let entry = self.identity.story(&self.life, arrived.cause, now, StoryOutcome::To(&state))?;
        self.life = Life::At { state, call };
        self.version = arrived.machine.version();
        self.revision = self.revision.next();
        let parts = self.replace_parts(encoded.parts, &encoded.kept);
        let consume = arrived.cause.consumed();
        self.inbox.retain(|message| Some(message.seq) != consume);
        let then = self.next(now).then();
        let plan = Plan {
            head: self.head(then)?,
            state: Some(encoded.document),
            parts,
            seen: self.seen,
            consume,
            entry: Some(entry),
            effect,
            then,
        };
        Ok((self, plan))
    }

    /// Takes over the parts of a new state: writes the new ones and removes those that are in neither list.
    pub(super) fn replace_parts(
        &mut self,
        put: Vec<(&'static str, bytes::Bytes)>,
        kept: &[&'static str],
    ) -> Vec<PartOp> {
        let is_needed = |name: &str| kept.contains(&name) || put.iter().any(|(new, _)| *new == name);
        let gone = self.parts.iter().filter(|name| !is_needed(name));
        let mut ops: Vec<PartOp> =
            gone.map(|name| PartOp::Delete { name: name.clone().into_owned() }).collect();
        self.parts =
            kept.iter().chain(put.iter().map(|(name, _)| name)).map(|name| Cow::Borrowed(*name)).collect();
        ops.extend(put.into_iter().map(|(name, body)| PartOp::Put(Part { name: name.to_owned(), body })));
        ops
    }
}

impl Identity {
    /// The entry of a call whose outcome moved the run on.
    pub(super) fn story(
        self: &Arc<Self>,
        life: &Life,
        cause: super::Cause,
        now: Timestamp,
        outcome: StoryOutcome<'_>,
    ) -> Result<bytes::Bytes, Impossible> {
        match life {
            Life::At { state, call } | Life::Parked { state, call, .. } => {
                Story::moved(state, call, cause, now, outcome).write().map_err(|cause| self.unwritable(cause))
            }
            Life::Ended { state, .. } => Err(Impossible::Event {
                run: self.id.clone(),
                stands: format!("ended at `{state}`"),
                event: cause.name(),
            }),
        }
    }
}

/// A machine's state as it is stored.
pub(super) fn encode(
    machine: &dyn AnyMachine,
    changes: &Changes,
    known: &[Cow<'static, str>],
) -> Result<Encoded, SaveError> {
    let mut writer = StateWriter::new(machine.at(), changes, known);
    machine.encode(&mut writer);
    writer.finish()
}
