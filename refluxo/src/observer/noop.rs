//! Is told nothing.

use super::{Event, Observer};

/// Is told nothing, and costs nothing: what an engine has that was given no observer.
///
/// It is for programs that choose their observer when they run.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoopObserver;

impl Observer for NoopObserver {
    fn told(&self, _: &Event) {}

    fn is_enabled(&self) -> bool {
        false
    }
}
