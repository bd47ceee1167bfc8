//! What an event changes.

use super::{
    Event, Impossible, Plan, Run,
    entry::{Story, StoryOutcome},
    run::Life,
};
use crate::{
    snapshot::{Call, Hot, ParkReason, WaitingFor},
    store::{Head, Status, Then},
    time::Timestamp,
};

impl Run {
    /// The run after an event, and what is to be committed for that.
    ///
    /// # Errors
    ///
    /// If the event can't happen to a run that stands so.
    pub(crate) fn apply(self, event: Event<'_>, now: Timestamp) -> Result<(Self, Plan), Impossible> {
        match (&self.life, event) {
            (Life::At { call, .. }, Event::Arrived(arrived)) if arrived.cause.answers(&call.waiting_for) => {
                self.arrive(&arrived, now)
            }
            (Life::At { call, .. }, Event::Returned(returned))
                if returned.cause.answers(&call.waiting_for) =>
            {
                self.finish(&returned, now)
            }
            (Life::At { .. }, Event::Stuck(reason)) => self.park(reason, now),
            (Life::At { .. } | Life::Parked { .. } | Life::Ended { .. }, Event::Looked) => self.look(now),
            (
                Life::At { .. } | Life::Parked { .. } | Life::Ended { .. },
                event @ (Event::Arrived(_) | Event::Returned(_) | Event::Stuck(_)),
            ) => {
                let event = event.name();
                Err(Impossible::Event { run: self.identity.id.clone(), stands: self.life.words(), event })
            }
        }
    }

    /// Parks the run where it is: the state's bytes stay, and so does the call with its key.
    pub(super) fn park(mut self, reason: ParkReason, now: Timestamp) -> Result<(Self, Plan), Impossible> {
        let (state, call) = match self.life {
            Life::At { state, call } | Life::Parked { state, call, .. } => (state, call),
            Life::Ended { .. } => {
                let stands = self.life.words();
                return Err(Impossible::Event {
                    run: self.identity.id.clone(),
                    stands,
                    event: "it got stuck",
                });
            }
        };
        let story = Story::stuck(&state, &call, now, StoryOutcome::Parked(&reason));
        let entry = story.write().map_err(|cause| self.identity.unwritable(cause))?;
        self.life = Life::Parked { state, call, reason };
        let mut plan = self.standstill(Then::Rest { due: None })?;
        plan.entry = Some(entry);
        self.revision = self.revision.next();
        Ok((self, plan))
    }

    /// Records that the messages were looked at, so that they don't ring again, or that an effect was delivered.
    fn look(mut self, now: Timestamp) -> Result<(Self, Plan), Impossible> {
        let then = match self.life {
            Life::At { .. } | Life::Parked { .. } => self.next(now).then(),
            Life::Ended { .. } => Then::End,
        };
        let plan = self.standstill(then)?;
        self.revision = self.revision.next();
        Ok((self, plan))
    }

    /// A plan that changes nothing but the head.
    fn standstill(&self, then: Then) -> Result<Plan, Impossible> {
        Ok(Plan {
            head: self.head(then)?,
            state: None,
            parts: Vec::new(),
            seen: self.seen,
            consume: None,
            entry: None,
            effect: None,
            then,
        })
    }

    /// The head that says how the run stands.
    pub(super) fn head(&self, then: Then) -> Result<Head, Impossible> {
        let parent = self.identity.parent.as_ref();
        let (status, hot) = match &self.life {
            Life::At { call, .. } => {
                let status = match then {
                    Then::Go => Status::Ready,
                    Then::Rest { .. } | Then::End => Status::Waiting,
                };
                (status, Hot::new(std::slice::from_ref(call), parent, None))
            }
            Life::Parked { call, reason, .. } => {
                (Status::Parked, Hot::new(std::slice::from_ref(call), parent, Some(reason)))
            }
            Life::Ended { status, .. } => (*status, Hot::new(&[], parent, None)),
        };
        let body = hot.write().map_err(|cause| self.identity.unwritable(cause))?;
        Ok(Head { status, at: self.state().to_owned(), version: self.version, body })
    }
}

impl super::Identity {
    /// The error for what the library itself writes.
    pub(super) fn unwritable(&self, cause: serde_json::Error) -> Impossible {
        Impossible::Unwritable { run: self.id.clone(), cause }
    }
}

impl super::Cause {
    /// Whether it is the outcome of a call of this kind.
    fn answers(self, waiting_for: &WaitingFor) -> bool {
        match waiting_for {
            WaitingFor::Start => matches!(self, Self::Started),
            WaitingFor::Step { .. } => matches!(self, Self::Step(_)),
            WaitingFor::Timer { .. } => matches!(self, Self::Timer),
            WaitingFor::Signal { .. } => matches!(self, Self::Signal(_)),
            WaitingFor::Child { .. } => matches!(self, Self::Child(_)),
        }
    }
}

impl Life {
    /// Where the run stands, for errors.
    fn words(&self) -> String {
        match self {
            Self::At { state, call: Call { waiting_for, .. } } => {
                format!("is at the state `{state}` ({waiting_for:?})")
            }
            Self::Parked { state, .. } => format!("is parked at the state `{state}`"),
            Self::Ended { status, .. } => format!("is {status}"),
        }
    }
}
