//! An entry of a run's history: who did what, when, and where it led.

use bytes::Bytes;
use serde::Serialize;

use super::event::{Cause, StepRun};
use crate::{
    snapshot::{Call, ParkReason, WaitingFor},
    time::Timestamp,
};

/// One commit as the history tells it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Story<'a> {
    /// The state that the run was at.
    from: &'a str,
    /// The call that it was at there.
    call: &'a WaitingFor,
    /// Which attempt of the call this was.
    attempt: u32,
    /// The idempotency key of the call.
    key: &'a str,
    /// When the step began; absent for other calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    started: Option<Timestamp>,
    /// When the step, or the wait, ended.
    ended: Timestamp,
    /// What came of it.
    #[serde(flatten)]
    outcome: StoryOutcome<'a>,
}

/// What came of a call.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum StoryOutcome<'a> {
    /// The run went on to this state.
    To(&'a str),
    /// The function returned; the word is the run's last status.
    End(&'static str),
    /// The run was parked.
    Parked(&'a ParkReason),
}

impl<'a> Story<'a> {
    /// What came of a call whose outcome moved the run on.
    pub(crate) fn moved(
        from: &'a str,
        call: &'a Call,
        cause: Cause,
        now: Timestamp,
        outcome: StoryOutcome<'a>,
    ) -> Self {
        let (started, ended) = match cause {
            Cause::Step(StepRun { started, ended }) => (Some(started), ended),
            Cause::Started | Cause::Timer | Cause::Signal(_) | Cause::Child(_) => (None, now),
        };
        Self { started, ..Self::stuck(from, call, ended, outcome) }
    }

    /// What came of a call that got stuck.
    pub(crate) fn stuck(from: &'a str, call: &'a Call, now: Timestamp, outcome: StoryOutcome<'a>) -> Self {
        Self {
            from,
            call: &call.waiting_for,
            attempt: call.attempt,
            key: &call.key,
            started: None,
            ended: now,
            outcome,
        }
    }

    /// Its JSON.
    pub(crate) fn write(&self) -> Result<Bytes, serde_json::Error> {
        serde_json::to_vec(self).map(Bytes::from)
    }
}
