//! What the runs of a test did.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::VirtualClock;
use crate::{
    observer::Event,
    store::{Revision, Status},
    suspend::{StepContext, StepTask},
    time::{Clock, Timestamp},
};

/// What the runs of a test did, in the order in which it happened; over crashes, too.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Recording {
    /// The attempts to run steps.
    pub calls: Vec<RecordedCall>,
    /// The states that runs reached.
    pub transitions: Vec<RecordedTransition>,
}

/// An attempt to run a step.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RecordedCall {
    /// The run's id.
    pub run: String,
    /// The step's name.
    pub step: &'static str,
    /// The arguments, by name.
    pub arguments: Value,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// The call's idempotency key: one for all attempts.
    pub key: String,
    /// When it began.
    pub began: Timestamp,
    /// When it ended, and how; `None` while it runs.
    pub end: Option<(Timestamp, CallEnd)>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// It returned something other than an `Err`.
    Returned,
    /// It returned an `Err`.
    Failed,
    /// It panicked.
    Panicked,
    /// It was dropped before it was ready: it took longer than its timeout, lost a `select!`, was cancelled, or its worker
    /// crashed.
    Dropped,
}

/// A state that a run reached, as it was stored.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RecordedTransition {
    /// The run's id.
    pub run: String,
    /// The state's name; of a run that has ended, the last one's.
    pub at: String,
    /// How the run stood.
    pub status: Status,
    /// How many commits it had had.
    pub revision: Revision,
    /// When it was reached.
    pub when: Timestamp,
}

impl Recording {
    /// The attempts to run the step of this name.
    pub fn of<'a>(&'a self, step: &'a str) -> impl Iterator<Item = &'a RecordedCall> {
        self.calls.iter().filter(move |call| call.step == step)
    }

    /// How many attempts there were to run the step of this name.
    #[must_use]
    pub fn count(&self, step: &str) -> usize {
        self.of(step).count()
    }

    /// The names of the steps, in the order in which their attempts began.
    pub fn steps(&self) -> impl Iterator<Item = &'static str> {
        self.calls.iter().map(|call| call.step)
    }

    /// The names of the states that this run reached.
    pub fn states<'a>(&'a self, run: &'a str) -> impl Iterator<Item = &'a str> {
        self.transitions.iter().filter(move |reached| reached.run == run).map(|reached| reached.at.as_str())
    }
}

/// Writes a recording.
#[derive(Debug)]
pub(super) struct Recorder {
    clock: VirtualClock,
    recording: Mutex<Recording>,
}

/// An attempt that runs; dropped without a word, it was dropped.
pub(super) struct Running {
    recorder: Arc<Recorder>,
    number: usize,
}

impl Recorder {
    pub(super) fn new(clock: VirtualClock) -> Self {
        Self { clock, recording: Mutex::default() }
    }

    /// What was recorded so far.
    pub(super) fn read(&self) -> MutexGuard<'_, Recording> {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that an attempt begins.
    pub(super) fn begin(self: &Arc<Self>, task: &dyn StepTask, context: &StepContext) -> Running {
        let mut json = Vec::new();
        // What can't be written was refused when the state was stored.
        let arguments = task.arguments(&mut json).and_then(|()| serde_json::from_slice(&json));
        let mut recording = self.read();
        recording.calls.push(RecordedCall {
            run: context.run_id().to_owned(),
            step: task.name(),
            arguments: arguments.unwrap_or(Value::Null),
            attempt: context.attempt(),
            key: context.idempotency_key().to_owned(),
            began: self.clock.now(),
            end: None,
        });
        Running { recorder: self.clone(), number: recording.calls.len() - 1 }
    }

    /// Records that a run has reached a state.
    pub(super) fn hear(&self, event: &Event) {
        let Event::Reached(reached) = event else { return };
        self.read().transitions.push(RecordedTransition {
            run: reached.run.to_string(),
            at: reached.at.clone(),
            status: reached.status,
            revision: reached.revision,
            when: self.clock.now(),
        });
    }
}

impl Running {
    /// Records how it ended.
    pub(super) fn end(self, end: CallEnd) {
        self.note(end);
    }

    fn note(&self, end: CallEnd) {
        let now = self.recorder.clock.now();
        self.recorder.read().calls[self.number].end.get_or_insert((now, end));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.note(if std::thread::panicking() { CallEnd::Panicked } else { CallEnd::Dropped });
    }
}
