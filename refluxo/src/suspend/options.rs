//! What `#[step(…)]` says of the attempts to run a step.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::machine::Outcome;

/// How a step is run: generated from the options of `#[step]`.
#[derive(Clone, Copy, Debug)]
pub struct StepSpec {
    /// When it is run again.
    pub retry: Retry,
    /// How long an attempt may take.
    pub timeout: Option<StepTimeout>,
    /// How many attempts of this step may be at work at once in one engine.
    pub concurrency: Option<u32>,
    /// Whether its body writes in the store's transaction: [`StepTask::run_in`](super::StepTask::run_in) runs it.
    pub transaction: bool,
    /// Tells a failed attempt from a good one.
    pub judge: fn(&Outcome) -> Judged,
}

impl StepSpec {
    /// A step that runs once, whatever it returns.
    pub const ONCE: Self = Self {
        retry: Retry::NONE,
        timeout: None,
        concurrency: None,
        transaction: false,
        judge: |_| Judged::Good,
    };
}

/// When a step that failed is run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How many attempts there are, the first one included.
    pub attempts: u32,
    /// How the pauses between them grow.
    pub backoff: Backoff,
    /// The first pause.
    pub initial: Duration,
    /// The longest pause.
    pub max: Duration,
    /// Whether the second half of each pause is random.
    pub jitter: bool,
    /// No attempt begins later than this after the first one began.
    pub total: Option<Duration>,
}

impl Retry {
    /// One attempt.
    pub const NONE: Self = Self {
        attempts: 1,
        backoff: Backoff::Exponential,
        initial: Duration::from_secs(1),
        max: Duration::from_mins(1),
        jitter: true,
        total: None,
    };

    /// What `retry()` means where it says nothing else: three attempts, pauses that double from one second up to a minute, with jitter.
    pub const DEFAULT: Self = Self { attempts: 3, ..Self::NONE };
}

/// How the pauses between attempts grow. The pause after the attempt `n` is, up to the longest pause:
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backoff {
    /// `initial`.
    Constant,
    /// `initial * n`.
    Linear,
    /// `initial * 2^(n - 1)`.
    Exponential,
}

/// How long an attempt may take, and what it gives if it takes longer.
#[derive(Clone, Copy, Debug)]
pub struct StepTimeout {
    /// The longest time of one attempt.
    pub after: Duration,
    /// Makes the step's output of it.
    pub outcome: fn(TimedOut) -> Outcome,
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// The output goes to the workflow.
    Good,
    /// The step returned an `Err`.
    Failed {
        /// Whether the predicate of `if = …` is for another attempt.
        again: bool,
        /// What the error says, for the run's history; none if it has neither `Display` nor `Debug`.
        words: Option<String>,
    },
}

/// An attempt of a step took longer than its `timeout`. A step with one returns a `Result` whose error can be made of this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimedOut {
    /// The step's name.
    pub step: String,
    /// The time that it had.
    pub after: Duration,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an attempt of the step `{}` took longer than {:?}", self.step, self.after)
    }
}

impl std::error::Error for TimedOut {}
