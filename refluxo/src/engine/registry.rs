//! The workflows that an engine knows.

use crate::machine::Machine;

/// The workflows that an engine knows, by name.
#[derive(Debug, Default)]
pub struct Registry {}

impl Registry {
    /// Adds a workflow and those that it awaits as children.
    pub fn add<M: Machine>(&mut self) {
        let _ = M::NAME;
    }
}
