//! A set of locals.

use super::Var;

/// A set of locals, ordered as the source is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct VarSet(Vec<u64>);

impl VarSet {
    /// The empty set.
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a local; returns whether it is new.
    pub(crate) fn insert(&mut self, Var(number): Var) -> bool {
        let (word, bit) = (number / 64, 1 << (number % 64));
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        let new = self.0[word] & bit == 0;
        self.0[word] |= bit;
        new
    }

    /// Removes a local.
    pub(crate) fn remove(&mut self, Var(number): Var) {
        if let Some(word) = self.0.get_mut(number / 64) {
            *word &= !(1 << (number % 64));
        }
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    /// Whether the set has a local.
    pub(crate) fn contains(&self, Var(number): Var) -> bool {
        self.0.get(number / 64).is_some_and(|word| word & (1 << (number % 64)) != 0)
    }

    /// Adds all locals of another set.
    pub(crate) fn union(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }

    /// The locals in the order of the source.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Var> + '_ {
        self.0.iter().enumerate().flat_map(|(index, &word)| {
            (0..64).filter(move |bit| word & (1 << bit) != 0).map(move |bit| Var(index * 64 + bit))
        })
    }
}

impl Extend<Var> for VarSet {
    fn extend<I: IntoIterator<Item = Var>>(&mut self, vars: I) {
        for var in vars {
            self.insert(var);
        }
    }
}

impl FromIterator<Var> for VarSet {
    fn from_iter<I: IntoIterator<Item = Var>>(vars: I) -> Self {
        let mut set = Self::new();
        set.extend(vars);
        set
    }
}
