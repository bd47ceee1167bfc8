//! The engine: it performs what runs wait for, and only after the state that waits for it is stored.
//!
//! In reading order: `builder`, [`Engine`] and [`Run`] are what a program holds, and `start` begins a run, or `start_in` in a
//! transaction of the program's; `verbs` and `fork` are what an operator can have a run do, and `operators` what they see of many
//! runs and have them do. The `worker` claims due runs, the workflows taking turns (`turns`), and gives each a task, the `driver`:
//! the only loop that performs actions. A `turn` performs what a run does next on its `machines`, which form a `tree` with a branch
//! for each branch of a `join!` or a `select!`; attempts to run `steps` that are `running` meanwhile are its only state beside the
//! store's, and `telling` is what of them is shown to the outside. `transact` makes a step in the store's transaction. `storing`
//! has what a turn changed stored, by `persist`, and `undo` is a turn of a run that undoes what it did. `leases`, `bell`, `lull`
//! and `watchers` keep runs in hand, the worker awake or at rest and callers informed. [`Storeless`] takes the same turns on
//! snapshots that the caller keeps.

mod bell;
mod builder;
mod driver;
mod erased;
mod error;
mod fork;
mod handle;
mod leases;
mod lull;
mod machines;
mod mailbox;
mod operators;
mod patience;
mod persist;
mod reason;
mod registry;
mod run;
mod running;
pub(crate) mod send;
mod settings;
mod shared;
mod signed;
mod start;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod start_in;
mod steps;
mod storeless;
mod storing;
mod sure;
mod telling;
mod time;
mod transact;
mod tree;
mod turn;
mod turns;
mod undo;
mod verbs;
mod watchers;
mod worker;

pub(crate) use self::steps::words;
pub use crate::core::Verb;
pub use builder::EngineBuilder;
pub use erased::{AnyFrame, AnyMachine, AnyOutput, AnyTransition};
pub use error::{
    BuildError, ForkError, MissingResource, NotAwaited, ReadError, ResultError, SignalError, StartError,
    VerbError, WrongTransaction,
};
pub use fork::{Fork, ForkRun};
pub use handle::Engine;
pub use operators::{
    Bulk, BulkError, BulkOrder, CallEntry, CallOutcome, ForkEntry, History, HistoryEntry, HistoryEvent,
    HistoryPage, OrderEntry, Paging, PurgeError, Purging, QueryError, Retention, RunCount, RunPage, RunQuery,
    RunSummary,
};
pub use registry::{Conflict, Registry};
pub use run::Run;
pub use start::Starting;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use start_in::UserTransaction;
pub use storeless::{AdvanceError, CopyError, DeliverError, Orders, Storeless, StorelessBuilder};
pub use verbs::Order;
#[cfg(feature = "schedule")]
pub(crate) use {
    patience::{Patience, ask},
    registry::Kind,
    shared::Shared,
};
