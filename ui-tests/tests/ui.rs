//! Compiles each program beside this folder, and compares what rustc says of those that must fail.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The folders, one for each macro.
const MACROS: [&str; 3] = ["step", "signal", "workflow"];

/// The programs of which rustc tells more than once, and how often.
const SEVERAL: &[(&str, usize)] = &[
    // At the type, the call, its await and the machine: each needs to know what the signal is.
    ("awaits_a_type_that_is_no_signal", 4),
    // Rustc's own words for a function where a type should be, and ours.
    ("awaits_what_is_not_a_step", 2),
    ("branch_of_what_is_not_a_step", 2),
    ("branch_uses_a_question_mark_without_a_result", 2),
    // Of the twin and of the machine.
    ("moved_twice", 2),
    ("try_join_of_two_errors", 2),
];

#[test]
fn what_is_accepted_compiles_and_runs_and_what_is_refused_is_told() {
    let cases = trybuild::TestCases::new();
    for folder in MACROS {
        cases.pass(format!("{folder}/pass/*.rs"));
        cases.compile_fail(format!("{folder}/fail/*.rs"));
    }
}

#[test]
fn one_mistake_gives_one_message() {
    for path in files("fail", "stderr") {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().collect::<Vec<_>>();
        // rustc does not merge two errors of the same words at the same place if their advice differs.
        let errors = lines.windows(2).filter(|pair| pair[0].starts_with("error")).collect::<BTreeSet<_>>();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let expected =
            SEVERAL.iter().find(|(several, _)| *several == name).map_or(1, |(_, messages)| *messages);
        assert_eq!(errors.len(), expected, "{} has other messages: {errors:#?}", path.display());
        assert!(!lines.iter().any(|line| line.starts_with("warning")), "{} has a warning", path.display());
    }
}

#[test]
fn every_program_is_small() {
    for path in files("fail", "rs").into_iter().chain(files("pass", "rs")) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines < 25, "{} has {lines} lines", path.display());
    }
}

/// The files with this extension in every macro's folder of this kind.
fn files(kind: &str, extension: &str) -> Vec<PathBuf> {
    let folders = MACROS.map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(kind));
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}
