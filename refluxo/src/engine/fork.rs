//! Copies of runs, as runs of their own.

use futures_util::future::BoxFuture;
use serde::Deserialize;

use super::{Engine, ForkError, Run, machines::check, patience::ask, shared::Shared, signed::signed};
use crate::{
    core::{Earlier, NoFork, VerbLetter, earlier, fork},
    machine::Machine,
    snapshot::Hot,
    store::{Created, Depth, InvalidRunId, Page, Record, Revision, RunId, StoreError},
};

impl Engine {
    /// Copies a run as a run of its own, under another id: it goes on from the state at which the first one stands, or stood
    /// when it failed or was cancelled.
    ///
    /// The outputs of branches that have ended are kept, and so is what is left of the undo stack. Everything that the first
    /// run was about to do, the copy does anew, under keys of its own: its step runs again, its children are started again,
    /// its timers begin again; signals are not copied. It can be found by the attributes that the first run has now, which is
    /// left as it is.
    ///
    /// [`Fork::from`] copies it from an earlier state.
    pub fn fork(&self, id: impl AsRef<str>, copy: impl AsRef<str>) -> Fork {
        let ids = RunId::new(id.as_ref()).and_then(|id| RunId::new(copy.as_ref()).map(|copy| (id, copy)));
        Fork { engine: self.clone(), ids, from: None, force: false, letter: VerbLetter::default() }
    }
}

impl<W: Machine> Run<W> {
    /// Copies the run as a run of its own: see [`Engine::fork`].
    pub fn fork(&self, copy: impl AsRef<str>) -> ForkRun<W> {
        ForkRun { run: self.clone(), fork: self.engine().fork(self.id(), copy) }
    }
}

/// A copy of a run that is to be made; await it to make it.
///
/// # Cancel safety
///
/// The copy may be made or not.
#[derive(Debug)]
#[must_use = "a run is copied by `.await`"]
pub struct Fork {
    engine: Engine,
    ids: Result<(RunId, RunId), InvalidRunId>,
    from: Option<Revision>,
    force: bool,
    letter: VerbLetter,
}

/// A copy of a typed run that is to be made; await it to make it.
///
/// # Cancel safety
///
/// The copy may be made or not.
#[derive(Debug)]
#[must_use = "a run is copied by `.await`"]
pub struct ForkRun<W: Machine> {
    run: Run<W>,
    fork: Fork,
}

impl Fork {
    /// Copies the run from an earlier state: the one that it came to with this revision, one of
    /// [`Engine::kept_states`].
    ///
    /// What had been pushed on the undo stack by then is the copy's too, unless it has been run. The branches of a `join!` or a
    /// `select!` begin again.
    pub fn from(mut self, revision: Revision) -> Self {
        self.from = Some(revision);
        self
    }

    /// Copies the run although some of what it did has been undone since: the copy goes on as if it were still done.
    pub fn force(mut self) -> Self {
        self.force = true;
        self
    }

    signed!("the copy's history");

    async fn make(self) -> Result<RunId, ForkError> {
        let Self { engine, ids, from, force, letter } = self;
        let (id, copy) = ids?;
        let shared = engine.shared();
        let store = |cause| ForkError::Store { id: id.clone(), copy: copy.clone(), cause };
        let record = ask(&shared.time, || shared.store.load(&id, Depth::Whole)).await.map_err(store)?;
        let record = record.ok_or_else(|| ForkError::Unknown { id: id.clone() })?;
        let refused = |why| refused(&id, why);
        let Earlier { record, undone } = if let Some(revision) = from {
            earlier(&record, revision).map_err(refused)?
        } else {
            let undone = !force && was_undone(shared, &record).await.map_err(store)?;
            Earlier { record, undone }
        };
        if undone && !force {
            return Err(ForkError::Undone { id });
        }
        let trace = shared.traces.capture();
        let new_run = fork(&record, copy.clone(), (shared.uids)(), &letter, trace).map_err(refused)?;
        check(&shared.registry, &record)
            .map_err(|reason| ForkError::Unreadable { id: id.clone(), reason })?;
        let created =
            ask(&shared.time, || shared.store.create(vec![new_run.clone()])).await.map_err(store)?;
        match created.into_iter().next() {
            Some(Created::New { .. }) | None => Ok(copy),
            Some(Created::Exists { .. }) => Err(ForkError::IdTaken { copy }),
            Some(Created::Rejected(cause)) => Err(store(cause)),
        }
    }
}

impl<W: Machine> ForkRun<W> {
    /// See [`Fork::from`].
    pub fn from(mut self, revision: Revision) -> Self {
        self.fork = self.fork.from(revision);
        self
    }

    /// See [`Fork::force`].
    pub fn force(mut self) -> Self {
        self.fork = self.fork.force();
        self
    }

    /// See [`Fork::by`].
    pub fn by(mut self, who: impl Into<String>) -> Self {
        self.fork = self.fork.by(who);
        self
    }

    /// See [`Fork::reason`].
    pub fn reason(mut self, why: impl Into<String>) -> Self {
        self.fork = self.fork.reason(why);
        self
    }
}

impl IntoFuture for Fork {
    type Output = Result<(), ForkError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { self.make().await.map(drop) })
    }
}

impl<W: Machine> IntoFuture for ForkRun<W> {
    type Output = Result<Run<W>, ForkError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { run, fork } = self;
        Box::pin(async move { Ok(Run::new(run.engine().clone(), fork.make().await?)) })
    }
}

/// Why a run is not copied, for its caller.
fn refused(id: &RunId, why: NoFork) -> ForkError {
    let id = id.clone();
    match why {
        NoFork::Completed => ForkError::Completed { id },
        NoFork::NotKept { revision, kept } => ForkError::NotKept { id, revision, kept },
        NoFork::Unreadable(cause) => ForkError::Envelope { id, cause },
        NoFork::Unsaved(cause) => ForkError::Unsaved { id, cause },
    }
}

/// What an entry of the history tells of undoing.
#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    undone: bool,
    /// The run, or a branch, moved to another state.
    to: Option<String>,
}

/// Whether some of what the run did has been undone.
async fn was_undone(shared: &Shared, record: &Record) -> Result<bool, StoreError> {
    // A run that still undoes has begun to, whatever its history tells by now.
    match Hot::read(&record.row.head.body).map(|hot| hot.ending) {
        Ok(Some(_)) => return Ok(true),
        Ok(None) if !record.row.head.status.is_ended() => return Ok(false),
        Ok(None) | Err(_) => {}
    }
    let mut page = Page { before: None, limit: 100 };
    loop {
        let entries = ask(&shared.time, || shared.store.history(&record.row.id, page)).await?;
        for entry in &entries {
            match serde_json::from_slice::<Told>(&entry.body) {
                Ok(Told { undone: true, .. }) => return Ok(true),
                // All that was undone was so after the last move.
                Ok(Told { to: Some(_), .. }) => return Ok(false),
                Ok(Told { .. }) | Err(_) => {}
            }
        }
        match entries.last() {
            Some(oldest) => page.before = Some(oldest.id),
            None => return Ok(false),
        }
    }
}
