//! Runs that are about to be started.

use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;

use super::{Engine, Run, StartError, driver, patience::ask, sure::Asked};
use crate::{
    core::{self, Origin, birth},
    machine::Machine,
    store::{AttrValue, Attribute, Created, InvalidRunId, Lane, Lease, NewRun, RunId, Start, StoreError},
    time::Timestamp,
};

/// A run that is to be started, by [`Engine::start`]; await it to start it.
///
/// # Errors
///
/// If the id belongs to a run of another workflow or with other arguments, the workflow is not registered, the arguments
/// can't be saved, or the store fails.
///
/// # Cancel safety
///
/// The run may be started or not; start it again to know.
#[must_use = "a run is started by `.await`"]
pub struct Starting<W> {
    pub(super) engine: Engine,
    id: Result<RunId, InvalidRunId>,
    workflow: W,
    attributes: Vec<Attribute>,
    lane: Lane,
    pub(super) when: When,
}

/// When a run starts.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    Now,
    At(Timestamp),
    After(Duration),
}

impl<W: Machine> Starting<W> {
    /// A run that starts at once.
    pub(super) fn new(engine: &Engine, id: &str, workflow: W) -> Self {
        let (engine, id) = (engine.clone(), RunId::new(id));
        Self { engine, id, workflow, attributes: Vec::new(), lane: Lane::default(), when: When::Now }
    }

