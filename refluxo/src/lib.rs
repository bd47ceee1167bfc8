//! Durable workflows: an ordinary `async fn` becomes a typed state machine that is saved after every step.

// So that generated code, which names `::refluxo`, can stand in this crate too.
extern crate self as refluxo;

#[doc(hidden)]
pub mod __private;
mod attributes;
mod core;
pub mod engine;
mod failure;
mod forms;
pub mod local;
pub mod machine;
pub mod observer;
#[cfg(feature = "schedule")]
pub mod schedule;
pub mod snapshot;
pub mod store;
pub mod suspend;
#[cfg(feature = "testing")]
pub mod testing;
pub mod time;
#[doc(hidden)]
pub mod twin;
#[doc(hidden)]
pub mod workflow;

pub use attributes::{remove_attribute, set_attribute};
pub use engine::{Engine, Run};
pub use failure::{Context, Failure, Result};
pub use local::{Local, Saved};
pub use refluxo_macros::{Signal, step, workflow};
pub use store::MemoryStore;
#[cfg(feature = "postgres")]
pub use store::{PostgresStore, PostgresTransaction};
#[cfg(feature = "sqlite")]
pub use store::{SqliteStore, SqliteTransaction};

/// What every workflow needs: `use refluxo::prelude::*;`.
pub mod prelude {
    pub use refluxo_macros::{Signal, step, workflow};
    pub use serde::{Deserialize, Serialize};

    // For `state.at()`.
    pub use crate::machine::Machine as _;
    #[cfg(feature = "sqlite")]
    pub use crate::store::{SqliteStore, SqliteTransaction};
    pub use crate::{
        compensate,
        engine::{Engine, Run},
        join, join_all,
        observer::LoggingObserver,
        remove_attribute, select, set_attribute,
        store::MemoryStore,
        store::RunId,
        suspend::{Elapsed, Signal, StepContext, TimedOut, Timeout, signal, sleep, sleep_until, spawn},
        try_join,
    };
}
