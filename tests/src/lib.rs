//! The differential tests of `#[workflow]`: one program, run as plain async code and as a durable machine.
//!
//! The basic idea is as follows: a program is a source file that says `use super::prelude::*;` and is mounted twice.
//! Where [`plain::prelude`] is in scope, `#[workflow]` and `#[step]` do nothing, and `sleep` and `signal` are ordinary
//! async functions. Where [`durable::prelude`] is in scope, all of them are the real ones. Each way a run leaves a
//! [`Trace`]: every call with its arguments, in order, and what came out. The two traces must be equal.
//!
//! `cargo test -p refluxo-tests --test both_ways` runs the hand-written programs, and `--test random_programs` generated
//! ones, whose seeds can be chosen: see there.
//!
//! Programs that do several things at once are run in virtual time, both ways on tokio's paused clock: see [`concurrent`] and
//! `--test concurrent`.
//!
//! In reading order: [`trace`], [`script`] and `clock` are what both ways share; `steps.rs` holds the steps, mounted twice like
//! the programs; [`plain`] and [`durable`] are the two ways; [`compare`] puts them side by side.

mod clock;
pub mod compare;
pub mod concurrent;
pub mod durable;
pub mod plain;
mod poll;
pub mod script;
pub mod trace;
pub mod types;

pub use trace::{Case, Outcome, Trace};

/// Lists the inputs that the programs of a file are run with: `program(arguments);` or, for a program that waits for
/// signals, `program(arguments) with [First { .. }, Second { .. }];`, in the order in which they arrive.
#[macro_export]
macro_rules! cases {
    ($($program:ident($($argument:expr),* $(,)?) $(with [$($signal:expr),* $(,)?])?;)*) => {
        /// Every program of this file with its inputs.
        pub fn cases() -> Vec<$crate::Case> {
            vec![$(
                case(
                    stringify!($program),
                    || $program($($argument),*),
                    || vec![$($($crate::script::Sent::new(&$signal)),*)?],
                )
            ),*]
        }
    };
}
