//! Writes what runs do to the log.

use super::{Attempted, Ended, Observer, Reached};
use crate::store::Status;

/// Tells what runs do through [`tracing`]: each state that a run reaches at the level `INFO`, one that needs an operator at `ERROR`,
/// and an attempt that came to nothing at `WARN`.
///
/// The program has to have a subscriber that writes the log somewhere.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct LoggingObserver;

impl Observer for LoggingObserver {
    fn reached(&self, reached: &Reached<'_>) {
        let Reached { run, workflow, at, status, revision } = reached;
        if *status == Status::Parked {
            tracing::error!(run, workflow, at, %status, %revision, "the run was parked");
        } else {
            tracing::info!(run, workflow, at, %status, %revision, "the run reached a state");
        }
    }

    fn attempted(&self, attempted: &Attempted<'_>) {
        let Attempted { context, ended, .. } = attempted;
        let (run, step, attempt) = (context.run_id(), context.step(), context.attempt());
        match ended {
            Ended::Returned => tracing::debug!(run, step, attempt, "a step has ended"),
            Ended::Failed => tracing::warn!(run, step, attempt, "an attempt has failed"),
            Ended::TimedOut => tracing::warn!(run, step, attempt, "an attempt took too long"),
            Ended::Panicked => tracing::warn!(run, step, attempt, "an attempt has panicked"),
        }
    }
}
