//! Being told what runs do, as it happens.

use crate::store::{Revision, Status};

/// Is told what the runs do that this engine works on; see [`EngineBuilder::observe`](crate::engine::EngineBuilder::observe).
///
/// Any `Fn(&Reached<'_>)` is one.
pub trait Observer: Send + Sync + 'static {
    /// A run has reached a state, and that is stored; what the state waits for has not been performed yet.
    ///
    /// Called on the run's own task, which goes on when it returns: it must not block. What was stored by another process
    /// is not told.
    fn reached(&self, reached: &Reached<'_>);
}

impl<F: Fn(&Reached<'_>) + Send + Sync + 'static> Observer for F {
    fn reached(&self, reached: &Reached<'_>) {
        self(reached);
    }
}

/// A run has reached a state.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reached<'a> {
    /// The run's id.
    pub run: &'a str,
    /// The workflow's name.
    pub workflow: &'a str,
    /// The state's name; of a run that has ended, the last one's.
    pub at: &'a str,
    /// How the run stands.
    pub status: Status,
    /// How many commits the run has had.
    pub revision: Revision,
}
