//! Looking at runs without holding them.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{AttrValue, ListCursor, ListedRow, Revision, RunId, Status};
use crate::time::Timestamp;

/// How much of a run [`Store::load`](super::Store::load) reads. What is not wanted is empty in the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The row alone.
    Head,
    /// The row and, if the run is over, its last state and parts.
    End,
    /// The row and the inbox, as of one moment: what a holder looks for while it works on the run.
    Mail,
    /// The row, the state and its parts.
    State,
    /// All that a claim gives: also the inbox and the owed effects, all as of one moment.
    All,
    /// All that a claim gives and the attributes, which a holder does not need, all as of one moment.
    Whole,
}

impl Depth {
    /// Whether the state and the parts of a run are read; it matters whether the run is over.
    #[must_use]
    pub const fn has_state(self, is_over: bool) -> bool {
        match self {
            Self::State | Self::All | Self::Whole => true,
            Self::End => is_over,
            Self::Head | Self::Mail => false,
        }
    }

    /// Whether the inbox is read.
    #[must_use]
    pub const fn has_inbox(self) -> bool {
        matches!(self, Self::Mail | Self::All | Self::Whole)
    }

    /// Whether the owed effects are read.
    #[must_use]
    pub const fn has_owed(self) -> bool {
        matches!(self, Self::All | Self::Whole)
    }

    /// Whether the attributes are read.
    #[must_use]
    pub const fn has_attributes(self) -> bool {
        matches!(self, Self::Whole)
    }
}

/// Names an entry of a run's history. Grows from entry to entry of a run, not always by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntryId(pub u64);

/// A page of a run's history, from the newest entry back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Only what is older than this entry; `None` begins with the newest.
    pub before: Option<EntryId>,
    /// How many entries at most.
    pub limit: u32,
}

/// An entry of a run's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub id: EntryId,
    /// The run's revision after the commit that wrote it.
    pub revision: Revision,
    /// When that was, by the store's clock.
    pub at: Timestamp,
    /// Its bytes, opaque to the store.
    pub body: Bytes,
}

/// Which runs. All conditions must hold; an empty list and `None` hold for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// One of these workflows.
    pub queues: Vec<String>,
    /// One of these statuses.
    pub statuses: Vec<Status>,
    /// At the state of this name.
    pub at: Option<String>,
    /// Awaited by this run.
    pub parent: Option<RunId>,
    /// Created at this time or later.
    pub created_from: Option<Timestamp>,
    /// Created before this time.
    pub created_before: Option<Timestamp>,
    /// Last committed at this time or later.
    pub updated_from: Option<Timestamp>,
    /// Last committed before this time.
    pub updated_before: Option<Timestamp>,
    /// Ended at this time or later.
    pub ended_from: Option<Timestamp>,
    /// Ended before this time.
    pub ended_before: Option<Timestamp>,
    /// With each of these attributes.
    pub attributes: Vec<(String, AttrValue)>,
}

/// A question for a list or a number of runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// The runs themselves, the newest first; of one moment's, the highest id first.
    Rows {
        /// Which ones.
        filter: Filter,
        /// Only those that stand after this place: [`Listed::Rows::next`] of the page before.
        after: Option<ListCursor>,
        /// How many at most.
        limit: u32,
    },
    /// How many there are.
    Count {
        /// Which ones.
        filter: Filter,
        /// Stop counting here: to count a million rows takes as long as to read them.
        cap: u64,
    },
}

/// The answer to a [`Query`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Answers [`Query::Rows`].
    Rows {
        /// The runs, with their attributes.
        rows: Vec<ListedRow>,
        /// Where the next page begins, if there may be one.
        next: Option<ListCursor>,
    },
    /// Answers [`Query::Count`].
    Count {
        /// How many, the cap at most.
        runs: u64,
        /// Whether counting stopped at the cap.
        capped: bool,
    },
}
