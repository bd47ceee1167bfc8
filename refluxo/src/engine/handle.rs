//! What a program holds of an engine.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::Serialize;
use tokio::time::Instant;

use super::{
    EngineBuilder, ReadError, Run, SignalError, StartError, StorelessBuilder, driver, patience::ask,
    registry::Kind, send, shared::Shared,
};
use crate::{
    core::{Origin, birth, kept_states},
    machine::Machine,
    snapshot::Snapshot,
    store::{Created, Depth, NewRun, Record, Revision, RunId, Start, Store, StoreError},
    time::Timestamp,
};

/// Runs workflows on a store.
///
/// A handle: clones and the [`Run`]s that it gives are handles on the same engine. When the last of them is dropped, the
/// worker stops where it is, without losing anything: what was not committed is done again by whoever takes the runs over.
/// [`Engine::shutdown`] stops it so that no step is cut off.
#[derive(Clone)]
pub struct Engine {
    guard: Arc<Guard>,
}

/// Stops the engine when its last handle is dropped.
struct Guard {
    shared: Arc<Shared>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

impl Engine {
    /// Begins to put an engine together.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), refluxo::engine::BuildError> {
    /// use refluxo::{Engine, MemoryStore};
    ///
    /// let engine = Engine::builder(MemoryStore::new()).concurrency(8).build().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(store: impl Store) -> EngineBuilder {
        EngineBuilder::new(store)
    }

    /// Begins to put together an engine that keeps nothing: the caller keeps each run's snapshot.
    ///
    /// ```
    /// use refluxo::Engine;
    ///
    /// let engine = Engine::storeless().build()?;
    /// # Ok::<(), refluxo::engine::BuildError>(())
    /// ```
    pub fn storeless() -> StorelessBuilder {
        StorelessBuilder::new()
    }

    /// The handle of an engine that has begun.
    pub(super) fn of(shared: Arc<Shared>) -> Self {
        Self { guard: Arc::new(Guard { shared }) }
    }

