//! The engine.

mod erased;
mod registry;

pub use erased::{AnyFrame, AnyMachine, AnyTransition};
pub use registry::Registry;
