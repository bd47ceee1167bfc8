//! What a program holds of an engine.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::Serialize;

use super::{
    EngineBuilder, ReadError, Run, SignalError, Starting, StorelessBuilder, patience::ask, send,
    shared::Shared,
};
use crate::{
    core::kept_states,
    machine::Machine,
    snapshot::Snapshot,
    store::{Depth, Record, Revision, RunId, Store},
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

    /// Starts a run, durably, under an id of the caller's choice; at once, unless [`Starting::at`] says otherwise.
    ///
    /// Idempotent: the same id with the same workflow and arguments is the same run, started once, also after it has ended.
    /// If the worker has a free slot it goes on with the run at once.
    ///
    /// ```no_run
    /// # use refluxo::prelude::*;
    /// # #[workflow]
    /// # async fn remind(whom: String) -> String { whom }
    /// # async fn example(engine: Engine) -> Result<(), Box<dyn std::error::Error>> {
    /// engine.start("r-1", remind("Ada".into())).await?;
    /// let week = std::time::Duration::from_hours(7 * 24);
    /// engine.start("r-2", remind("Eve".into())).attribute("customer", "Eve").after(week).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn start<W: Machine>(&self, id: impl AsRef<str>, workflow: W) -> Starting<W> {
        Starting::new(self, id.as_ref(), workflow)
    }

    /// Starts a run in a transaction of the program's own, in the database where the runs are kept: the run is there once that is
    /// committed, together with what the program has written in it, and never if it is rolled back. A worker takes it up at once then.
    ///
    /// What it takes, and whether it is to be awaited, [`UserTransaction`](super::UserTransaction) tells. It is [`Engine::start`] in
    /// all else; for attributes and times write `engine.start(…).attribute(…).within(transaction)`. Until the transaction is
    /// committed nobody else sees the run, and whoever starts one under the same id may wait for that.
    ///
    /// ```no_run
    /// # use refluxo::prelude::*;
    /// # #[workflow]
    /// # async fn remind(whom: String) -> String { whom }
    /// # #[cfg(feature = "sqlite")]
    /// fn book(engine: &Engine, db: &mut rusqlite::Connection) -> Result<(), Box<dyn std::error::Error>> {
    ///     let tx = db.transaction()?;
    ///     tx.execute("INSERT INTO booking (whom) VALUES ('Ada')", [])?;
    ///     engine.start_in(&tx, "r-1", remind("Ada".into()))?;
    ///     Ok(tx.commit()?)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Starting`]; if the store is of another type; on SQLite, if no transaction is open or it is one of another file. PostgreSQL gives
    /// the transaction up where a statement fails, and so if the schema is not there; not if the id is in use.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub fn start_in<T: super::UserTransaction, W: Machine>(
        &self,
        transaction: T,
        id: impl AsRef<str>,
        workflow: W,
    ) -> T::Started<W> {
        self.start(id, workflow).within(transaction)
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
        let (record, now) = self.load_at(&id, Depth::Whole).await?;
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
