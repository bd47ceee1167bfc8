//! Random scripts from a seed.

use std::collections::BTreeMap;

use refluxo::store::AttrValue;

use super::{script::Line, step};

/// A generator of numbers: the same seed gives the same ones.
pub struct Random(u64);

impl Random {
    pub fn seeded(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        // xorshift64*, from Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled" (2016).
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % end
    }

    /// A script of up to `longest` lines whose steps have names that begin with `name`. Only its own lines listen, so that
    /// words can be sent to the run by its id.
    pub fn script(&mut self, name: &str, longest: u64, depth: u32) -> Vec<Line> {
        (0..=self.below(longest))
            .map(|number| match self.below(14) {
                0 | 1 if depth == 0 => Line::Listen,
                2 => Line::Sleep(self.below(3)),
                3 if depth < 2 => Line::Child(self.script(&format!("{name}.{number}"), 3, depth + 1)),
                4 => Line::Flaky(format!("{name}.{number}"), u32::try_from(self.below(3)).unwrap()),
                5 => Line::Within(3_600, Box::new(step(&format!("{name}.{number}")))),
                6 if depth < 2 => Line::All(self.branches(&format!("{name}.{number}"), depth)),
                7 if depth < 2 => Line::Some(2, self.branches(&format!("{name}.{number}"), depth)),
                8 if depth < 2 => Line::Try(self.branches(&format!("{name}.{number}"), depth)),
                9 => Line::Tag(format!("{name}.{number}"), i64::try_from(number).unwrap()),
                _ => step(&format!("{name}.{number}")),
            })
            .collect()
    }

    /// Up to four scripts.
    fn branches(&mut self, name: &str, depth: u32) -> Vec<Vec<Line>> {
        (0..=self.below(4)).map(|branch| self.script(&format!("{name}.{branch}"), 3, depth + 1)).collect()
    }
}

/// The scripts in a line that are performed where it stands.
fn scripts(line: &Line) -> Vec<&[Line]> {
    match line {
        Line::Child(lines) => vec![lines],
        Line::Within(_, line) => vec![std::slice::from_ref(line)],
        Line::All(branches) | Line::Some(_, branches) | Line::Try(branches) | Line::Race(branches) => {
            branches.iter().map(Vec::as_slice).collect()
        }
        Line::Step(_)
        | Line::Flaky(..)
        | Line::Sleep(_)
        | Line::Listen
        | Line::Spawn(_)
        | Line::Undo(_)
        | Line::UndoFlaky(..)
        | Line::UndoChild(_)
        | Line::Tag(..)
        | Line::Untag(_)
        | Line::Panic
        | Line::Fail(_)
        | Line::Nan => Vec::new(),
    }
}

/// Whether a script does several things at once, so that nobody knows the order of its steps.
pub fn has_branches(lines: &[Line]) -> bool {
    lines.iter().any(|line| {
        matches!(line, Line::All(_) | Line::Some(..) | Line::Try(_) | Line::Race(_))
            || scripts(line).into_iter().any(has_branches)
    })
}

/// How often a script listens.
pub fn listens(lines: &[Line]) -> usize {
    lines.iter().filter(|line| **line == Line::Listen).count()
}

/// The texts of a script's steps in the order in which they run, children's among them.
pub fn steps(lines: &[Line]) -> Vec<String> {
    let of_line = |line: &Line| match line {
        Line::Step(text) | Line::Flaky(text, _) => vec![text.clone()],
        line => scripts(line).into_iter().flat_map(steps).collect(),
    };
    lines.iter().flat_map(of_line).collect()
}

/// What a run of a script can be found by at its end, if it sets each attribute once. What its children set is theirs.
pub fn tags(lines: &[Line]) -> BTreeMap<String, AttrValue> {
    let of_line = |line: &Line| match line {
        Line::Tag(name, value) => BTreeMap::from([(name.clone(), AttrValue::Integer(*value))]),
        Line::Child(_) => BTreeMap::new(),
        line => scripts(line).into_iter().flat_map(tags).collect(),
    };
    lines.iter().flat_map(of_line).collect()
}
