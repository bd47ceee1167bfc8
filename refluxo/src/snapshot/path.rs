//! Where in a tree of branches a call is made.

use std::{fmt, str::FromStr};

/// The numbers of the branches that lead to a call, the outermost first. Ordered as the branches stand in the source, a group
/// before its branches.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Path(Vec<u32>);

impl Path {
    /// Outside of all groups.
    pub(crate) const ROOT: Self = Self(Vec::new());

    /// As [`Path::ROOT`], to be lent.
    pub(crate) fn root() -> &'static Self {
        static ROOT: Path = Path::ROOT;
        &ROOT
    }

    /// The path of a branch of the group that is made here.
    pub(crate) fn child(&self, number: u32) -> Self {
        let mut numbers = Vec::with_capacity(self.0.len() + 1);
        numbers.extend_from_slice(&self.0);
        numbers.push(number);
        Self(numbers)
    }

    /// The path of the group that this is a branch of.
    pub(crate) fn parent(&self) -> Option<Self> {
        self.0.split_last().map(|(_, around)| Self(around.to_vec()))
    }

    /// The number of the branch in its group.
    pub(crate) fn number(&self) -> Option<u32> {
        self.0.last().copied()
    }

    /// The numbers, the outermost first.
    pub(crate) fn numbers(&self) -> &[u32] {
        &self.0
    }

    /// Whether it is outside of all groups.
    pub(crate) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `other` is this path or lies below it.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, number) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(".")?;
            }
            write!(f, "{number}")?;
        }
        Ok(())
    }
}

impl FromStr for Path {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Ok(Self::ROOT);
        }
        text.split('.').map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}
