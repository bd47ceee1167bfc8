//! What a run waits for, as a snapshot shows it.

use serde::{Deserialize, Serialize};

use crate::{
    store::{Revision, RunId},
    suspend::Rule,
    time::Timestamp,
};

/// A call that a run performs or waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "CallWire", into = "CallWire")]
pub struct Call {
    /// Which branch of a join makes the call: its number, after those of the joins around it (`1.0`). Empty outside of joins;
    /// `u:` and a number for a call that undoes what was done.
    pub branch: String,
    /// The name of the state that the branch is at, if the branch is a block that has run up to an await of its own.
    pub at: Option<String>,
    /// What is performed or waited for.
    pub waiting_for: WaitingFor,
    /// When the wait is given up: the end of its `.timeout(…)`.
    pub until: Option<Timestamp>,
    /// The run's revision when it came to this call.
    pub entered: Revision,
    /// Which attempt this is, counted from 1.
    pub attempt: u32,
    /// When the attempt is made, if it is not the first one.
    pub retry: Option<Retrying>,
    /// The idempotency key: the same for all attempts of this call, and for no other call.
    pub key: String,
}

/// Another attempt of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Retrying {
    /// When it is made.
    pub due: Timestamp,
    /// When the first of the attempts that count was made.
    pub began: Timestamp,
    /// How many attempts don't count any more, since an operator had the call retried after them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub forgiven: u32,
}

/// What a run performs or waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub enum WaitingFor {
    /// A worker that starts it, or one of its branches.
    Start,
    /// A step that is run.
    Step {
        /// The step's name.
        name: String,
    },
    /// A time.
    Timer {
        /// When the wait ends, by the store's clock.
        until: Timestamp,
    },
    /// A message from outside.
    Signal {
        /// The signal's name.
        name: String,
    },
    /// The end of another run.
    Child {
        /// That run's id.
        id: RunId,
    },
    /// Nothing: a run of its own was started, whose id is what the call gives.
    Spawn {
        /// That run's id.
        id: RunId,
    },
    /// Branches.
    Group(GroupCall),
}

/// Branches that are performed at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupCall {
    /// When they are over.
    pub rule: Rule,
    /// How many there are.
    pub of: u32,
    /// How many of them may be at work at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// How many of them have been started, those that have ended included: the first ones.
    pub started: u32,
    /// When the first ones were started.
    pub began: Timestamp,
    /// The step that each branch begins with, or one for all; empty for a branch that begins with anything else.
    ///
    /// A branch that has just been started needs no record of its own: this says what it performs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first: Vec<String>,
}

/// The JSON of a [`Call`]. The end of its time stands beside what it waits for.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CallWire {
    branch: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    waiting_for: Wire,
    entered: Revision,
    attempt: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry: Option<Retrying>,
    key: String,
}

/// The JSON of a [`WaitingFor`]: `{"signal": "Approval", "until": "…"}`, `{"until": "…"}` for a timer, `{}` for a start.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signal: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    child: Option<RunId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spawn: Option<RunId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<GroupCall>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timer: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

impl From<Call> for CallWire {
    fn from(call: Call) -> Self {
        let Call { branch, at, waiting_for, until, entered, attempt, retry, key } = call;
        Self { branch, at, waiting_for: Wire::of(waiting_for, until), entered, attempt, retry, key }
    }
}

impl TryFrom<CallWire> for Call {
    type Error = &'static str;

    fn try_from(wire: CallWire) -> Result<Self, Self::Error> {
        let CallWire { branch, at, waiting_for, entered, attempt, retry, key } = wire;
        let (waiting_for, until) = waiting_for.read()?;
        Ok(Self { branch, at, waiting_for, until, entered, attempt, retry, key })
    }
}

impl From<WaitingFor> for Wire {
    fn from(waiting_for: WaitingFor) -> Self {
        Self::of(waiting_for, None)
    }
}

impl TryFrom<Wire> for WaitingFor {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        match wire.read()? {
            (waiting_for, None) => Ok(waiting_for),
            (_, Some(_)) => Err("`until` belongs to the call"),
        }
    }
}

impl Wire {
    /// What is waited for, and until when.
    fn of(waiting_for: WaitingFor, until: Option<Timestamp>) -> Self {
        let wire = Self { until, ..Self::default() };
        match waiting_for {
            WaitingFor::Start => wire,
            WaitingFor::Step { name } => Self { step: Some(name), ..wire },
            // A timer that may be given up names both times; else there is but one to be named.
            WaitingFor::Timer { until: timer } if until.is_some() => Self { timer: Some(timer), ..wire },
            WaitingFor::Timer { until } => Self { until: Some(until), ..wire },
            WaitingFor::Signal { name } => Self { signal: Some(name), ..wire },
            WaitingFor::Child { id } => Self { child: Some(id), ..wire },
            WaitingFor::Spawn { id } => Self { spawn: Some(id), ..wire },
            WaitingFor::Group(group) => Self { group: Some(group), ..wire },
        }
    }

    /// What is waited for, and until when.
    fn read(self) -> Result<(WaitingFor, Option<Timestamp>), &'static str> {
        let Self { step, signal, child, spawn, group, timer, until } = self;
        let mut named = [
            step.map(|name| WaitingFor::Step { name }),
            signal.map(|name| WaitingFor::Signal { name }),
            child.map(|id| WaitingFor::Child { id }),
            spawn.map(|id| WaitingFor::Spawn { id }),
            group.map(WaitingFor::Group),
            timer.map(|until| WaitingFor::Timer { until }),
        ]
        .into_iter()
        .flatten();
        match (named.next(), named.next(), until) {
            (Some(one), None, until) => Ok((one, until)),
            (None, None, Some(until)) => Ok((WaitingFor::Timer { until }, None)),
            (None, None, None) => Ok((WaitingFor::Start, None)),
            (Some(_) | None, Some(_), _) => Err(
                "a call waits for one of `step`, `signal`, `child`, `spawn`, `group`, `timer` and `until`",
            ),
        }
    }
}

/// Whether a number need not be written.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