    /// What the engine's parts share.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.guard.shared
    }

    /// Starts a run, durably, under an id of the caller's choice.
    ///
    /// Idempotent: the same id with the same workflow and arguments is the same run, started once, also after it has ended.
    /// If the worker has a free slot it goes on with the run at once.
    ///
    /// # Errors
    ///
    /// If the id belongs to a run of another workflow or with other arguments, the workflow is not registered, the arguments
    /// can't be saved, or the store fails.
    ///
    /// # Cancel safety
    ///
    /// The run may be started or not; start it again to know.
    pub async fn start<W: Machine>(&self, id: impl AsRef<str>, workflow: W) -> Result<Run<W>, StartError> {
        let id = RunId::new(id.as_ref())?;
        let shared = self.shared();
        if !shared.registry.kind(W::NAME).is_some_and(Kind::is::<W>) {
            return Err(StartError::NotRegistered { workflow: W::NAME });
        }
        let trace = shared.traces.capture().map(Into::into);
        let origin = Origin { trace, ..Origin::of(id.clone(), (shared.uids)()) };
        // A slot that is free now takes the run without a claim.
        let slot = shared.slots.clone().try_acquire_owned().ok().filter(|_| shared.is_working());
        let start = match (&slot, shared.session()) {
            (Some(_), Some(session)) => Start::Lent { session, keep: shared.settings.lease },
            (Some(_), None) | (None, _) => Start::Now,
        };
        let (run, new_run) = birth(origin, &workflow, start)
            .map_err(|cause| StartError::Arguments { id: id.clone(), cause })?;
        let is_allowed = shared.settings.max_payload.check_arguments(&new_run);
        is_allowed.map_err(|cause| StartError::TooLarge { id: id.clone(), cause })?;
        let asked = Instant::now();
        let created =
            self.create(&new_run).await.map_err(|cause| StartError::Store { id: id.clone(), cause })?;
        match created {
            Created::New { lease: Some(lease) } => {
                let work = driver::begin(shared.clone(), lease, run, Box::new(workflow), asked);
                driver::spawn(shared, slot, work);
            }
            // It was created, or had been before: the hash of the input covers the workflow's name.
            Created::New { lease: None } | Created::Exists { same_input: true, .. } => {}
            Created::Exists { same_input: false, queue, .. } if queue == W::NAME => {
                return Err(StartError::OtherArguments { id, workflow: W::NAME });
            }
            Created::Exists { same_input: false, queue, .. } => {
                return Err(StartError::OtherWorkflow { id, found: queue, wanted: W::NAME });
            }
            Created::Rejected(cause) => return Err(StartError::Store { id, cause }),
        }
        Ok(Run::new(self.clone(), id))
    }

    /// Creates a run; sent again as it is, where the outcome is unknown.
    async fn create(&self, new_run: &NewRun) -> Result<Created, StoreError> {
        let shared = self.shared();
        let mut answers = ask(&shared.time, || shared.store.create(vec![new_run.clone()])).await?;
        Ok(answers.pop().unwrap_or(Created::New { lease: None }))
    }

    /// Comes back to a run that was started before, perhaps by another process.
    ///
    /// # Errors
    ///
    /// If there is no such run, it is one of another workflow, or the store fails.
    ///
    /// # Cancel safety
    ///
    /// It writes nothing.
    pub async fn run<W: Machine>(&self, id: impl AsRef<str>) -> Result<Run<W>, ReadError> {
        let id = RunId::new(id.as_ref())?;
        let record = self.load(&id, Depth::Head).await?;
        if record.row.queue == W::NAME {
            return Ok(Run::new(self.clone(), id));
        }
        Err(ReadError::OtherWorkflow { id, found: record.row.queue, wanted: W::NAME })
    }

    /// The JSON document of a run, whatever its workflow.
    ///
    /// # Errors
    ///
    /// If there is no such run, or it can't be read.
    ///
    /// # Cancel safety
    ///
    /// It writes nothing.
    pub async fn snapshot(&self, id: impl AsRef<str>) -> Result<Snapshot, ReadError> {
        let id = RunId::new(id.as_ref())?;
        let (record, now) = self.load_at(&id, Depth::All).await?;
        Snapshot::of_record(record, now).map_err(|cause| ReadError::Unreadable { id, cause })
    }

    /// The names of the states of a run that are [kept](EngineBuilder::keep_states), each under the revision that came to it:
    /// the run can be forked [from](super::Fork::from) them.
    ///
    /// # Errors
    ///
    /// If there is no such run, it can't be read, or the store fails.
    ///
    /// # Cancel safety
    ///
    /// It writes nothing.
    pub async fn kept_states(&self, id: impl AsRef<str>) -> Result<BTreeMap<Revision, String>, ReadError> {
        let id = RunId::new(id.as_ref())?;
        let record = self.load(&id, Depth::State).await?;
        kept_states(&record).map_err(|cause| ReadError::Unreadable { id, cause })
    }

    /// Sends a signal by its name and its JSON, for callers that don't have its type.
    ///
    /// # Errors
    ///
    /// If there is no such run, it is over, its workflow never awaits such a signal, its inbox is full, or the store fails.
    /// The body is not compared with the signal's type: one that can't be read parks the run when it is taken.
    ///
    /// # Cancel safety
    ///
    /// The signal may be sent or not.
    pub async fn signal_json(
        &self,
        id: impl AsRef<str>,
        signal: &str,
        body: &(impl Serialize + ?Sized),
    ) -> Result<(), SignalError> {
        let id = RunId::new(id.as_ref())?;
        send::check_awaited(self.shared(), &id, signal).await?;
        send::signal(self.shared(), &id, None, signal, body).await
    }

    /// As [`Engine::signal_json`], under a key of the sender's: sent again under the same key, the signal is taken once.
    ///
    /// # Errors
    ///
    /// As [`Engine::signal_json`].
    ///
    /// # Cancel safety
    ///
    /// The signal may be sent or not; send it again under the same key to know.
    pub async fn signal_json_once(
        &self,
        id: impl AsRef<str>,
        key: &str,
        signal: &str,
        body: &(impl Serialize + ?Sized),
    ) -> Result<(), SignalError> {
        let id = RunId::new(id.as_ref())?;
        send::check_awaited(self.shared(), &id, signal).await?;
        send::signal(self.shared(), &id, Some(key), signal, body).await
    }

    /// Stops the worker so that no step is cut off: it claims no more, lets the steps in flight end and commits what came of
    /// them, and gives the runs back, to be taken over at once. Steps that don't end within the
    /// [grace](EngineBuilder::shutdown_grace) are dropped, and run again elsewhere.
    ///
    /// The handles stay usable for reading, signalling and starting runs, which other workers then work on.
    ///
    /// # Cancel safety
    ///
    /// Once polled, no more runs are claimed; dropped before it is ready, it leaves the steps that are in flight running
    /// no longer.
    pub async fn shutdown(&self) {
        self.shared().shut_down().await;
    }

    /// Stops the engine as a crash of its process would: what was not committed is lost, and its runs are free at once.
    #[cfg(feature = "testing")]
    pub(crate) fn crash(&self) {
        self.shared().stop();
    }

    /// A run as it is stored.
    pub(super) async fn load(&self, id: &RunId, depth: Depth) -> Result<Record, ReadError> {
        self.load_at(id, depth).await.map(|(record, _)| record)
    }

    /// A run as it is stored, and the store's time.
    async fn load_at(&self, id: &RunId, depth: Depth) -> Result<(Record, Timestamp), ReadError> {
        let shared = self.shared();
        let record = ask(&shared.time, || shared.store.load(id, depth))
            .await
            .map_err(|cause| ReadError::Store { id: id.clone(), cause })?;
        match record {
            Some(record) => Ok((record, shared.now())),
            None => Err(ReadError::Unknown { id: id.clone() }),
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = self.shared();
        f.debug_struct("Engine").field("store", &shared.store).field("registry", &shared.registry).finish()
    }
}