    /// Gives the run an attribute that it can be found by, as the workflow itself does with
    /// [`set_attribute`](crate::set_attribute). A run that is there already keeps those that it has.
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<AttrValue>) -> Self {
        let (name, value) = (name.into(), value.into());
        self.attributes.retain(|attribute| attribute.name != name);
        self.attributes.push(Attribute { name, value });
        self
    }

    /// Has the run come before those of its workflow that have a lower priority: whenever a worker takes runs of the workflow, those
    /// of the highest priority come first, and of those the ones that were due first. It is 0 unless set.
    ///
    /// It holds for each turn of the run, also after it has slept or waited, and for the runs that it starts: its children, and
    /// those that it spawns. A flood of urgent runs leaves nothing for others of the same workflow, while different workflows
    /// share a worker evenly whatever their runs' priorities are. Each priority in use costs a claim one look into an index.
    pub fn priority(mut self, priority: i8) -> Self {
        self.lane.priority = priority;
        self
    }

    /// Gives the run a key. Of the runs of a workflow that have the same one no more are worked on at once, by all workers together,
    /// than [`EngineBuilder::limit_per_key_of`](super::EngineBuilder::limit_per_key_of) says: `.key("customer-7")` with a limit of
    /// 1 has the runs of a customer worked on one after another. Where workers have no such limit it says nothing.
    ///
    /// What sleeps, or waits for a signal or a child, is not worked on: another run of its key may go on meanwhile, and before it is
    /// worked on again it may have to wait for that one. A run that waits for its turn hears of signals and orders when it comes.
    ///
    /// The key may be any text that can be the id of a run. It is kept as it is, also where a codec encrypts the rest. Children
    /// don't inherit it.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.lane.key = Some(key.into());
        self
    }

    /// Has the run begin at this time, by the store's clock; at once, if that has passed.
    ///
    /// Until then it is a run that sleeps: it takes signals, and can be cancelled.
    pub fn at(self, start: Timestamp) -> Self {
        Self { when: When::At(start), ..self }
    }

    /// Has the run begin after this time, as with [`Starting::at`].
    pub fn after(self, delay: Duration) -> Self {
        Self { when: When::After(delay), ..self }
    }

    /// Starts the run, and tells whether that created it: `false` if it had been started before with the same arguments.
    ///
    /// For callers who answer somebody, as with `201 Created` or `200 OK`. An answer of the store that was lost changes nothing: the
    /// start that created the run is told so.
    ///
    /// ```no_run
    /// # use refluxo::prelude::*;
    /// # #[workflow]
    /// # async fn remind(whom: String) -> String { whom }
    /// # async fn example(engine: Engine) -> Result<(), refluxo::engine::StartError> {
    /// let (run, is_new) = engine.start("r-1", remind("Ada".into())).created().await?;
    /// println!("{} {}", run.id(), if is_new { "begins" } else { "was there already" });
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Starting`].
    ///
    /// # Cancel safety
    ///
    /// As [`Starting`]; what is told then is that of the later start.
    pub async fn created(self) -> Result<(Run<W>, bool), StartError> {
        let (id, may_take) = self.checked()?;
        let shared = self.engine.shared();
        let failed = |cause| StartError::Store { id: id.clone(), cause };
        let now = if self.when.counts_from_now() {
            shared.asked_now().await.map_err(failed)?
        } else {
            shared.now()
        };
        let later = self.when.later(now);
        // A slot that is free now takes the run without a claim.
        let slot = || shared.slots.clone().try_acquire_owned().ok().filter(|_| shared.is_working());
        let slot = if later.is_none() && may_take { slot() } else { None };
        let start = match (later, &slot, shared.session()) {
            (Some(start), ..) => Start::At(start),
            (None, Some(_), Some(session)) => Start::Lent { session, keep: shared.settings.lease },
            (None, Some(_), None) | (None, None, _) => Start::Now,
        };
        let (run, new_run) = self.newborn(&id, start)?;
        let asked = Asked::now(shared);
        let created = create(&self.engine, &new_run).await.map_err(failed)?;
        let (lease, is_new) = answered(&id, W::NAME, created)?;
        let Self { engine, workflow, .. } = self;
        if let Some(lease) = lease {
            let shared = engine.shared();
            let work = driver::begin(shared.clone(), lease, run, Box::new(workflow), asked);
            driver::spawn(shared, slot, work);
        }
        Ok((Run::new(engine, id), is_new))
    }

    /// The id, and whether this worker may take the run without a claim: it serves the workflow, and there is no limit to be kept.
    pub(super) fn checked(&self) -> Result<(RunId, bool), StartError> {
        let id = self.id.clone()?;
        let kind = self.engine.shared().registry.kind(W::NAME).filter(|kind| kind.is::<W>());
        let kind = kind.ok_or(StartError::NotRegistered { workflow: W::NAME })?;
        for Attribute { name, value } in &self.attributes {
            Attribute::check(name, value).map_err(|cause| StartError::Attribute { id: id.clone(), cause })?;
        }
        if let Some(key) = &self.lane.key {
            let unfit = |cause| StartError::Key { id: id.clone(), key: key.clone(), cause };
            RunId::new(key.as_str()).map_err(unfit)?;
        }
        Ok((id, kind.served && kind.gate.is_open() && self.lane.key.is_none()))
    }

    /// The run, and how it is stored.
    pub(super) fn newborn(&self, id: &RunId, start: Start) -> Result<(core::Run, NewRun), StartError> {
        let shared = self.engine.shared();
        let trace = shared.traces.capture().map(Into::into);
        let origin = Origin { trace, lane: self.lane.clone(), ..Origin::of(id.clone(), (shared.uids)()) };
        let (run, new_run) = birth(origin, &self.workflow, start)
            .map_err(|cause| StartError::Arguments { id: id.clone(), cause })?;
        let is_allowed = shared.settings.max_payload.check_arguments(&new_run);
        is_allowed.map_err(|cause| StartError::TooLarge { id: id.clone(), cause })?;
        Ok((run, NewRun { attributes: self.attributes.clone(), ..new_run }))
    }
}

impl When {
    /// Whether the store's time is needed.
    pub(super) fn counts_from_now(self) -> bool {
        matches!(self, Self::After(_))
    }

    /// The time, if it is not at once.
    pub(super) fn later(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Now => None,
            Self::At(start) => Some(start),
            Self::After(delay) => Some(now.saturating_add(delay)),
        }
    }
}

/// What the store's answer means: a lease if there is one, and whether the run is new.
pub(super) fn answered(
    id: &RunId,
    workflow: &'static str,
    created: Created,
) -> Result<(Option<Lease>, bool), StartError> {
    let id = id.clone();
    match created {
        Created::New { lease } => Ok((lease, true)),
        // The hash of the input covers the workflow's name.
        Created::Exists { same_input: true, .. } => Ok((None, false)),
        Created::Exists { same_input: false, queue, .. } if queue == workflow => {
            Err(StartError::OtherArguments { id, workflow })
        }
        Created::Exists { same_input: false, queue, .. } => {
            Err(StartError::OtherWorkflow { id, found: queue, wanted: workflow })
        }
        Created::Rejected(cause) => Err(StartError::Store { id, cause }),
    }
}

/// Creates a run; sent again as it is, where the outcome is unknown.
async fn create(engine: &Engine, new_run: &NewRun) -> Result<Created, StoreError> {
    let shared = engine.shared();
    let mut answers = ask(&shared.time, || shared.store.create(vec![new_run.clone()])).await?;
    Ok(answers.pop().unwrap_or(Created::New { lease: None }))
}

impl<W: Machine> IntoFuture for Starting<W> {
    type Output = Result<Run<W>, StartError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { self.created().await.map(|(run, _)| run) })
    }
}

impl<W: Machine> fmt::Debug for Starting<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Starting")
            .field("workflow", &W::NAME)
            .field("id", &self.id)
            .field("attributes", &self.attributes)
            .field("lane", &self.lane)
            .field("when", &self.when)
            .finish_non_exhaustive()
    }
}
