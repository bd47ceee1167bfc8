//! What a store keeps of a run.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Attribute, EffectId, NewRun, Owed, Received, Revision, RunId, Seq, SessionId, Uid};
use crate::time::Timestamp;

/// How a run stands.
///
/// *Running* is not among them: it is derived from the lease ([`Row::is_running`]) and never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It can go on.
    Ready,
    /// It waits for a time or a message.
    Waiting,
    /// An operator stopped it; no new step starts.
    Paused,
    /// It can't go on until something is mended: its state is kept and nothing was undone.
    Parked,
    /// It is being cancelled: its children and its undo stack are at work.
    Cancelling,
    /// Its function returned.
    Completed,
    /// Its function returned an `Err`, and its undo stack has run.
    Failed,
    /// It was cancelled, and its undo stack has run.
    Cancelled,
}

impl Status {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 8] = [
        Self::Ready,
        Self::Waiting,
        Self::Paused,
        Self::Parked,
        Self::Cancelling,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Whether the run is over: completed, failed or cancelled.
    #[must_use]
    pub const fn is_ended(self) -> bool {
        match self {
            Self::Completed | Self::Failed | Self::Cancelled => true,
            Self::Ready | Self::Waiting | Self::Paused | Self::Parked | Self::Cancelling => false,
        }
    }

    /// Its name in snapshots and tables, in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Parked => "parked",
            Self::Cancelling => "cancelling",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What every commit writes and every list shows. Small: it is rewritten with each step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// How the run stands.
    pub status: Status,
    /// The name of the state that it is at.
    pub at: String,
    /// The version of the workflow that wrote this.
    pub version: u32,
    /// The envelope, opaque to the store.
    pub body: Bytes,
}

/// A piece of a state that is written once and not again with each step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name, unique in its run.
    pub name: String,
    /// Its bytes, opaque to the store.
    pub body: Bytes,
}

/// A hash of a run's workflow and arguments: tells a repeated start from another one under the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct InputHash(pub [u8; 32]);

/// What decides which of a workflow's due runs are claimed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// Those of a higher priority come first, and of those of one priority the one that was due first.
    pub priority: i8,
    /// Of the runs of its workflow that have the same key no more are lent at once than [`Gate::per_key`](super::Gate::per_key)
    /// allows.
    #[serde(default)]
    pub key: Option<String>,
}

impl Lane {
    /// Where the runs stand that a run starts: they are as urgent, and have no key.
    pub(crate) fn of_offspring(&self) -> Self {
        Self { priority: self.priority, key: None }
    }
}

/// When a run's next turn comes. One column and one index: a leased run is due when its lease ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Only a message can wake it.
    Never,
    /// At this time, or at once if that has passed.
    At(Timestamp),
    /// It is due, and waits until fewer runs of its key are lent, or until more of its workflow may begin: no claim looks at it before.
    Blocked {
        /// Since when it is due.
        since: Timestamp,
    },
    /// A worker has it.
    Leased {
        /// Whose lease it is.
        session: SessionId,
        /// When the lease ends, unless it is renewed.
        until: Timestamp,
    },
}

/// A run without its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its id.
    pub id: RunId,
    /// The random name of this life of the id.
    pub uid: Uid,
    /// The run at the top of its family: itself, if nobody awaits it.
    pub root: RunId,
    /// The run that awaits it.
    pub parent: Option<RunId>,
    /// What it is claimed by: its workflow's name.
    pub queue: String,
    /// Its place among the due runs of its workflow.
    pub lane: Lane,
    /// The hash of its arguments.
    pub input: InputHash,
    /// Its head.
    pub head: Head,
    /// How many commits it has had.
    pub revision: Revision,
    /// When its next turn comes.
    pub due: Due,
    /// How often it was claimed since its last commit. A high number means that it kills its workers.
    pub claims: u32,
    /// The place of the last message that was ever stored for it.
    pub inbox_last: Seq,
    /// Up to where its commits have seen its inbox.
    pub inbox_read: Seq,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last committed.
    pub updated: Timestamp,
    /// When it ended, if it has.
    pub ended: Option<Timestamp>,
}

impl Row {
    /// The row of a run that is created now.
    pub(crate) fn newborn(new: &NewRun, due: Due, now: Timestamp) -> Self {
        Self {
            id: new.id.clone(),
            uid: new.uid,
            root: new.root.clone(),
            parent: new.parent.clone(),
            queue: new.queue.clone(),
            lane: new.lane.clone(),
            input: new.input,
            head: new.head.clone(),
            revision: Revision(0),
            due,
            claims: 0,
            inbox_last: Seq(0),
            inbox_read: Seq(0),
            created: now,
            updated: now,
            ended: None,
        }
    }

    /// Whether a worker held it at `now`, by the store's clock.
    #[must_use]
    pub fn is_running(&self, now: Timestamp) -> bool {
        match self.due {
            Due::Leased { until, .. } => until > now,
            Due::Never | Due::At(_) | Due::Blocked { .. } => false,
        }
    }
}

/// A run in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedRow {
    /// The run.
    pub row: Row,
    /// What it can be found by, in the order of their names.
    pub attributes: Vec<Attribute>,
}

/// A run as it was loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its columns and its head.
    pub row: Row,
    /// What moves from step to step, opaque to the store.
    pub state: Bytes,
    /// What does not, in the order of their names.
    pub parts: Vec<Part>,
    /// What it can be found by, in the order of their names.
    pub attributes: Vec<Attribute>,
    /// The messages that were not consumed yet, in the order of their places.
    pub inbox: Vec<Received>,
    /// The effects of its commits that the store left to be delivered by whoever holds it.
    pub owed: Vec<Owed>,
}

impl Record {
    /// What a commit that has handled this record's inbox names as [`Commit::seen`](super::Commit::seen).
    ///
    /// It is the highest message that is really here, or what earlier commits had seen, and never `inbox_last`: a store
    /// may read that counter and the messages at two moments, and a message counted but not loaded would be lost.
    #[must_use]
    pub fn seen(&self) -> Seq {
        self.inbox.last().map_or(self.row.inbox_read, |last| last.seq.max(self.row.inbox_read))
    }

    /// The ids of the owed effects, for [`Commit::settled`](super::Commit::settled) after their delivery.
    pub fn owed_ids(&self) -> impl Iterator<Item = EffectId> + '_ {
        self.owed.iter().map(|owed| owed.id)
    }
}
