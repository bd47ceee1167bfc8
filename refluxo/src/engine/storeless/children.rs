//! Children, which live in their parent's snapshot.

use serde_json::value::RawValue;

use super::{AdvanceError, Storeless, document::newborn};
use crate::{
    core::{ChildEnd, end_kind},
    snapshot::{RunStatus, SaveError, Snapshot},
    store::NewRun,
};

impl Storeless {
    /// The snapshot of a child that a run has started.
    pub(super) fn adopt(&self, child: NewRun) -> Result<Snapshot, AdvanceError> {
        Ok(newborn(child, self.clock.now())?)
    }

    /// Moves a child on by one step. Once it has ended, what it returned goes into its parent's inbox, and it is gone.
    pub(super) async fn advance_child(
        &self,
        parent: &Snapshot,
        place: usize,
    ) -> Result<Snapshot, AdvanceError> {
        let child = self.advance(&parent.children[place]).await?;
        let mut after = parent.clone();
        if !child.status.is_ended() {
            after.updated_at = child.updated_at;
            after.children[place] = child;
            return Ok(after);
        }
        after.children.remove(place);
        let kind = end_kind(&child.id);
        let end = ChildEnd {
            failed: child.status == RunStatus::Failed,
            output: child.output.unwrap_or_else(|| RawValue::NULL.to_owned()),
        };
        let body = serde_json::value::to_raw_value(&end).map_err(|cause| AdvanceError::Arguments {
            id: child.id,
            cause: SaveError::Envelope { cause },
        })?;
        Ok(self.put(&after, kind, body)?)
    }
}
