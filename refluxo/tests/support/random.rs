//! Random scripts from a seed.

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
            .map(|number| match self.below(10) {
                0 | 1 if depth == 0 => Line::Listen,
                2 => Line::Sleep(self.below(3)),
                3 if depth < 2 => Line::Child(self.script(&format!("{name}.{number}"), 3, depth + 1)),
                _ => step(&format!("{name}.{number}")),
            })
            .collect()
    }
}

/// How often a script listens.
pub fn listens(lines: &[Line]) -> usize {
    lines.iter().filter(|line| **line == Line::Listen).count()
}

/// The texts of a script's steps in the order in which they run, children's among them.
pub fn steps(lines: &[Line]) -> Vec<String> {
    lines
        .iter()
        .flat_map(|line| match line {
            Line::Step(text) | Line::Flaky(text, _) => vec![text.clone()],
            Line::Child(lines) => steps(lines),
            Line::Within(_, line) => steps(std::slice::from_ref(line)),
            Line::All(branches) | Line::Some(_, branches) | Line::Try(branches) | Line::Race(branches) => {
                branches.iter().flat_map(|lines| steps(lines)).collect()
            }
            Line::Sleep(_)
            | Line::Listen
            | Line::Spawn(_)
            | Line::Undo(_)
            | Line::UndoFlaky(..)
            | Line::UndoChild(_)
            | Line::Panic
            | Line::Fail(_)
            | Line::Nan => Vec::new(),
        })
        .collect()
}
