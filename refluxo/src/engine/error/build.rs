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
    /// Steps write in transactions of another type than the store's.
    #[error("{}", Lines(wrong))]
    Transactions {
        /// All of them.
        wrong: Vec<WrongTransaction>,
    },
    /// Workflows share a name.
    #[error("{}", Lines(conflicts))]
    Conflicts {
        /// All of them.
        conflicts: Vec<Conflict>,
    },
    /// The engine is to serve or to limit workflows that it does not know.
    #[error(
        "no workflow {} is registered, which the engine is to serve or to limit; there {}: correct the name, or add \
         `.register::<…>()` to the engine's builder",
        Names(workflows),
        Known(registered)
    )]
    NotRegistered {
        /// The names that nothing is registered under.
        workflows: Vec<String>,
        /// The names of the workflows that are.
        registered: Vec<String>,
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

/// A step with `#[step(transaction)]` that writes in a transaction which the engine's store does not have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the step `{step}` of the workflow `{workflow}` writes in a `{wanted}`, and {}: give the engine the store of that \
     transaction, let the step take its database by `#[inject]`, or in a test have a mock stand in for it",
    Found { store, found: *found }
)]
pub struct WrongTransaction {
    /// The workflow's name.
    pub workflow: String,
    /// The step's name.
    pub step: &'static str,
    /// The transaction's type.
    pub wanted: &'static str,
    /// The store.
    pub store: String,
    /// The type of the store's transactions, if it has any.
    pub found: Option<&'static str>,
}

/// Which transactions a store has, in words.
struct Found<'a> {
    store: &'a str,
    found: Option<&'static str>,
}

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { store, found } = self;
        match found {
            Some(found) => write!(f, "{store} has a `{found}`"),
            None => write!(f, "{store} has no transactions for steps"),
        }
    }
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

/// Shows names with `, ` between them.
struct Names<'a>(&'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            let between = if index == 0 { "" } else { ", " };
            write!(f, "{between}`{name}`")?;
        }
        Ok(())
    }
}

/// Says which workflows there are.
struct Known<'a>(&'a [String]);

impl fmt::Display for Known<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("is none"),
            [one] => write!(f, "is `{one}`"),
            names => write!(f, "are {}", Names(names)),
        }
    }
}
