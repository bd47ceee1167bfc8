//! The birth of a run.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Attribute, Head, InputHash, Lane, Lease, Part, RunId, Session, StoreError, Uid};
use crate::time::Timestamp;

/// A run to be created. Its revision is 0.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewRun {
    /// The caller's name for it.
    pub id: RunId,
    /// The random name of this life of the id. It tells a repeated `create` from another caller's.
    pub uid: Uid,
    /// The run at the top of its family: itself, if nobody awaits it.
    pub root: RunId,
    /// The run that awaits it. A detached run has none.
    pub parent: Option<RunId>,
    /// What it is claimed by: its workflow's name.
    pub queue: String,
    /// Its place among the due runs of its workflow.
    #[serde(default)]
    pub lane: Lane,
    /// The hash of its arguments.
    pub input: InputHash,
    /// Its head.
    pub head: Head,
    /// Its first state.
    pub state: Bytes,
    /// The parts of that state.
    pub parts: Vec<Part>,
    /// What it can be found by.
    pub attributes: Vec<Attribute>,
    /// The first entries of its history.
    pub entries: Vec<Bytes>,
    /// When its first turn comes.
    pub start: Start,
}

/// When a new run's first turn comes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Start {
    /// At once, for whoever claims it.
    Now,
    /// At a later time.
    At(Timestamp),
    /// At once, in the hands of the caller: the run is leased when it is created, which saves a claim. As an effect of a
    /// commit it means [`Start::Now`], for the answer to a commit has no place for leases; so it is never serialized. So it does
    /// for a run with a [key](Lane::key).
    #[serde(skip)]
    Lent {
        /// The caller's session.
        session: Session,
        /// For how long.
        keep: Duration,
    },
}

impl NewRun {
    /// When its first turn comes: it is not lent at once if it has a key, for only a claim knows the limit of that.
    pub(crate) fn start_as_claimed(&self) -> Start {
        match &self.start {
            Start::Lent { .. } if self.lane.key.is_some() => Start::Now,
            start => start.clone(),
        }
    }
}

/// The answer to one [`NewRun`].
#[derive(Clone, Debug)]
pub enum Created {
    /// It was created; also the answer to the same `create` (the same uid) sent again.
    New {
        /// With [`Start::Lent`]: the lease, unless the run has a key, or the run has moved on since an earlier sending.
        lease: Option<Lease>,
    },
    /// The id is in use.
    Exists {
        /// The life of the id that there is.
        uid: Uid,
        /// Its workflow.
        queue: String,
        /// Whether its arguments' hash is the one that was sent.
        same_input: bool,
    },
    /// This item failed alone; nothing of it was stored.
    Rejected(StoreError),
}
