//! The suite is as large as it claims, and no program is left out.

use std::{collections::BTreeSet, fs, path::Path};

use crate::all_cases;

#[test]
fn every_workflow_is_run_with_some_input() {
    let written = workflows_in_the_sources();
    let run: BTreeSet<_> = all_cases().into_iter().map(|case| case.name.to_owned()).collect();
    assert_eq!(written, run);
}

#[test]
fn there_are_at_least_120_programs() {
    let count = workflows_in_the_sources().len();
    assert!(count >= 120, "there are only {count}");
}

/// The names of all functions under `#[workflow]`.
fn workflows_in_the_sources() -> BTreeSet<String> {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/both_ways/programs");
    let mut names = BTreeSet::new();
    for file in fs::read_dir(programs).expect("the programs are there") {
        let source = fs::read_to_string(file.expect("a file can be listed").path()).expect("it is text");
        for after in source.split("#[workflow").skip(1) {
            let function = after.split_once("async fn ").expect("a function follows the attribute").1;
            let name = function.split('(').next().expect("split gives at least one part");
            assert!(names.insert(name.to_owned()), "two programs are called {name}");
        }
    }
    names
}
