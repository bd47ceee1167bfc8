//! Hand-written programs that do several things at once, run on tokio's own forms and as durable machines, in virtual time: same
//! output, same calls at the same times.

use std::collections::BTreeSet;

use refluxo_tests::compare::{both_ways, written};

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

        #[test]
        fn every_workflow_is_run_with_some_input() {
            let cases = [$(plain::programs::$theme::cases()),*];
            let run: BTreeSet<_> = cases.into_iter().flatten().map(|case| case.name.to_owned()).collect();
            assert_eq!(written("tests/concurrent/programs"), run);
        }
    };
}

themes! { waiting timeouts joins selects undo blocks captures children }
