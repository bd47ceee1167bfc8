//! What can go wrong between a caller and the engine. Each error names the run and the cure.

mod build;
mod fork;
mod read;
mod signal;
mod start;
mod verb;

pub use build::{BuildError, MissingResource, WrongTransaction};
pub use fork::ForkError;
pub use read::{ReadError, ResultError};
pub use signal::{NotAwaited, SignalError};
pub use start::StartError;
pub use verb::VerbError;
