//! The plain way: a program is an async function, polled to its end in memory.

#![allow(clippy::unused_async, reason = "what stands for an await has to be awaited")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;

use crate::{
    clock,
    poll::poll_once,
    script::{self, Sent},
    trace::{self, Case, Outcome, Trace},
};

#[path = "steps.rs"]
pub mod steps;

/// What a program sees when it is mounted as plain code.
pub mod prelude {
    pub use super::{
        case,
        injected::*,
        signal, sleep, sleep_until,
        steps::{self, *},
    };
    pub use crate::{cases, types::*};
    pub use refluxo::prelude::{Deserialize, Serialize, Signal};
    pub use refluxo::time::Timestamp;
    pub use refluxo_tests_plain::{step, workflow};
}

/// What the steps see when they are mounted as plain code.
mod step_prelude {
    pub(super) use refluxo_tests_plain::step;
}

/// The steps with injected parameters, which plain code calls without them.
mod injected {
    use crate::types::Ledger;

    /// Books an amount; see its durable twin.
    pub async fn book(account: &str, amount: u64) -> u64 {
        Ledger.book(account, amount)
    }

    /// Says which step is running; see its durable twin.
    pub async fn who_am_i(greeting: String) -> String {
        crate::trace::record("who_am_i", &greeting);
        format!("{greeting}, who_am_i")
    }
}

/// Passes at once, and is noted like a call.
pub async fn sleep(duration: std::time::Duration) {
    clock::wait_for(duration);
}

/// Passes at once, and is noted like a call.
pub async fn sleep_until(due: impl Into<refluxo::time::Timestamp>) {
    clock::wait_until(due.into());
}

/// The next signal of the script.
///
/// # Panics
/// If the script has no more of this type.
pub async fn signal<S: refluxo::prelude::Signal>() -> S {
    trace::record("signal", S::NAME);
    let payload = script::next(S::NAME).expect("the script has a signal for each wait");
    serde_json::from_value(payload).expect("a signal comes back from JSON")
}

/// One program with one input, run as plain async code.
pub fn case<F>(
    name: &'static str,
    call: impl Fn() -> F + 'static,
    signals: impl Fn() -> Vec<Sent> + 'static,
) -> Case
where
    F: Future<Output: Serialize>,
{
    Case { name, run: Box::new(move || run(&call, signals())) }
}

fn run<F: Future<Output: Serialize>>(call: &impl Fn() -> F, signals: Vec<Sent>) -> Trace {
    script::load(signals);
    clock::restart();
    let outcome = match catch_unwind(AssertUnwindSafe(|| poll_once(call()))) {
        Ok(Some(output)) => Outcome::returned(&output),
        Ok(None) => Outcome::Stuck("plain code waits for nothing".to_owned()),
        Err(_panic) => Outcome::Panicked,
    };
    Trace { calls: trace::take_calls(), outcome }
}
