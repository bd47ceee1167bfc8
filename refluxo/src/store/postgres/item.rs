//! What is to be written, and what comes of it.

use crate::store::{Commit, Committed, Created, Delivered, Message, NewRun, Operation, StoreError};

/// One thing to be written: atomic, and alone.
#[derive(Debug)]
pub(super) enum Item {
    Create(Box<NewRun>),
    Commit(Box<Commit>),
    Deliver(Message),
}

/// What came of an item.
#[derive(Debug)]
pub(super) enum Answer {
    Created(Created),
    Committed(Committed),
    Delivered(Delivered),
}

impl Item {
    /// Which operation of the store it belongs to.
    pub(super) fn operation(&self) -> Operation {
        match self {
            Self::Create(_) => Operation::Create,
            Self::Commit(_) => Operation::Commit,
            Self::Deliver(_) => Operation::Deliver,
        }
    }

    /// Its answer if it fails alone.
    pub(super) fn reject(&self, error: StoreError) -> Answer {
        match self {
            Self::Create(_) => Answer::Created(Created::Rejected(error)),
            Self::Commit(_) => Answer::Committed(Committed::Rejected(error)),
            Self::Deliver(_) => Answer::Delivered(Delivered::Rejected(error)),
        }
    }

    /// About how many bytes it has.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Create(new) => new_run_size(new),
            Self::Deliver(message) => message.body.len(),
            Self::Commit(commit) => commit_size(commit),
        }
    }
}

fn new_run_size(new: &NewRun) -> usize {
    let parts: usize = new.parts.iter().map(|part| part.body.len()).sum();
    let entries: usize = new.entries.iter().map(bytes::Bytes::len).sum();
    new.state.len() + new.head.body.len() + parts + entries
}

fn commit_size(commit: &Commit) -> usize {
    use crate::store::{Effect, PartOp};
    let parts = commit.parts.iter().map(|op| match op {
        PartOp::Put(part) => part.body.len(),
        PartOp::Delete { .. } => 0,
    });
    let effects = commit.effects.iter().map(|effect| match effect {
        Effect::Start(new) => new_run_size(new),
        Effect::Deliver(message) => message.body.len(),
    });
    let entries = commit.entries.iter().map(bytes::Bytes::len);
    let state = commit.state.as_ref().map_or(0, bytes::Bytes::len);
    state + commit.head.body.len() + parts.sum::<usize>() + effects.sum::<usize>() + entries.sum::<usize>()
}
