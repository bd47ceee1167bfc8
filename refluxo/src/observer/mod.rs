//! Being told what runs do, as it happens.

mod logging;

use std::fmt;

pub use self::logging::LoggingObserver;
use crate::{
    store::{Revision, Status},
    suspend::{StepContext, StepTask},
    time::Timestamp,
};

/// Is told what the runs do that this engine works on; see [`EngineBuilder::observe`](crate::engine::EngineBuilder::observe).
///
/// Any `Fn(&Reached<'_>)` is one. One that panics harms no run: its panic is logged.
pub trait Observer: Send + Sync + 'static {
    /// A run has reached a state, and that is stored; what the state waits for has not been performed yet.
    ///
    /// Called on the run's own task, which goes on when it returns: it must not block. What was stored by another process
    /// is not told.
    fn reached(&self, reached: &Reached<'_>);

    /// An attempt to run a step begins.
    ///
    /// Called where the attempt is made: it must not block.
    fn attempting(&self, attempting: &Attempting<'_>) {
        let _ = attempting;
    }

    /// An attempt to run a step has ended; what came of it is not stored yet.
    ///
    /// One that was dropped, as its worker stopped or nobody wanted it any more, is not told. Called where the attempt was
    /// made: it must not block.
    fn attempted(&self, attempted: &Attempted<'_>) {
        let _ = attempted;
    }
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

/// An attempt to run a step begins.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Attempting<'a> {
    /// The run, the step, the attempt's number and its key.
    pub context: &'a StepContext,
    /// When, by the store's clock.
    pub at: Timestamp,
    /// The call.
    pub(crate) task: &'a dyn StepTask,
}

impl Attempting<'_> {
    /// The JSON of the arguments.
    ///
    /// # Errors
    ///
    /// If one has none.
    pub fn arguments(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut json = Vec::new();
        self.task.arguments(&mut json)?;
        Ok(json)
    }
}

impl fmt::Debug for Attempting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempting")
            .field("context", self.context)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// An attempt to run a step has ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Attempted<'a> {
    /// The run, the step, the attempt's number and its key.
    pub context: &'a StepContext,
    /// When it began, by the store's clock.
    pub started: Timestamp,
    /// When it ended.
    pub at: Timestamp,
    /// How it ended.
    pub ended: Ended,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With an outcome for the workflow.
    Returned,
    /// With an `Err`.
    Failed,
    /// It took longer than the step's `timeout`.
    TimedOut,
    /// It panicked.
    Panicked,
}
