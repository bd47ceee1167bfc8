//! Several observers as one.

use std::fmt;

use super::{Event, Observer, audience::tell_one};

/// Tells several observers, one after another, on one thread and through one queue.
///
/// One that panics does not keep the others from being told. One that is slow holds them up: give
/// [`EngineBuilder::observe`](crate::engine::EngineBuilder::observe) each of them where that matters.
///
/// ```
/// use refluxo::observer::{BasicMetrics, CompositeObserver, LoggingObserver};
///
/// let metrics = BasicMetrics::new();
/// let observer = CompositeObserver::new().with(LoggingObserver::default()).with(metrics.clone());
/// ```
#[derive(Default)]
pub struct CompositeObserver {
    observers: Vec<Box<dyn Observer>>,
}

impl CompositeObserver {
    /// One that tells nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Has this one told too, after those that are there.
    #[must_use]
    pub fn with(mut self, observer: impl Observer) -> Self {
        if observer.is_enabled() {
            self.observers.push(Box::new(observer));
        }
        self
    }
}

impl Observer for CompositeObserver {
    fn told(&self, event: &Event) {
        for observer in &self.observers {
            tell_one(&**observer, event);
        }
    }

    fn is_enabled(&self) -> bool {
        !self.observers.is_empty()
    }
}

impl fmt::Debug for CompositeObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CompositeObserver({})", self.observers.len())
    }
}
