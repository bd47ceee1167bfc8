//! Messages into a snapshot.

use serde::Serialize;
use serde_json::value::RawValue;

use super::{DeliverError, Storeless, document::of_snapshot};
use crate::{
    core::{Next, signal_kind},
    engine::NotAwaited,
    snapshot::{InboxMessage, RunStatus, Snapshot, write_json},
    store::Seq,
    suspend::Signal,
};

impl Storeless {
    /// Puts a signal into the run's inbox, and gives the snapshot to be kept in place of the old one.
    ///
    /// It need not wait for it yet; signals of one type are taken in the order in which they were delivered, each once.
    ///
    /// # Errors
    ///
    /// If the run is over, its workflow never awaits such a signal, or the value can't be saved.
    pub fn deliver<S: Signal>(&self, snapshot: &Snapshot, signal: &S) -> Result<Snapshot, DeliverError> {
        self.deliver_json(snapshot, S::NAME, signal)
    }

    /// Puts a signal into the run's inbox by its name and its JSON, for callers that don't have its type.
    ///
    /// # Errors
    ///
    /// If the run is over, its workflow never awaits such a signal, or the value can't be saved.
    pub fn deliver_json(
        &self,
        snapshot: &Snapshot,
        signal: &str,
        body: &(impl Serialize + ?Sized),
    ) -> Result<Snapshot, DeliverError> {
        NotAwaited::check(&self.registry, &snapshot.id, &snapshot.workflow, signal)?;
        let unsaved = |cause| DeliverError::Unsaved { signal: signal.to_owned(), cause };
        let mut json = Vec::new();
        write_json(body, &mut json).map_err(unsaved)?;
        let body = serde_json::from_slice(&json).map_err(unsaved)?;
        self.put(snapshot, signal_kind(signal), body)
    }

    /// Puts a message into the run's inbox.
    pub(super) fn put(
        &self,
        snapshot: &Snapshot,
        kind: String,
        body: Box<RawValue>,
    ) -> Result<Snapshot, DeliverError> {
        if snapshot.status.is_ended() {
            return Err(DeliverError::Finished { id: snapshot.id.clone(), kind });
        }
        let now = self.clock.now();
        let mut after = snapshot.clone();
        let seq = after.inbox.last().map_or(Seq(1), |last| last.seq.next());
        after.inbox.push(InboxMessage { seq, kind, body, at: now });
        let is_ready = matches!(of_snapshot(&after)?.next(now), Next::Act(_));
        if is_ready && after.status == RunStatus::Waiting {
            after.status = RunStatus::Ready;
        }
        Ok(after)
    }
}
