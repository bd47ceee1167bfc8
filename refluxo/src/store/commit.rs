//! One step of one run, made durable.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{AttrValue, Head, Lease, Message, NewRun, Part, Revision, Seq, StoreError};
use crate::time::Timestamp;

/// All that one transition of a run changes, in one atomic write.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The fence: the commit applies only if the run still has this token and this revision.
    pub lease: Lease,
    /// The new head.
    pub head: Head,
    /// The new state; `None` leaves it as it is.
    pub state: Option<Bytes>,
    /// Changes of parts, in their order.
    pub parts: Vec<PartOp>,
    /// Changes of attributes, in their order.
    pub attributes: Vec<AttrOp>,
    /// Up to where the holder has seen the inbox: [`Record::seen`](super::Record::seen) of what it loaded last. Messages
    /// above it make a resting run due at once.
    pub seen: Seq,
    /// The messages that this transition used up.
    pub consume: Vec<Seq>,
    /// New entries of the run's history.
    pub entries: Vec<Bytes>,
    /// What leaves the run.
    pub effects: Vec<Effect>,
    /// Owed effects of earlier commits that were delivered.
    pub settled: Vec<EffectId>,
    /// Whether the run goes on.
    pub then: Then,
    /// Whether nothing of the run has been done yet, as when it rests until its start or is cancelled before: under a
    /// [`Rate`](super::Rate) it has not begun then, and does so when it is lent the next time. Only with a `then` that gives the lease
    /// back.
    pub unbegun: bool,
}

impl Commit {
    /// A commit that changes the head and nothing else, and keeps the lease.
    #[must_use]
    pub fn new(lease: Lease, head: Head, seen: Seq) -> Self {
        Self {
            lease,
            head,
            state: None,
            parts: Vec::new(),
            attributes: Vec::new(),
            seen,
            consume: Vec::new(),
            entries: Vec::new(),
            effects: Vec::new(),
            settled: Vec::new(),
            then: Then::Go,
            unbegun: false,
        }
    }

    /// Says what is wrong with the commit whatever the store holds; every store refuses it before it writes.
    ///
    /// # Errors
    ///
    /// The head's status says that the run is over and `then` does not, or the other way round.
    pub fn check(&self) -> Result<(), InvalidCommit> {
        let ends = matches!(self.then, Then::End);
        if ends == self.head.status.is_ended() {
            return Ok(());
        }
        Err(InvalidCommit { run: self.lease.run.to_string(), status: self.head.status.as_str(), ends })
    }
}

/// A commit whose parts contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the commit of {run} has the status `{status}` and {} the run",
    if *ends { "ends" } else { "does not end" }
)]
pub struct InvalidCommit {
    run: String,
    status: &'static str,
    ends: bool,
}

/// A change of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartOp {
    /// Writes it, over an older one of the same name.
    Put(Part),
    /// Removes it, if it is there.
    Delete {
        /// Its name.
        name: String,
    },
}

/// A change of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttrOp {
    /// Sets it, over an older value.
    Set {
        /// Its name.
        name: String,
        /// Its new value.
        value: AttrValue,
    },
    /// Removes it, if it is there.
    Remove {
        /// Its name.
        name: String,
    },
}

/// What a commit does outside its own run. It is applied once if the commit applies, and not at all if it does not.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Effect {
    /// Creates a run. If the id is in use by another life ([`NewRun::uid`]) the effect stays owed, and whoever settles
    /// it tells the parent.
    Start(Box<NewRun>),
    /// Delivers a message. It goes in above the inbox's bounds, since the sender has moved on and could not be told; it
    /// falls away if the run is over or gone.
    Deliver(Message),
}

/// Names an effect: the commit that owes it and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectId {
    /// The run's revision after that commit.
    pub revision: Revision,
    /// The place in [`Commit::effects`].
    pub index: u32,
}

/// An effect that the store could not apply with its commit and left to the holder of the run.
///
/// The holder carries it out with [`Store::create`](super::Store::create) or [`Store::deliver`](super::Store::deliver) and
/// names it in [`Commit::settled`]. If it dies before, the next holder does so again: both calls are idempotent.
#[derive(Clone, Debug)]
pub struct Owed {
    /// Its name.
    pub id: EffectId,
    /// What is to be done.
    pub effect: Effect,
}

impl PartialEq for Owed {
    /// Compares the ids: one id never names two effects of one run.
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Owed {}

/// Whether a run goes on after a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It goes on in the same hands: the lease stays.
    Go,
    /// It rests, and the lease is given back. Parked and paused runs rest too.
    Rest {
        /// When it is to go on. `None`: only a message wakes it.
        due: Option<Timestamp>,
    },
    /// It is over: the lease is given back and what is left in the inbox is dropped.
    End,
}

/// The answer to one [`Commit`].
#[derive(Clone, Debug)]
pub enum Committed {
    /// It is stored; also the answer to a commit that had been stored before and was sent again.
    Done {
        /// The run's revision now.
        revision: Revision,
        /// Whether there are messages above [`Commit::seen`]. A run that rests is due because of them; a holder that goes
        /// on loads them.
        more: bool,
        /// All effects that are owed now, from this commit and from earlier ones.
        owed: Vec<Owed>,
    },
    /// The run has another token or another revision, or is gone. Nothing of this commit was stored by this call, neither
    /// its effects. It is also the answer to a commit that had been stored, if somebody has claimed the run since.
    Lost,
    /// This commit failed alone; nothing of it was stored, and the lease is as it was.
    Rejected(StoreError),
}
