//! What the engine must never ask of the core.

use crate::store::RunId;

/// A pair of a run and an event that can't meet: a defect of the engine.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Impossible {
    /// The run is not at such a call.
    #[error("the run {run} {stands}, and yet {event}: this is a defect of refluxo, please report it")]
    Event {
        /// The run's id.
        run: RunId,
        /// Where it stands.
        stands: String,
        /// What is said to have happened.
        event: &'static str,
    },
    /// What the library itself writes has no JSON.
    #[error("the run {run} can't be saved: {cause}; this is a defect of refluxo, please report it")]
    Unwritable {
        /// The run's id.
        run: RunId,
        /// What the serializer says.
        cause: serde_json::Error,
    },
}
