//! All that is left to chance in a simulation follows from its seed.

use std::{
    ops::RangeBounds,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// What decides in a simulation where something is left to chance: the same seed, the same decisions.
///
/// Clones draw from the same sequence. A workflow, a script or a step that has something to decide takes it from here and from no
/// other source, or its seed can't be replayed.
#[derive(Clone, Debug)]
pub struct Chance(Arc<Mutex<fastrand::Rng>>);

impl Chance {
    /// The chance of this seed.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))))
    }

    /// A number in this range, all of them alike.
    ///
    /// # Panics
    ///
    /// If the range is empty.
    pub fn number(&self, range: impl RangeBounds<u64>) -> u64 {
        self.draw(|rng| rng.u64(range))
    }

    /// Whether something happens that happens once in so many times; never if that is 0.
    #[must_use]
    pub fn once_in(&self, times: u64) -> bool {
        times > 0 && self.number(..times) == 0
    }

    /// A time of up to this length, in whole milliseconds.
    #[must_use]
    pub fn up_to(&self, longest: Duration) -> Duration {
        Duration::from_millis(self.number(..=u64::try_from(longest.as_millis()).unwrap_or(u64::MAX)))
    }

    /// One of these.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn one_of<'a, T>(&self, things: &'a [T]) -> &'a T {
        &things[self.draw(|rng| rng.usize(..things.len()))]
    }

    fn draw<T>(&self, draw: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        draw(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
