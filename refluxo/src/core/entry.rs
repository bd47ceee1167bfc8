//! An entry of a run's history: who did what, when, and where it led.

use bytes::Bytes;
use serde::Serialize;

use super::{
    Impossible, Run,
    draft::Draft,
    event::{Cause, StepRun},
    letter::{Verb, VerbLetter},
};
use crate::{
    observer::AttemptOutcome,
    snapshot::{Call, ParkReason, WaitingFor, own_json},
    time::Timestamp,
};

/// The longest text that somebody else wrote, in bytes: what an error says, or why an operator wants something. A history has
/// many entries.
const MAX_TEXT_BYTES: usize = 1_000;

/// A text of somebody else's, cut off where it is too long for a history.
pub(crate) fn bounded(mut text: String) -> String {
    if text.len() > MAX_TEXT_BYTES {
        text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES));
        text.push('…');
    }
    text
}

/// One call as the history tells it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Story<'a> {
    /// The state that the run was at.
    from: &'a str,
    /// The branch that made the call; absent outside of joins.
    #[serde(skip_serializing_if = "str::is_empty")]
    branch: &'a str,
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
    /// How the step ended; absent for other calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<AttemptOutcome>,
    /// What its error or its panic said, cut off where it is long.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    /// Whether it ended because it took longer than its `.timeout(…)`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    elapsed: bool,
    /// What came of it.
    #[serde(flatten)]
    outcome: StoryOutcome<'a>,
}

/// What came to a call.
#[derive(Clone, Copy)]
pub(super) struct Came<'a> {
    pub(super) cause: Cause,
    /// What the error says, if it is one.
    pub(super) words: Option<&'a str>,
}

impl Came<'_> {
    /// What has no words.
    pub(super) fn of(cause: Cause) -> Self {
        Self { cause, words: None }
    }
}

/// What came of a call.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum StoryOutcome<'a> {
    /// The run, or its branch, went on to this state.
    To(&'a str),
    /// The branch ended; whether it gave an `Err`.
    BranchEnd {
        /// Whether that was an `Err`.
        failed: bool,
    },
    /// The function returned; the word is the run's last status.
    End(&'static str),
    /// The function returned an `Err`, and what the run did is undone.
    Undoes(&'static str),
    /// It is tried again at this time.
    Again(Timestamp),
    /// It was an undo call, and is done.
    Undone(bool),
    /// The run was parked.
    Parked(&'a ParkReason),
    /// Nobody waited for it: it may have been done or not.
    Unknown(bool),
}

/// What an operator wanted, as the history tells it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    /// The state that the run was at.
    from: &'a str,
    /// What was wanted.
    verb: Verb,
    /// By whom, and why.
    #[serde(flatten)]
    letter: &'a VerbLetter,
    /// When it was asked for.
    asked: Timestamp,
    /// Whether that changed anything.
    heeded: bool,
}

impl Run {
    /// Notes what came of a call.
    pub(super) fn note(
        &self,
        draft: &mut Draft,
        call: &Call,
        came: Option<Came<'_>>,
        now: Timestamp,
        outcome: StoryOutcome<'_>,
    ) -> Result<(), Impossible> {
        let cause = came.map(|came| came.cause);
        let (started, result, ended) = match cause {
            Some(Cause::Step(StepRun { started, ended, how })) => (Some(started), Some(how), ended),
            Some(
                Cause::Started
                | Cause::Timer
                | Cause::Signal(_)
                | Cause::Child(_)
                | Cause::Spawned
                | Cause::Elapsed
                | Cause::Empty,
            )
            | None => (None, None, now),
        };
        let story = Story {
            from: self.state(),
            branch: &call.branch,
            call: &call.waiting_for,
            attempt: call.attempt,
            key: &call.key,
            started,
            ended,
            result,
            error: came.and_then(|came| came.words),
            elapsed: cause == Some(Cause::Elapsed),
            outcome,
        };
        draft.entries.push(self.written(&story)?);
        Ok(())
    }

    /// Notes what an operator wanted.
    pub(super) fn note_verb(
        &self,
        draft: &mut Draft,
        verb: Verb,
        letter: &VerbLetter,
        asked: Timestamp,
        heeded: bool,
    ) -> Result<(), Impossible> {
        draft.entries.push(self.written(&Told { from: self.state(), verb, letter, asked, heeded })?);
        Ok(())
    }

    /// An entry's JSON.
    fn written(&self, entry: &impl Serialize) -> Result<Bytes, Impossible> {
        own_json(entry).map_err(|cause| self.identity.unwritable(cause))
    }
}
