//! What is compared of two runs.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use super::{
    RecordedCall,
    breaking::{Commits, Settled},
};
use crate::snapshot::{RunStatus, Snapshot};

/// All that is compared of a run.
pub(super) struct Trace {
    end: End,
    calls: Vec<RecordedCall>,
    commits: Commits,
}

/// How a run ended.
#[derive(Debug, PartialEq)]
struct End {
    status: RunStatus,
    output: Option<Value>,
    error: Option<String>,
}

/// What is compared of an attempt.
#[derive(PartialEq)]
struct Made<'a> {
    step: &'static str,
    arguments: &'a Value,
    attempt: u32,
}

impl<'a> Made<'a> {
    fn of(call: &'a RecordedCall) -> Self {
        Self { step: call.step, arguments: &call.arguments, attempt: call.attempt }
    }
}

impl Trace {
    /// Of a run that ended like this.
    pub(super) fn new(snapshot: Snapshot, calls: Vec<RecordedCall>, commits: Commits) -> Self {
        let output = snapshot.output.and_then(|output| serde_json::from_str(output.get()).ok());
        let error = snapshot.error.map(|reason| reason.to_string());
        Self { end: End { status: snapshot.status, output, error }, calls, commits }
    }

    /// How many commits were stored.
    pub(super) fn commits(&self) -> usize {
        self.commits.count
    }

    /// Compares a run that crashed with this one, which did not; the error tells how it differs.
    pub(super) fn compare(&self, crashed: &Self) -> Result<(), String> {
        if self.end != crashed.end {
            return Err("it ends otherwise".to_owned());
        }
        if let Some(call) = crashed.settled_and_made_again() {
            return Err(format!("the outcome of `{}` was stored, and yet it was run again", call.step));
        }
        let (expected, mut found) = (self.made(), crashed.made());
        for Made { step, arguments, attempt } in expected {
            let Some(n) = found.iter().position(|made| *made == Made { step, arguments, attempt }) else {
                return Err(format!("`{step}` is not run with {arguments}, attempt {attempt}"));
            };
            found.swap_remove(n);
        }
        match found.first() {
            None => Ok(()),
            Some(Made { step, arguments, attempt }) => {
                Err(format!("`{step}` is run besides with {arguments}, attempt {attempt}"))
            }
        }
    }

    /// The names of the steps whose attempts were made again.
    pub(super) fn repeated(&self) -> impl Iterator<Item = &'static str> {
        let is_again = |n: usize| {
            let call = &self.calls[n];
            self.calls[..n].iter().any(|other| attempt(other) == attempt(call))
        };
        (0..self.calls.len()).filter(move |n| is_again(*n)).map(|n| self.calls[n].step)
    }

    /// Every attempt once, however often it was made.
    ///
    /// Without its key, which tells in which commit the call was reached: where branches run side by side, a crash
    /// changes their order.
    fn made(&self) -> Vec<Made<'_>> {
        let first: BTreeMap<_, _> = self.calls.iter().rev().map(|call| (attempt(call), call)).collect();
        first.into_values().map(Made::of).collect()
    }

    /// An attempt that was made after its outcome was stored.
    fn settled_and_made_again(&self) -> Option<&RecordedCall> {
        self.commits.settled.iter().find_map(|Settled { key, attempt: number, calls }| {
            self.calls[*calls..].iter().find(|call| attempt(call) == (key, *number))
        })
    }
}

/// What names an attempt.
fn attempt(call: &RecordedCall) -> (&str, u32) {
    (&call.key, call.attempt)
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for RecordedCall { run, step, arguments, attempt, key, end, .. } in &self.calls {
            writeln!(
                f,
                "    {run}: {step} {arguments}, attempt {attempt}, key {key}, {:?}",
                end.map(|(_, end)| end)
            )?;
        }
        let End { status, output, error } = &self.end;
        write!(f, "    -> {status}")?;
        output.iter().try_for_each(|output| write!(f, " {output}"))?;
        error.iter().try_for_each(|error| write!(f, " {error}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::time::Timestamp;

    impl Trace {
        /// The attempts that were made, in order.
        pub(in crate::testing) fn attempts(&self) -> impl Iterator<Item = (&str, u32)> {
            self.calls.iter().map(attempt)
        }

        /// The attempts whose outcomes were stored, in order.
        pub(in crate::testing) fn settled(&self) -> impl Iterator<Item = (&str, u32)> {
            self.commits.settled.iter().map(|settled| (settled.key.as_str(), settled.attempt))
        }
    }

    /// A run that made the calls of these keys, after each of which it was stored.
    fn trace(keys: &[&str]) -> Trace {
        let call = |key: &&str| RecordedCall {
            run: "run".into(),
            step: "charge",
            arguments: json!({"key": key}),
            attempt: 1,
            key: (*key).into(),
            began: Timestamp::EPOCH,
            end: None,
        };
        let settled = |(n, key): (usize, &&str)| Settled { key: (*key).into(), attempt: 1, calls: n + 1 };
        Trace {
            end: End { status: RunStatus::Completed, output: Some(json!(1)), error: None },
            calls: keys.iter().map(call).collect(),
            commits: Commits { count: keys.len(), settled: keys.iter().enumerate().map(settled).collect() },
        }
    }

    /// How a run differs from one with the calls `a` and `b`.
    fn difference(crashed: &Trace) -> String {
        trace(&["a", "b"]).compare(crashed).expect_err("they differ")
    }

    #[test]
    fn a_call_whose_outcome_was_not_stored_may_be_made_again() {
        let mut crashed = trace(&["a", "a", "b"]);
        crashed.commits.settled.remove(0);
        assert_eq!(trace(&["a", "b"]).compare(&crashed), Ok(()));
        assert_eq!(crashed.repeated().collect::<Vec<_>>(), ["charge"]);
    }

    #[test]
    fn a_call_whose_outcome_was_stored_may_not() {
        assert_eq!(
            difference(&trace(&["a", "a", "b"])),
            "the outcome of `charge` was stored, and yet it was run again"
        );
    }

    #[test]
    fn a_call_that_is_missing_or_made_besides_is_a_difference() {
        assert_eq!(difference(&trace(&["a"])), r#"`charge` is not run with {"key":"b"}, attempt 1"#);
        assert_eq!(
            difference(&trace(&["a", "b", "c"])),
            r#"`charge` is run besides with {"key":"c"}, attempt 1"#
        );
    }

    #[test]
    fn other_arguments_are_a_difference() {
        let mut crashed = trace(&["a", "b"]);
        crashed.calls[1].arguments = json!({});
        assert_eq!(difference(&crashed), r#"`charge` is not run with {"key":"b"}, attempt 1"#);
    }

    #[test]
    fn another_end_is_a_difference() {
        let mut crashed = trace(&["a", "b"]);
        crashed.end.output = Some(json!(2));
        assert_eq!(difference(&crashed), "it ends otherwise");
    }
}
