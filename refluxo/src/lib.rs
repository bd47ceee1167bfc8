//! Durable workflows: an ordinary `async fn` becomes a typed state machine that is saved after every step.

pub mod engine;
pub mod local;
pub mod machine;
pub mod snapshot;
pub mod store;
pub mod suspend;
pub mod time;

pub use local::{Local, Saved};

/// What every workflow needs: `use refluxo::prelude::*;`.
pub mod prelude {
    pub use crate::suspend::{Signal, StepContext, signal, sleep, sleep_until};
}
