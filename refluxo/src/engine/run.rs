//! What a program holds of one run.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use futures_util::future::BoxFuture;

use super::{Engine, Order, ReadError, ResultError, SignalError, send};
use crate::{
    machine::{Accepts, Machine},
    snapshot::{ParkReason, Snapshot, StateReader, output_of, parts::split},
    store::{Depth, Revision, RunId, Status, sealed},
    suspend::Signal,
};

/// A run of the workflow `W`.
///
/// A handle: it can be made again from the id with [`Engine::run`], and dropping it leaves the run alone.
pub struct Run<W> {
    engine: Engine,
    id: RunId,
    workflow: PhantomData<fn() -> W>,
}

impl<W: Machine> Run<W> {
    /// A handle on the run of this id.
    pub(super) fn new(engine: Engine, id: RunId) -> Self {
        Self { engine, id, workflow: PhantomData }
    }

    /// The engine.
    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The run's id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// The typed state that the run is at.
    ///
    /// # Errors
    ///
    /// If the run has ended, its state can't be read by today's code, or the store fails.
    ///
    /// # Cancel safety
    ///
    /// It writes nothing.
    pub async fn state(&self) -> Result<W, ReadError> {
        let record = self.engine.load(&self.id, Depth::State).await?;
        let head = &record.row.head;
        if head.status.is_ended() {
            return Err(ReadError::Ended { id: self.id.clone(), status: head.status });
        }
        split(&record.parts)
            .and_then(|(fields, _)| {
                let fields = fields.into_iter().map(|part| (part.name.as_str(), &part.body[..]));
                W::decode(&head.at, StateReader::new(&head.at, &record.state, fields)?)
            })
            .map_err(|cause| ReadError::Unreadable { id: self.id.clone(), cause })
    }

    /// The run as one JSON document.
    ///
    /// # Errors
    ///
    /// If it can't be read, or the store fails.
    ///
    /// # Cancel safety
    ///
    /// It writes nothing.
    pub async fn snapshot(&self) -> Result<Snapshot, ReadError> {
        self.engine.snapshot(self.id()).await
    }

    /// The states of the run that are kept: see [`Engine::kept_states`].
    ///
    /// # Errors
    ///
    /// If they can't be read, or the store fails.
    ///
    /// # Cancel safety
    ///
    /// It writes nothing.
    pub async fn kept_states(&self) -> Result<BTreeMap<Revision, String>, ReadError> {
        self.engine.kept_states(self.id()).await
    }

    /// Sends the run a signal that its workflow awaits somewhere; it need not wait for it yet.
    ///
    /// The signal is durable when this returns. Signals of one type are taken in the order in which they were sent, each once.
    ///
    /// # Errors
    ///
    /// If the run is over, its inbox is full, the value can't be saved, or the store fails.
    ///
    /// # Cancel safety
    ///
    /// The signal may be sent or not.
    #[expect(clippy::needless_pass_by_value, reason = "what is sent is given away")]
    // Not an `async fn`: whoever sends what is not awaited would be told three times.
    pub fn signal<S>(&self, signal: S) -> BoxFuture<'_, Result<(), SignalError>>
    where
        W: Accepts<S>,
        S: Signal,
    {
        let body = serde_json::value::to_raw_value(&signal)
            .map_err(|cause| SignalError::Unsaved { signal: S::NAME.to_owned(), cause });
        Box::pin(async move { send::signal(self.engine.shared(), &self.id, None, S::NAME, &body?).await })
    }

    /// Sends the run a signal under a key of the sender's: sent again under the same key, it is taken once.
    ///
    /// The key is remembered until a day after the signal was taken, unless the store is set otherwise.
    ///
    /// # Errors
    ///
    /// As [`Run::signal`].
    ///
    /// # Cancel safety
    ///
    /// The signal may be sent or not; send it again under the same key to know.
    #[expect(clippy::needless_pass_by_value, reason = "what is sent is given away")]
    pub fn signal_once<'a, S>(&'a self, key: &'a str, signal: S) -> BoxFuture<'a, Result<(), SignalError>>
    where
        W: Accepts<S>,
        S: Signal,
    {
        let body = serde_json::value::to_raw_value(&signal)
            .map_err(|cause| SignalError::Unsaved { signal: S::NAME.to_owned(), cause });
        Box::pin(
            async move { send::signal(self.engine.shared(), &self.id, Some(key), S::NAME, &body?).await },
        )
    }

    /// Cancels the run: see [`Engine::cancel`].
    pub fn cancel(&self) -> Order {
        self.engine.cancel(self.id())
    }

    /// Aborts the run: see [`Engine::abort`].
    pub fn abort(&self) -> Order {
        self.engine.abort(self.id())
    }

    /// Pauses the run: see [`Engine::pause`].
    pub fn pause(&self) -> Order {
        self.engine.pause(self.id())
    }

    /// Lets the run go on after a pause: see [`Engine::resume`].
    pub fn resume(&self) -> Order {
        self.engine.resume(self.id())
    }

    /// Lets the run go on where it is parked: see [`Engine::retry`].
    pub fn retry(&self) -> Order {
        self.engine.retry(self.id())
    }

    /// Waits until the workflow's function has returned, and gives what it returned.
    ///
    /// # Errors
    ///
    /// If the run is or gets parked, or is cancelled: the error names the reason and the cure. If what it returned can't be
    /// read, or the store fails.
    ///
    /// # Cancel safety
    ///
    /// It writes nothing.
    pub async fn result(&self) -> Result<W::Output, ResultError> {
        let watch = self.engine.shared().watchers.watch(&self.id);
        let (mut pause, longest) = self.engine.shared().settings.look_again;
        loop {
            // It listens before it looks, so that an end between the two is heard.
            let mut told = std::pin::pin!(watch.notified());
            told.as_mut().enable();
            let record = self.engine.load(&self.id, Depth::End).await?;
            match record.row.head.status {
                Status::Completed => return self.output(&record.state),
                Status::Failed => return self.failure().await,
                Status::Cancelled => return Err(ResultError::Cancelled { id: self.id.clone() }),
                Status::Parked => {
                    return Err(ResultError::Parked {
                        id: self.id.clone(),
                        reason: ParkReason::of_head(&record.row.head),
                    });
                }
                Status::Ready | Status::Waiting | Status::Paused | Status::Cancelling => {}
            }
            let _ = tokio::time::timeout(pause, told).await;
            pause = longest.min(pause * 2);
        }
    }

    /// What the function of a failed run returned. It is kept beside the state, from which the run can be forked.
    async fn failure(&self) -> Result<W::Output, ResultError> {
        let record = self.engine.load(&self.id, Depth::State).await?;
        match output_of(&record) {
            Ok(output) => self.output(&output.unwrap_or_default()),
            Err(cause) => Err(ReadError::Unreadable { id: self.id.clone(), cause }.into()),
        }
    }

    /// Reads what the function returned.
    fn output(&self, json: &[u8]) -> Result<W::Output, ResultError> {
        let sealed = |cause| ReadError::Unreadable { id: self.id.clone(), cause };
        sealed::check(json).map_err(sealed)?;
        serde_json::from_slice(json).map_err(|cause| ResultError::Output {
            id: self.id.clone(),
            expected: std::any::type_name::<W::Output>(),
            cause,
        })
    }
}

impl<W> Clone for Run<W> {
    fn clone(&self) -> Self {
        Self { engine: self.engine.clone(), id: self.id.clone(), workflow: PhantomData }
    }
}

impl<W: Machine> fmt::Debug for Run<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("workflow", &W::NAME).field("id", &self.id).finish_non_exhaustive()
    }
}
