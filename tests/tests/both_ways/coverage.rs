//! The suite is as large as it claims, and no program is left out.

use std::collections::BTreeSet;

use refluxo_tests::compare::written;

use crate::all_cases;

#[test]
fn every_workflow_is_run_with_some_input() {
    let run: BTreeSet<_> = all_cases().into_iter().map(|case| case.name.to_owned()).collect();
    assert_eq!(written("tests/both_ways/programs"), run);
}

#[test]
fn there_are_at_least_120_programs() {
    let count = written("tests/both_ways/programs").len();
    assert!(count >= 120, "there are only {count}");
}
