//! An engine that can't be built.

use std::{fmt, io, sync::Arc};

use thiserror::Error;

use crate::engine::Conflict;

/// An engine that can't be built.
#[derive(Clone, Debug, Error)]
pub enum BuildError {
    /// Steps take resources that were not provided.
    #[error("{}; add `.provide(…)` to the engine's builder for each", Lines(missing))]
    MissingResources {
        /// All of them.
        missing: Vec<MissingResource>,
    },
    /// Workflows share a name.
    #[error("{}", Lines(conflicts))]
    Conflicts {
        /// All of them.
        conflicts: Vec<Conflict>,
    },
    /// There is no thread for an observer.
    #[error("an observer has a thread of its own, and there is none to be had: {cause}")]
    ObserverThread {
        /// What the system says.
        #[source]
        cause: Arc<io::Error>,
    },
}

/// A resource that a step takes by `#[inject]` and that the engine was not given.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the step `{step}` of the workflow `{workflow}` takes a `{resource}`, which was not provided")]
pub struct MissingResource {
    /// The workflow's name.
    pub workflow: String,
    /// The step's name.
    pub step: &'static str,
    /// The resource's type.
    pub resource: &'static str,
}

/// Shows a list with `; ` between its items.
struct Lines<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for Lines<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.iter().enumerate() {
            let between = if index == 0 { "" } else { "; " };
            write!(f, "{between}{item}")?;
        }
        Ok(())
    }
}
