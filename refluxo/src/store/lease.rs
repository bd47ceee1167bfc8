//! How workers come to hold runs.

use std::{num::NonZeroU32, time::Duration};

use super::{Record, Revision, RunId, Session, Token};
use crate::time::Timestamp;

/// The right to commit to one run: the fence that a [`Commit`](super::Commit) must pass.
///
/// It does not end with its time: a worker that was late may still commit if nobody claimed the run in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The run.
    pub run: RunId,
    /// The random token of this claim.
    pub token: Token,
    /// The run's revision as the holder knows it.
    pub revision: Revision,
    /// When it ends by the store's clock, unless it is renewed.
    pub until: Timestamp,
}

/// A worker's wish for due runs.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Who asks.
    pub session: Session,
    /// How long the leases last.
    pub keep: Duration,
    /// How many runs in all.
    pub limit: u32,
    /// What the worker can run. It is served in this order until `limit` is reached, so a caller rotates it from claim to
    /// claim and no workflow starves another. A workflow may be named more than once: first with its share of the slots, and after
    /// all others with what these have left.
    pub wants: Vec<Want>,
}

/// One workflow that a worker can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// Its name.
    pub queue: String,
    /// The highest version of a run that the worker understands.
    pub version: u32,
    /// How many runs of it the worker has room for.
    pub slots: u32,
    /// How many of its runs may be lent at once, and may begin in a time, to whichever workers.
    pub gate: Gate,
}

/// How many runs of a workflow may be lent at once, to all workers together, and how many may begin in a time. Runs that rest are
/// not lent.
///
/// It comes with the claim: a store keeps no limits of its own, and each worker keeps to those that it knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    /// How many in all.
    pub at_once: Option<u32>,
    /// How many of each [key](super::Lane::key).
    pub per_key: Option<u32>,
    /// How many may begin in a time.
    pub rate: Option<Rate>,
}

impl Gate {
    /// Whether there is no limit.
    #[must_use]
    pub const fn is_open(self) -> bool {
        self.at_once.is_none() && self.per_key.is_none() && self.rate.is_none()
    }
}

/// How many runs of a workflow may begin, to all workers together: in no span of that length more than so many.
///
/// A run begins when it is first lent, unless the commit that gives it back says that it has [not](super::Commit::unbegun). What becomes
/// of it then is not limited. A run that is purged is not remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub starts: NonZeroU32,
    /// In how long a time.
    pub per: Duration,
}

impl Rate {
    /// Those that began after this count now.
    #[must_use]
    pub fn since(self, now: Timestamp) -> Timestamp {
        now.saturating_sub(self.per)
    }
}

/// The answer to a [`Claim`].
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The runs, each with its lease; for each want those of the highest priority first, and of those the ones that were due first.
    pub runs: Vec<(Lease, Record)>,
    /// When the next run of those workflows and versions will be due, be it by its own time or because another session's
    /// lease ends; not after `now` if more are due than were taken. Leases of the asking session are left out.
    pub next_due: Option<Timestamp>,
}

/// The answer to the renewal of one [`Lease`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// The lease is extended.
    Kept {
        /// When it ends now.
        until: Timestamp,
        /// Whether the inbox holds messages that no commit has seen.
        messages: bool,
    },
    /// The lease was given back (`keep` was zero), and the run is due at once.
    Released,
    /// Somebody else has the run, or nobody, or it is gone. It stays so: no commit under this lease applies any more.
    Lost,
}
