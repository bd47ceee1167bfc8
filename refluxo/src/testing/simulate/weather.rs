//! What a seed's world is like.

use std::{fmt, time::Duration};

use super::Chance;

/// What a seed's world is like: how many workers there are, and how bad things get.
///
/// Not everything is bad in every world, since a fault that is everywhere hides what another one leads to.
#[derive(Clone, Debug)]
pub(super) struct Weather {
    pub(super) workers: usize,
    /// Whether effects are left to the holders of runs.
    pub(super) hands_back: bool,
    /// Whether the store tells its time without being asked over the line.
    pub(super) tells_time: bool,
    /// How much the store's clock gains on those of the workers, in millionths.
    pub(super) gain: i64,
    pub(super) lease: Duration,
    /// How many runs a worker has room for.
    pub(super) slots: u32,
    /// An operation fails once in so many times, half of the times after it was done.
    pub(super) failing: u64,
    /// A worker dies once in so many operations, half of the times after it was done.
    pub(super) dying: u64,
    /// An operation takes longer than a lease once in so many times.
    pub(super) slow: u64,
    /// A message, or the start of a child, is sent once more once in so many times.
    pub(super) again: u64,
    /// A hint is lost once in so many times; as often one is late, and one is repeated.
    pub(super) deaf: u64,
    /// How long it is until something else happens, about.
    pub(super) quiet: Duration,
}

impl Weather {
    /// The weather of a seed; it begins with what is left to chance.
    pub(super) fn draw(chance: &Chance, storm: Duration) -> Self {
        let one_of = |numbers: &[u64]| *chance.one_of(numbers);
        let gain = i64::try_from(chance.number(..=40_000)).unwrap_or(0) - 20_000;
        Self {
            workers: usize::try_from(chance.number(2..=4)).unwrap_or(2),
            hands_back: chance.once_in(2),
            tells_time: chance.once_in(2),
            gain,
            lease: Duration::from_secs(chance.number(2..=10)),
            slots: u32::try_from(one_of(&[1, 2, 64])).unwrap_or(1),
            failing: one_of(&[0, 30, 8]),
            dying: one_of(&[0, 0, 200, 40]),
            slow: one_of(&[0, 100, 30]),
            again: one_of(&[0, 3]),
            deaf: one_of(&[0, 0, 4, 1]),
            quiet: storm / u32::try_from(chance.number(4..=40)).unwrap_or(4),
        }
    }
}

impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { workers, lease, slots, .. } = self;
        let effects = if self.hands_back { "left to the workers" } else { "applied by the store" };
        write!(f, "{workers} workers with {slots} slots, leases of {lease:?}, effects {effects}")
    }
}
