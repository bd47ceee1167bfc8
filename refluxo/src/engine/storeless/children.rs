//! What leaves a run: its children, which live in its snapshot, and what is said to them.

use serde_json::value::RawValue;

use super::{AdvanceError, DeliverError, Storeless, document::newborn};
use crate::{
    core::{ChildEnd, Run, end_kind},
    snapshot::{LoadError, RunStatus, SaveError, Snapshot, WaitingFor},
    store::{Effect, Message},
    time::Timestamp,
};

impl Storeless {
    /// Carries out what leaves a run.
    pub(super) fn carry_out(&self, snapshot: &mut Snapshot, effect: Effect) -> Result<(), AdvanceError> {
        match effect {
            Effect::Start(run) if run.parent.is_some() => {
                snapshot.children.push(newborn(*run, self.clock.now())?);
            }
            Effect::Start(run) => snapshot.spawned.push(newborn(*run, self.clock.now())?),
            Effect::Deliver(message) => self.tell_child(snapshot, &message)?,
        }
        Ok(())
    }

    /// Delivers a message to a child. What is for the parent goes to it where both are at hand: see
    /// [`Storeless::advance_children`].
    fn tell_child(&self, snapshot: &mut Snapshot, message: &Message) -> Result<(), AdvanceError> {
        let Message { to, uid, kind, body, .. } = message;
        let is_meant = |child: &&mut Snapshot| child.id == *to && Some(child.uid) == *uid;
        let Some(child) = snapshot.children.iter_mut().find(is_meant) else { return Ok(()) };
        let body: Box<RawValue> = serde_json::from_slice(body).map_err(LoadError::envelope)?;
        *child = self.put(child, (*kind).clone(), body)?;
        Ok(())
    }

    /// Moves the first child on by one step that can be moved on. Once it has ended, what it returned goes into the inbox of
    /// its parent, which has nothing to do itself before `due`, and the child is gone.
    pub(super) async fn advance_children(
        &self,
        parent: &Snapshot,
        run: &Run,
        due: Option<Timestamp>,
    ) -> Result<Snapshot, AdvanceError> {
        let mut waiting = None;
        for (place, child) in parent.children.iter().enumerate() {
            match self.advance(child).await {
                Ok(child) => return self.replace_child(parent, place, child),
                Err(error) if error.is_wait() => waiting = waiting.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        for call in run.calls() {
            if let WaitingFor::Child { id } = &call.waiting_for
                && !parent.children.iter().any(|child| child.id == *id)
            {
                return Err(AdvanceError::NoChild { id: parent.id.clone(), child: id.clone() });
            }
        }
        Err(AdvanceError::waits(parent, run, due, waiting))
    }

    /// The snapshot with a child that was moved on.
    fn replace_child(
        &self,
        parent: &Snapshot,
        place: usize,
        child: Snapshot,
    ) -> Result<Snapshot, AdvanceError> {
        let mut after = parent.clone();
        if !child.status.is_ended() {
            after.updated_at = child.updated_at;
            after.children[place] = child;
            return Ok(after);
        }
        after.children.remove(place);
        after.children.extend(child.children.iter().cloned());
        after.spawned.extend(child.spawned.iter().cloned());
        let kind = end_kind(&child.id);
        let end = ChildEnd {
            failed: child.status == RunStatus::Failed,
            cancelled: child.status == RunStatus::Cancelled,
            output: child.output.unwrap_or_else(|| RawValue::NULL.to_owned()),
        };
        let body = serde_json::value::to_raw_value(&end).map_err(|cause| AdvanceError::Arguments {
            id: child.id,
            cause: SaveError::Envelope { cause },
        })?;
        match self.put(&after, kind, body) {
            // The parent ended before its child, which it did not await.
            Err(DeliverError::Finished { .. }) => Ok(after),
            put => Ok(put?),
        }
    }
}
