//! What a run waits for, as a snapshot shows it.

use serde::{Deserialize, Serialize};

use crate::{
    store::{Revision, RunId},
    time::Timestamp,
};

/// A call that a run performs or waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Call {
    /// Which branch of a join makes the call; empty outside of joins.
    pub branch: String,
    /// What is performed or waited for.
    pub waiting_for: WaitingFor,
    /// The run's revision when it came to this call.
    pub entered: Revision,
    /// Which attempt this is, counted from 1.
    pub attempt: u32,
    /// The idempotency key: the same for all attempts of this call, and for no other call.
    pub key: String,
}

/// What a run performs or waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub enum WaitingFor {
    /// A worker that starts it.
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
}

/// The JSON of a [`WaitingFor`]: `{"signal": "Approval"}`, `{"until": "…"}`, `{}` for a start.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signal: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    child: Option<RunId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

impl From<WaitingFor> for Wire {
    fn from(waiting_for: WaitingFor) -> Self {
        let mut wire = Self::default();
        match waiting_for {
            WaitingFor::Start => {}
            WaitingFor::Step { name } => wire.step = Some(name),
            WaitingFor::Timer { until } => wire.until = Some(until),
            WaitingFor::Signal { name } => wire.signal = Some(name),
            WaitingFor::Child { id } => wire.child = Some(id),
        }
        wire
    }
}

impl TryFrom<Wire> for WaitingFor {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        match wire {
            Wire { step: None, signal: None, child: None, until: None } => Ok(Self::Start),
            Wire { step: Some(name), signal: None, child: None, until: None } => Ok(Self::Step { name }),
            Wire { step: None, signal: Some(name), child: None, until: None } => Ok(Self::Signal { name }),
            Wire { step: None, signal: None, child: Some(id), until: None } => Ok(Self::Child { id }),
            Wire { step: None, signal: None, child: None, until: Some(until) } => Ok(Self::Timer { until }),
            Wire { .. } => Err("a call waits for one of `step`, `signal`, `child` and `until`"),
        }
    }
}
