//! The workflow's code returned.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{
    Impossible, Plan, Returned, Run,
    entry::StoryOutcome,
    letter::{ChildEnd, end_kind},
    run::Life,
};
use crate::{
    snapshot::{Parent, ParkReason, SaveError},
    store::{Effect, Message, PartOp, Status, Then},
    time::Timestamp,
};

impl Run {
    /// Ends the run with its output, and tells its parent.
    pub(super) fn finish(
        mut self,
        returned: &Returned<'_>,
        now: Timestamp,
    ) -> Result<(Self, Plan), Impossible> {
        let mut output = Vec::new();
        if let Err(cause) = returned.output.write(&mut output) {
            let unsaved = SaveError::Output { workflow: self.identity.workflow.clone(), cause };
            return self.park(ParkReason::Unsaved { message: unsaved.to_string() }, now);
        }
        let status = if returned.failed { Status::Failed } else { Status::Completed };
        let entry =
            self.identity.story(&self.life, returned.cause, now, StoryOutcome::End(status.as_str()))?;
        let effect = match &self.identity.parent {
            Some(parent) => Some(self.report(parent, &output, returned.failed)?),
            None => None,
        };
        self.life = Life::Ended { state: self.state().to_owned(), status };
        self.revision = self.revision.next();
        let gone = std::mem::take(&mut self.parts);
        let plan = Plan {
            head: self.head(Then::End)?,
            state: Some(Bytes::from(output)),
            parts: gone.into_iter().map(|name| PartOp::Delete { name: name.into_owned() }).collect(),
            seen: self.seen,
            consume: returned.cause.consumed(),
            entry: Some(entry),
            effect,
            then: Then::End,
        };
        Ok((self, plan))
    }

    /// The message that tells the parent.
    fn report(&self, parent: &Parent, output: &[u8], failed: bool) -> Result<Effect, Impossible> {
        let unwritable = |cause| self.identity.unwritable(cause);
        let output: Box<RawValue> = serde_json::from_slice(output).map_err(unwritable)?;
        let body = serde_json::to_vec(&ChildEnd { failed, output }).map_err(unwritable)?;
        Ok(Effect::Deliver(Message {
            to: parent.id.clone(),
            uid: Some(parent.uid),
            key: Some(format!("end:{}", self.identity.uid)),
            kind: end_kind(&self.identity.id),
            body: Bytes::from(body),
        }))
    }
}
