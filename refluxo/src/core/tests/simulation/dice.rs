//! Random states.

use std::time::Duration;

use super::super::shape::{Branches, Shape, Waits, start};
use crate::suspend::Rule;

/// Marks a branch that is a block, in a field of its state.
pub(super) const BLOCK: &str = "block";

/// A generator of numbers (splitmix64): the same seed, the same life.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }

    pub(super) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("small")
    }

    /// A state of the function, or of a block.
    pub(super) fn state(&mut self, is_root: bool) -> Shape {
        let mut shape = self.shape(0);
        shape.at = "State";
        if !is_root {
            shape.large = BLOCK.to_owned();
        } else if self.below(4) == 0 {
            shape.large = "x".repeat(2_000);
        }
        shape
    }

    /// A call, with branches that are not too deep.
    fn shape(&mut self, depth: u32) -> Shape {
        let most = if depth < 3 { 10 } else { 6 };
        let waits = match self.below(most) {
            0 | 1 => Waits::Step(["charge", "ship"][self.index(2)]),
            2 => Waits::Sleep(Duration::from_secs(self.below(60))),
            3 => Waits::Signal(["Hello", "Other"][self.index(2)]),
            4 => Waits::Child(Box::new(start())),
            5 => Waits::Spawn(Box::new(start())),
            _ => Waits::Group(self.branches(depth)),
        };
        let shape = waits.at("");
        if self.below(4) == 0 { shape.limited(self.0 % 60) } else { shape }
    }

    fn branches(&mut self, depth: u32) -> Branches {
        let rule = [Rule::All, Rule::Try, Rule::Any][self.index(3)];
        let count = self.below(5) + u64::from(rule == Rule::Any);
        let members = (0..count).map(|_| self.first(depth + 1)).collect();
        let limit =
            (self.below(3) == 0 && rule == Rule::All).then(|| 1 + u32::try_from(self.0 % 3).expect("small"));
        Branches { rule, limit, members }
    }

    /// The first state of a branch: a call, or the beginning of a block.
    fn first(&mut self, depth: u32) -> Shape {
        if self.below(3) == 0 { Shape { large: BLOCK.to_owned(), ..start() } } else { self.shape(depth) }
    }
}
