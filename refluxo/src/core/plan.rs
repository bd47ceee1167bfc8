//! What a turn changes, before it is bound to a lease.

use bytes::Bytes;

use crate::{
    snapshot::{ParkReason, Path},
    store::{AttrOp, Commit, Effect, EffectId, Head, Lease, PartOp, Seq, Then},
};

/// What is to be committed, all of it or nothing.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) head: Head,
    /// The new state; `None` leaves it as it is.
    pub(crate) state: Option<Bytes>,
    pub(crate) parts: Vec<PartOp>,
    pub(crate) attributes: Vec<AttrOp>,
    pub(crate) seen: Seq,
    /// The messages that were used up.
    pub(crate) consume: Vec<Seq>,
    /// The entries of the run's history; none if nothing happened that is worth one.
    pub(crate) entries: Vec<Bytes>,
    /// What leaves the run.
    pub(crate) effects: Vec<Effect>,
    /// The steps in flight whose outcome nobody waits for any more. They may be dropped once this is stored.
    pub(crate) dropped: Vec<Path>,
    pub(crate) then: Then,
    /// Whether nothing of the run has been done yet.
    pub(crate) unbegun: bool,
    /// How many of the moves of the event are in it: the first ones.
    pub(crate) moved: usize,
    /// The call whose move could not be saved, while those before it were. The run got stuck there, and is to be told so next.
    pub(crate) stuck: Option<(Path, ParkReason)>,
}

impl Plan {
    /// The commit of this plan by the holder of the run.
    pub(crate) fn commit(self, lease: Lease, settled: Vec<EffectId>) -> Commit {
        Commit {
            lease,
            head: self.head,
            state: self.state,
            parts: self.parts,
            attributes: self.attributes,
            seen: self.seen,
            consume: self.consume,
            entries: self.entries,
            effects: self.effects,
            settled,
            then: self.then,
            unbegun: self.unbegun,
        }
    }
}
