//! What a run leaves behind: its calls, in order, and its outcome.

use std::{
    cell::{Cell, RefCell},
    fmt, mem,
    time::Duration,
};

use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

thread_local! {
    /// The calls of the run that this thread is driving.
    static CALLS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };

    /// When that run began, if its calls are noted with their times.
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// One program with one input, ready to run (as often as one likes) in one of the two ways.
pub struct Case {
    /// The program's name.
    pub name: &'static str,
    /// Runs it on this thread.
    pub run: Box<dyn Fn() -> Trace>,
}

/// Everything that can be seen of a run from outside.
#[derive(Debug, PartialEq)]
pub struct Trace {
    /// Each step, sleep and signal with its arguments, in the order of the calls.
    pub calls: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a run ended.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    /// With this value.
    Returned(Value),
    /// With a panic in the workflow's own code.
    Panicked,
    /// Not at all: the reason. Never equal to what plain code does.
    Stuck(String),
}

impl Outcome {
    /// The outcome of a run that returned `output`.
    ///
    /// # Panics
    /// If the output has no JSON form.
    pub fn returned<T: Serialize>(output: &T) -> Self {
        Self::Returned(serde_json::to_value(output).expect("a program's output has a JSON form"))
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for call in &self.calls {
            writeln!(f, "    {call}")?;
        }
        match &self.outcome {
            Outcome::Returned(value) => write!(f, "    -> {value}"),
            Outcome::Panicked => write!(f, "    -> panicked"),
            Outcome::Stuck(reason) => write!(f, "    -> stuck: {reason}"),
        }
    }
}

/// Notes a call. Every step does so first, with all its arguments as one tuple.
///
/// # Panics
/// If the arguments have no JSON form.
pub fn record(name: &str, arguments: impl Serialize) {
    let arguments = serde_json::to_string(&arguments).expect("a step's arguments have a JSON form");
    let time = BEGAN.get().map(|_| format!("{:>6} ms: ", elapsed().as_millis())).unwrap_or_default();
    CALLS.with_borrow_mut(|calls| calls.push(format!("{time}{name} {arguments}")));
}

/// From now on calls are noted with the virtual time since now.
pub fn begin_timing() {
    BEGAN.set(Some(Instant::now()));
}

/// The virtual time since then.
#[must_use]
pub fn elapsed() -> Duration {
    BEGAN.get().map_or(Duration::ZERO, |began| began.elapsed())
}

/// The calls since the last time, leaving none.
#[must_use]
pub fn take_calls() -> Vec<String> {
    CALLS.with_borrow_mut(mem::take)
}
