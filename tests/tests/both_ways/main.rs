//! Hand-written programs, run as plain async code and as durable machines: same output, same calls.

use refluxo_tests::{Case, compare::both_ways};

mod coverage;
mod durable;
mod plain;

/// One test for each file of programs.
macro_rules! themes {
    ($($theme:ident)*) => {
        $(
            #[test]
            fn $theme() {
                both_ways(&plain::programs::$theme::cases(), &durable::programs::$theme::cases());
            }
        )*

        /// Every program of every theme with its inputs.
        fn all_cases() -> Vec<Case> {
            [$(plain::programs::$theme::cases()),*].into_iter().flatten().collect()
        }
    };
}

themes! {
    inferred control loops cursors iterators adapters patterns shadowing errors operands macros order moves borrows
    closures waits children calls shop processes
}
