//! The durable way: a program is a machine.
//!
//! It is run twice, and both runs must leave the same trace: on snapshots that go through JSON text at every await
//! (`snapshots`), and with its state kept in memory, as a worker does between the steps of one turn (`live`).

mod live;
mod snapshots;

use refluxo::machine::Machine;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    clock,
    script::{self, Sent},
    trace::{self, Case, Outcome, Trace},
};

#[path = "../steps.rs"]
#[expect(clippy::duplicate_mod, reason = "the same steps, mounted both ways, are the point of this suite")]
pub mod steps;

/// What a program sees when it is mounted as a machine.
pub mod prelude {
    pub use super::{
        case,
        injected::*,
        steps::{self, *},
    };
    pub use crate::{cases, types::*};
    pub use refluxo::{prelude::*, time::Timestamp};
}

/// What the steps see when they are mounted as steps.
mod step_prelude {
    pub(super) use refluxo::step;
}

/// The steps with injected parameters.
mod injected {
    use refluxo::prelude::*;

    use crate::{trace::record, types::Ledger};

    /// Books an amount in the ledger that was provided.
    #[step]
    pub async fn book(#[inject] ledger: &Ledger, account: &str, amount: u64) -> u64 {
        ledger.book(account, amount)
    }

    /// Says which step is running.
    #[step]
    pub async fn who_am_i(#[inject] cx: &StepContext, greeting: String) -> String {
        record("who_am_i", &greeting);
        format!("{greeting}, {}", cx.step())
    }
}

/// More transitions than any program makes.
const TRANSITIONS_MAX: usize = 10_000;

/// One program with one input, run as a machine.
pub fn case<M>(
    name: &'static str,
    call: impl Fn() -> M + 'static,
    signals: impl Fn() -> Vec<Sent> + 'static,
) -> Case
where
    M: Machine + Serialize + DeserializeOwned,
{
    live::remember::<M>();
    let run = move || {
        let stored = traced(signals(), || snapshots::run(&call()));
        let live = traced(signals(), || live::run(call()));
        agreed(stored, &live)
    };
    Case { name, run: Box::new(run) }
}

/// The trace of a run.
fn traced(signals: Vec<Sent>, run: impl FnOnce() -> Outcome) -> Trace {
    script::load(signals);
    clock::restart();
    let outcome = run();
    Trace { calls: trace::take_calls(), outcome }
}

/// The trace of both runs.
fn agreed(stored: Trace, live: &Trace) -> Trace {
    if stored == *live {
        return stored;
    }
    let reason =
        format!("with its state in memory it does this:\n{live}\n    and on snapshots this:\n{stored}");
    Trace { calls: Vec::new(), outcome: Outcome::Stuck(reason) }
}
