//! Hand-written programs that do several things at once, run on tokio's own forms and as durable machines, in virtual time: same
//! output, same calls at the same times.

use refluxo_tests::compare::both_ways;

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
    };
}

themes! { waiting }
