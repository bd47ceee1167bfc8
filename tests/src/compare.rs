//! Both ways side by side.

use std::{collections::BTreeSet, fs, path::Path, process::ExitCode};

use crate::trace::{Case, Outcome, Trace};

/// Runs each case both ways.
///
/// # Panics
/// If a program behaves differently as a machine; the message shows both traces of each such program.
pub fn both_ways(plain: &[Case], durable: &[Case]) {
    let differences = differences(plain, durable);
    assert!(differences.is_empty(), "{}", differences.concat());
}

/// The same for a binary: prints what differs, and fails if anything does, or if plain code panics.
#[must_use]
pub fn report(plain: &[Case], durable: &[Case]) -> ExitCode {
    let differences = differences(plain, durable);
    print!("{}", differences.concat());
    let panicking: Vec<_> = plain.iter().filter(|case| (case.run)().outcome == Outcome::Panicked).collect();
    for case in &panicking {
        println!("{} panics as plain code", case.name);
    }
    if differences.is_empty() && panicking.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The names of all functions under `#[workflow]` in a folder of this crate.
///
/// # Panics
/// If the folder can't be read, or two functions have one name.
#[must_use]
pub fn written(folder: &str) -> BTreeSet<String> {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
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

fn differences(plain: &[Case], durable: &[Case]) -> Vec<String> {
    assert_eq!(plain.len(), durable.len(), "both mounts come from one file");
    plain.iter().zip(durable).filter_map(|(plain, durable)| difference(plain, durable)).collect()
}

/// Runs one case both ways and describes how they differ, if they do.
fn difference(plain: &Case, durable: &Case) -> Option<String> {
    let expected = (plain.run)();
    let actual = (durable.run)();
    (expected != actual).then(|| describe(plain.name, &expected, &actual))
}

fn describe(name: &str, expected: &Trace, actual: &Trace) -> String {
    format!("{name} differs:\n  as plain code:\n{expected}\n  as a machine:\n{actual}\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A case that does the same each time.
    fn case(calls: &'static [&'static str], output: u8) -> Case {
        let run = move || Trace {
            calls: calls.iter().map(|call| (*call).to_owned()).collect(),
            outcome: Outcome::Returned(json!(output)),
        };
        Case { name: "program", run: Box::new(run) }
    }

    #[test]
    fn equal_traces_are_no_difference() {
        assert!(differences(&[case(&["a 1", "b 2"], 3)], &[case(&["a 1", "b 2"], 3)]).is_empty());
    }

    #[test]
    fn another_output_is_a_difference() {
        assert_eq!(differences(&[case(&["a 1"], 3)], &[case(&["a 1"], 4)]).len(), 1);
    }

    #[test]
    fn another_order_of_calls_is_a_difference() {
        let described = differences(&[case(&["a 1", "b 2"], 3)], &[case(&["b 2", "a 1"], 3)]).concat();
        assert!(described.starts_with("program differs:\n"), "{described}");
    }

    #[test]
    #[should_panic(expected = "program differs:")]
    fn a_missing_call_fails_the_test() {
        both_ways(&[case(&["a 1", "a 1"], 3)], &[case(&["a 1"], 3)]);
    }
}
