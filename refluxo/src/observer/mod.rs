//! Being told what runs do, as it happens: for logs, metrics and dashboards.
//!
//! An [`Observer`] is told of [`Event`]s on a thread of its own, through a queue: it may be as slow as it likes, and it may
//! panic, and no run waits for it or ends by it. An observer whose queue is full misses events, and is told how many.
//!
//! There are [`LoggingObserver`] for the log, [`BasicMetrics`] for numbers that a program shows itself, with the feature
//! `metrics` `MetricsObserver` for Prometheus and its like, [`CompositeObserver`] for several of them in one queue, and
//! [`NoopObserver`], which is what an engine has that was given none.
//!
//! Spans are apart: [`EngineBuilder::trace_context`](crate::engine::EngineBuilder::trace_context) and
//! [`EngineBuilder::instrument`](crate::engine::EngineBuilder::instrument).

mod audience;
mod basic;
mod composite;
mod event;
mod logging;
#[cfg(feature = "metrics")]
pub mod metrics;
mod noop;

pub(crate) use self::audience::Audience;
#[cfg(feature = "testing")]
pub(crate) use self::audience::Witness;
#[cfg(feature = "metrics")]
pub use self::metrics::MetricsObserver;
pub use self::{
    basic::{BasicMetrics, MetricsSnapshot, StepMetrics, Timing, WorkflowMetrics},
    composite::CompositeObserver,
    event::{
        AttemptOutcome, Attempted, Attempting, Claimed, Ended, Event, LeaseLost, LetGo, Missed, Parked,
        Reached, Serving, Started, StoreFailed, TakenUp, Taking,
    },
    logging::LoggingObserver,
    noop::NoopObserver,
};

/// Is told what happens in this engine; see [`EngineBuilder::observe`](crate::engine::EngineBuilder::observe).
///
/// Any `Fn(&Event)` is one:
///
/// ```
/// use refluxo::{Engine, MemoryStore, observer::Event};
///
/// let builder = Engine::builder(MemoryStore::new()).observe(|event: &Event| {
///     if let Event::Parked(parked) = event {
///         eprintln!("{} needs somebody: {}", parked.run, parked.reason);
///     }
/// });
/// ```
pub trait Observer: Send + Sync + 'static {
    /// Something happened.
    ///
    /// Called on a thread that is this observer's alone, once for each event, in the order in which the events came. The
    /// events of one run stand in the order in which they happened. It may block: what happens meanwhile waits in a queue of
    /// [`QUEUE`] events, and what does not go in is told by its number, as [`Event::Missed`]. If it panics, that is logged,
    /// and it is told of the next event as if nothing had been.
    ///
    /// What other workers do is told to their observers. What is in the queue when the engine is
    /// [shut down](crate::Engine::shutdown) is waited for, for two seconds at most; an engine that is only dropped, or a process that ends,
    /// waits for nothing.
    fn told(&self, event: &Event);

    /// Whether it wants to be told of anything; asked once, when the engine is built. One that does not costs nothing.
    fn is_enabled(&self) -> bool {
        true
    }
}

/// How many events wait for a slow observer at most.
pub const QUEUE: usize = 4096;

impl<F: Fn(&Event) + Send + Sync + 'static> Observer for F {
    fn told(&self, event: &Event) {
        self(event);
    }
}
