//! What scripts come to.

use super::{Line, Told};

/// What a script is told in the end if every `Listen` hears the words in this order, all steps succeed in time, and the first
/// branch wins.
pub fn expected(lines: &[Line], words: &mut impl Iterator<Item = String>) -> Told {
    lines.iter().filter_map(|line| expected_of(line, words).transpose()).collect()
}

fn expected_of(line: &Line, words: &mut impl Iterator<Item = String>) -> Result<Option<String>, String> {
    Ok(Some(match line {
        Line::Step(text) | Line::Flaky(text, _) => text.clone(),
        Line::Sleep(_) => "slept".to_owned(),
        Line::Listen => words.next().expect("there is a word for each line that listens"),
        Line::Child(lines) => format!("[{}]", expected(lines, words)?.join(" ")),
        Line::Fail(error) => return Err(error.clone()),
        Line::Within(_, line) => return expected_of(line, words),
        Line::All(branches) | Line::Some(_, branches) => {
            let told = branches
                .iter()
                .map(|lines| expected(lines, words).unwrap_or_else(|error| vec![error]).join(" "));
            format!("{{{}}}", told.collect::<Vec<_>>().join("|"))
        }
        Line::Try(branches) => {
            let told = branches.iter().map(|lines| expected(lines, words).map(|told| told.join(" ")));
            format!("{{{}}}", told.collect::<Result<Vec<_>, _>>()?.join("|"))
        }
        Line::Undo(_) | Line::UndoFlaky(..) | Line::UndoChild(_) | Line::Tag(..) | Line::Untag(_) => {
            return Ok(None);
        }
        Line::Race(_) | Line::Spawn(_) | Line::Panic | Line::Nan => {
            panic!("nobody knows beforehand what that gives")
        }
    }))
}
