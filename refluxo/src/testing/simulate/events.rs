//! What happened in a simulation, for whoever looks for the cause of a failure.

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    store::RunId,
    time::{Clock, Timestamp},
};

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// The worker of this number: one that takes the place of another has a number of its own.
    Worker(u32),
    /// What sends signals and orders.
    Client,
    /// What no worker does.
    World,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub(super) struct Event {
    at: Timestamp,
    who: Who,
    what: &'static str,
    run: Option<RunId>,
    detail: Detail,
}

/// What else there is to tell.
#[derive(Clone, Debug)]
pub(super) enum Detail {
    Nothing,
    Number(u64),
    Text(Cow<'static, str>),
    Step(&'static str, u32),
}

/// All that has happened, in order.
#[derive(Clone, Debug)]
pub(super) struct Events {
    clock: Arc<dyn Clock>,
    all: Arc<Mutex<Vec<Event>>>,
}

impl Events {
    /// None yet.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, all: Arc::default() }
    }

    pub(super) fn tell(&self, who: Who, what: &'static str, run: Option<&RunId>, detail: Detail) {
        let event = Event { at: self.clock.now(), who, what, run: run.cloned(), detail };
        self.all.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }

    /// All that has happened until now, in words.
    pub(super) fn words(&self) -> Vec<String> {
        self.last(usize::MAX)
    }

    /// The last of them, in words.
    pub(super) fn last(&self, count: usize) -> Vec<String> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all[all.len().saturating_sub(count)..].iter().map(ToString::to_string).collect()
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, who, what, run, detail } = self;
        write!(f, "{at} {who}: {what}")?;
        run.iter().try_for_each(|run| write!(f, " {run}"))?;
        match detail {
            Detail::Nothing => Ok(()),
            Detail::Number(number) => write!(f, " {number}"),
            Detail::Text(text) => write!(f, " {text}"),
            Detail::Step(step, attempt) => write!(f, " {step}, attempt {attempt}"),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker(number) => write!(f, "worker {number}"),
            Self::Client => f.write_str("client"),
            Self::World => f.write_str("world"),
        }
    }
}
