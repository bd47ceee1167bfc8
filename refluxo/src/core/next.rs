//! What a run does next.

use super::{
    Run,
    letter::{is_end_of, is_signal},
    run::Life,
};
use crate::{
    snapshot::WaitingFor,
    store::{Seq, Then},
    time::Timestamp,
};

/// What a run does next, as far as its holder knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The workflow's code runs from its beginning.
    Start,
    /// A step is run.
    Step,
    /// The timer is over: the workflow's code goes on.
    Timer,
    /// This message is taken: the workflow's code goes on with it.
    Signal(Seq),
    /// This message tells the child's end: the workflow's code goes on with its output.
    Child(Seq),
    /// Nothing, until this time or a message.
    Rest(Option<Timestamp>),
}

impl Run {
    /// What the run does next at this time.
    pub(crate) fn next(&self, now: Timestamp) -> Next {
        match &self.life {
            Life::At { call, .. } => self.next_of(&call.waiting_for, now),
            Life::Parked { .. } | Life::Ended { .. } => Next::Rest(None),
        }
    }

    /// What is to be done about a call.
    fn next_of(&self, waiting_for: &WaitingFor, now: Timestamp) -> Next {
        match waiting_for {
            WaitingFor::Start => Next::Start,
            WaitingFor::Step { .. } => Next::Step,
            WaitingFor::Timer { until } if *until <= now => Next::Timer,
            WaitingFor::Timer { until } => Next::Rest(Some(*until)),
            WaitingFor::Signal { name } => {
                self.first(|kind| is_signal(kind, name)).map_or(Next::Rest(None), Next::Signal)
            }
            WaitingFor::Child { id } => {
                self.first(|kind| is_end_of(kind, id)).map_or(Next::Rest(None), Next::Child)
            }
        }
    }

    /// The first message of a kind.
    fn first(&self, is_wanted: impl Fn(&str) -> bool) -> Option<Seq> {
        self.inbox.iter().find(|message| is_wanted(&message.kind)).map(|message| message.seq)
    }
}

impl Next {
    /// Whether the run stays in its holder's hands.
    pub(crate) fn then(self) -> Then {
        match self {
            Self::Start | Self::Step | Self::Timer | Self::Signal(_) | Self::Child(_) => Then::Go,
            Self::Rest(due) => Then::Rest { due },
        }
    }
}
