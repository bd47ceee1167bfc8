//! Programs that do several things at once, in virtual time.
//!
//! The basic idea is as follows: tokio's own `join!`, `select!` and `timeout` say what a program means, and both ways run on
//! tokio's paused clock, so that every call has its exact time. Calls at one instant have no order, so a trace here is sorted.
//! The durations of a program are distinct primes: no two events of it fall together.
//!
//! In reading order: [`plain`] is what the forms of a program mean, [`runs`] what becomes of a child that fails or that nobody awaits
//! any more, and [`durable`] the other way.

pub mod durable;
pub mod plain;
pub mod runs;

use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use refluxo::{prelude::Signal, time::Timestamp};

use crate::{
    script::Sent,
    trace::{self, Outcome, Trace},
};

/// When every run starts: at the beginning of 2026.
const START: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// So many milliseconds after the start.
#[must_use]
pub fn at(ms: u64) -> Timestamp {
    START.saturating_add(Duration::from_millis(ms))
}

/// A signal on its way.
#[derive(Clone, Debug)]
pub struct Arrival {
    after: Duration,
    sent: Sent,
}

impl Arrival {
    /// A signal that comes so many milliseconds after the start.
    pub fn new<S: Signal + Serialize>(after_ms: u64, signal: &S) -> Self {
        Self { after: Duration::from_millis(after_ms), sent: Sent::new(signal) }
    }
}

/// Lists the inputs that the programs of a file are run with: `program(arguments);` or, for a program that waits for
/// signals, `program(arguments) with [17 => First { .. }, 23 => Second { .. }];`, with the milliseconds after which they come.
#[macro_export]
macro_rules! timed_cases {
    ($($program:ident($($argument:expr),* $(,)?) $(with [$($after:expr => $signal:expr),* $(,)?])?;)*) => {
        /// Every program of this file with its inputs.
        pub fn cases() -> Vec<$crate::Case> {
            vec![$(
                case(
                    stringify!($program),
                    || $program($($argument),*),
                    || vec![$($($crate::concurrent::Arrival::new($after, &$signal)),*)?],
                )
            ),*]
        }
    };
}

/// Longer than anything that a program does, so that what it left running comes to its end.
const AFTERWARDS: Duration = Duration::from_hours(24);

/// The trace of a run in virtual time.
fn traced(run: impl Future<Output = Outcome>) -> Trace {
    let outcome = in_virtual_time(async {
        trace::begin_timing();
        run.await
    });
    let mut calls = trace::take_calls();
    calls.sort();
    Trace { calls, outcome }
}

/// Runs something on a clock that jumps.
fn in_virtual_time<T>(run: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    tokio::task::LocalSet::new().block_on(&runtime.expect("a runtime can be built"), run)
}

/// Has each signal sent at its time.
async fn arrive(arrivals: Vec<Arrival>, send: impl AsyncFn(Sent)) {
    let began = Instant::now();
    for Arrival { after, sent } in arrivals {
        sleep_until(began + after).await;
        send(sent).await;
    }
}

/// What a run gives while something else happens beside it. What it left running comes to its end, too.
async fn beside<T>(meanwhile: impl Future, run: impl Future<Output = T>) -> T {
    let meanwhile = async {
        meanwhile.await;
        std::future::pending().await
    };
    let value = tokio::select! {
        value = run => value,
        value = meanwhile => value,
    };
    tokio::time::sleep(AFTERWARDS).await;
    value
}
