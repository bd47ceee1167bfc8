//! What a turn changes, before it is bound to a lease.

use bytes::Bytes;

use crate::store::{Commit, Effect, EffectId, Head, Lease, PartOp, Seq, Then};

/// What is to be committed, all of it or nothing.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) head: Head,
    /// The new state; `None` leaves it as it is.
    pub(crate) state: Option<Bytes>,
    pub(crate) parts: Vec<PartOp>,
    pub(crate) seen: Seq,
    /// The message that was used up.
    pub(crate) consume: Option<Seq>,
    /// The entry of the run's history; none if nothing happened that is worth one.
    pub(crate) entry: Option<Bytes>,
    /// What leaves the run.
    pub(crate) effect: Option<Effect>,
    pub(crate) then: Then,
}

impl Plan {
    /// The plan without what leaves the run, and that.
    pub(crate) fn split_effect(mut self) -> (Self, Option<Effect>) {
        let effect = self.effect.take();
        (self, effect)
    }

    /// The commit of this plan by the holder of the run.
    pub(crate) fn commit(self, lease: Lease, settled: Vec<EffectId>) -> Commit {
        Commit {
            lease,
            head: self.head,
            state: self.state,
            parts: self.parts,
            attributes: Vec::new(),
            seen: self.seen,
            consume: self.consume.into_iter().collect(),
            entries: self.entry.into_iter().collect(),
            effects: self.effect.into_iter().collect(),
            settled,
            then: self.then,
        }
    }
}
