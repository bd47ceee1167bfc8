//! Signals on their way to a run.

use bytes::Bytes;
use serde::Serialize;

use super::{NotAwaited, SignalError, patience::ask, shared::Shared};
use crate::{
    core::signal_kind,
    snapshot::write_json,
    store::{Delivered, Depth, Message, RunId},
};

/// Sends a signal to a run, under the sender's key if there is one.
pub(crate) async fn signal(
    shared: &Shared,
    id: &RunId,
    key: Option<&str>,
    signal: &str,
    body: &(impl Serialize + ?Sized),
) -> Result<(), SignalError> {
    let mut json = Vec::new();
    write_json(body, &mut json).map_err(|cause| SignalError::Unsaved { signal: signal.to_owned(), cause })?;
    let is_allowed = shared.settings.max_payload.check(json.len(), || format!("the signal `{signal}`"));
    is_allowed.map_err(|cause| SignalError::TooLarge { id: id.clone(), cause })?;
    let message = Message {
        to: id.clone(),
        uid: None,
        // A key of its own lets it be sent again when an answer is lost. Those of senders are told from all others.
        key: Some(key.map_or_else(|| (shared.uids)().to_string(), |key| format!("sender:{key}"))),
        kind: signal_kind(signal),
        body: Bytes::from(json),
    };
    let (id, signal) = (id.clone(), signal.to_owned());
    let mut answers = match ask(&shared.time, || shared.store.deliver(vec![message.clone()])).await {
        Ok(answers) => answers,
        Err(cause) => return Err(SignalError::Store { id, signal, cause }),
    };
    match answers.pop() {
        Some(Delivered::Stored { .. } | Delivered::Duplicate) => Ok(()),
        Some(Delivered::Full) => Err(SignalError::Full { id, signal }),
        Some(Delivered::Finished) => Err(SignalError::Finished { id, signal }),
        Some(Delivered::NoRun) | None => Err(SignalError::Unknown { id, signal }),
        Some(Delivered::Rejected(cause)) => Err(SignalError::Store { id, signal, cause }),
    }
}

/// Refuses a signal that the run's workflow never awaits, as far as this engine knows the workflow.
pub(super) async fn check_awaited(shared: &Shared, id: &RunId, signal: &str) -> Result<(), SignalError> {
    let record = ask(&shared.time, || shared.store.load(id, Depth::Head))
        .await
        .map_err(|cause| SignalError::Store { id: id.clone(), signal: signal.to_owned(), cause })?;
    let Some(record) = record else {
        return Err(SignalError::Unknown { id: id.clone(), signal: signal.to_owned() });
    };
    Ok(NotAwaited::check(&shared.registry, id, &record.row.queue, signal)?)
}
