//! The only loop that performs actions, and only after the state that asks for them is stored.
//!
//! A run that is worked on is a task. It performs what the stored state asks for, has the outcome stored with the next
//! state, and goes on at once with the machine as it is in memory, until the run rests or ends; then the task is over.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::{
    AnyMachine,
    leases::Renewing,
    persist::{Persisted, Settled, persist, settle},
    shared::Shared,
    turn::{Turn, turn, unreadable},
};
use crate::{
    core::{Event, Identity, Life, Next, Run},
    observer::Reached,
    snapshot::{LoadError, ParkReason, StateReader},
    store::{Commit, Depth, EffectId, Head, Lease, Owed, Record, Revision, RunId, Status, StoreError, Then},
};

/// A run in this worker's hands.
struct Held {
    run: Run,
    lease: Lease,
    /// Effects of earlier commits that were carried out; the next commit says so.
    settled: Vec<EffectId>,
}

/// An event that was applied and is to be stored.
struct Planned {
    /// The run after it.
    run: Run,
    lease: Lease,
    commit: Commit,
}

/// What a run is to do after a commit.
#[expect(clippy::large_enum_variant, reason = "it is returned and taken apart at once, once a step")]
enum After {
    /// Go on.
    Go(Held),
    /// Be let go of.
    Leave(Option<Left>),
}

/// A run that was let go of by a commit, which may concern others.
pub(crate) struct Left {
    run: RunId,
    status: Status,
    then: Then,
    /// Whether it is due at once.
    is_due: bool,
}

/// Gives a run a task, until it rests or ends.
///
/// Whoever then hears of it may want its slot, so that is free by then.
pub(crate) fn spawn(
    shared: &Arc<Shared>,
    slot: Option<OwnedSemaphorePermit>,
    work: impl Future<Output = Option<Left>> + Send + 'static,
) {
    let told = shared.clone();
    // It is large, and the runtime moves it several times.
    let work = Box::pin(work);
    shared.spawn(async move {
        let left = work.await;
        drop(slot);
        if let Some(left) = left {
            left.announce(&told);
        }
    });
}

/// Works on a run that was claimed, until it rests or ends.
pub(crate) async fn take_up(shared: Arc<Shared>, lease: Lease, record: Record) -> Option<Left> {
    let renewing = Renewing::begin(&shared, lease.clone());
    let Settled { done, taken } = settle(&shared, record.owed.clone()).await;
    let left = match Run::of_record(&record) {
        Ok(run) => {
            let held = Held { run, lease, settled: done };
            match first_machine(&shared, &record, &held.run, taken) {
                Ok(machine) => drive(&shared, held, machine).await,
                Err(not_now) => leave(&shared, held, not_now).await,
            }
        }
        Err(error) => park_as_it_is(&shared, lease, &record, done, &error).await,
    };
    drop(renewing);
    left
}

/// Works on a run that this worker has just created, until it rests or ends.
pub(crate) async fn begin(
    shared: Arc<Shared>,
    lease: Lease,
    run: Run,
    machine: Box<dyn AnyMachine>,
) -> Option<Left> {
    let renewing = Renewing::begin(&shared, lease.clone());
    let left = drive(&shared, Held { run, lease, settled: Vec::new() }, machine).await;
    drop(renewing);
    left
}

/// Why a claimed run is not moved on.
enum NotNow {
    /// Nothing has come that it waits for.
    Looked,
    /// It can't go on.
    Stuck(ParkReason),
}

/// The machine of a claimed run, if it can be moved on.
fn first_machine(
    shared: &Shared,
    record: &Record,
    run: &Run,
    taken: Option<RunId>,
) -> Result<Box<dyn AnyMachine>, NotNow> {
    match &run.life {
        Life::At { .. } => {}
        // A message woke it. Nothing moves it on but an operator.
        Life::Parked { .. } | Life::Ended { .. } => return Err(NotNow::Looked),
    }
    if let Some(child) = taken {
        return Err(NotNow::Stuck(ParkReason::ChildIdTaken { child }));
    }
    // This claim is one of them.
    if record.row.claims > shared.settings.poison_limit {
        return Err(NotNow::Stuck(ParkReason::Poisoned { claims: record.row.claims }));
    }
    if let Next::Rest(_) = run.next(shared.now()) {
        return Err(NotNow::Looked);
    }
    load(shared, record).map_err(NotNow::Stuck)
}

/// Has it stored that a run is not moved on.
async fn leave(shared: &Arc<Shared>, held: Held, not_now: NotNow) -> Option<Left> {
    let event = match not_now {
        NotNow::Looked => Event::Looked,
        NotNow::Stuck(reason) => Event::Stuck(reason),
    };
    match held.plan(shared, event)?.store(shared).await {
        // What it waits for has come since it was looked at.
        After::Go(held) => held.give_back(shared).await,
        After::Leave(left) => return left,
    }
    None
}

/// Reads the machine of a stored run.
fn load(shared: &Shared, record: &Record) -> Result<Box<dyn AnyMachine>, ParkReason> {
    let (workflow, found) = (&record.row.queue, record.row.head.version);
    let Some(kind) = shared.registry.kind(workflow) else {
        return Err(ParkReason::Unreadable {
            message: format!("this worker knows no workflow `{workflow}`"),
        });
    };
    if kind.version != found {
        return Err(ParkReason::OlderVersion { found, known: kind.version });
    }
    let at = &record.row.head.at;
    let parts = record.parts.iter().map(|part| (part.name.as_str(), &part.body[..]));
    StateReader::new(at, &record.state, parts)
        .and_then(|reader| kind.decode(at, reader))
        .map_err(|error| unreadable(&error))
}

/// Moves a run on until it rests or ends.
async fn drive(shared: &Arc<Shared>, mut held: Held, mut machine: Box<dyn AnyMachine>) -> Option<Left> {
    loop {
        let next = held.run.next(shared.now());
        let turn = turn(&held.run, machine, next, &shared.resources, || shared.now()).await;
        let after = match held.plan(shared, turn.event())?.store(shared).await {
            After::Go(held) => held,
            After::Leave(left) => return left,
        };
        let Turn::To { machine: reached, .. } = turn else { return None };
        if !shared.is_working() {
            after.give_back(shared).await;
            return None;
        }
        (held, machine) = (after, reached);
    }
}

impl Held {
    /// Applies an event. A defect of ours must not take the worker down: the run is let go of, and taken up again when its
    /// lease ends.
    fn plan(self, shared: &Shared, event: Event<'_>) -> Option<Planned> {
        let Self { run, lease, settled } = self;
        match run.apply(event, shared.now()) {
            Ok((run, plan)) => Some(Planned { run, commit: plan.commit(lease.clone(), settled), lease }),
            Err(defect) => {
                tracing::error!(%defect, "a run was let go of");
                None
            }
        }
    }

    /// Gives the lease back, so that another worker takes the run over at once.
    async fn give_back(self, shared: &Shared) {
        if let Err(error) = shared.store.renew(vec![self.lease], std::time::Duration::ZERO).await {
            tracing::warn!(%error, "a lease was not given back; it ends by itself");
        }
    }
}

impl Planned {
    /// Has the commit stored.
    async fn store(self, shared: &Arc<Shared>) -> After {
        let Self { run, lease, commit } = self;
        let (then, status) = (commit.then, commit.head.status);
        let moved = commit.state.is_some() || status == Status::Parked;
        match persist(shared, commit).await {
            Persisted::Done { revision, more, owed } => {
                let lease = Lease { revision, ..lease };
                if moved {
                    tell(shared, &run, revision, status);
                }
                match then {
                    Then::Go => go_on(shared, run, lease, owed).await,
                    Then::Rest { .. } | Then::End => {
                        let is_due = more || !owed.is_empty();
                        After::Leave(Some(Left { run: lease.run, status, then, is_due }))
                    }
                }
            }
            Persisted::Lost => {
                tracing::warn!(run = %lease.run, "another worker has the run; what was done here was not stored");
                // It may have ended there, which the listener kept to itself as long as the run was held here.
                shared.watchers.wake(&lease.run);
                After::Leave(None)
            }
            Persisted::Refused(error) => After::Leave(park_refused(shared, lease, &error).await),
        }
    }
}

/// Carries out what the store left to the holder before the run goes on.
async fn go_on(shared: &Arc<Shared>, run: Run, lease: Lease, owed: Vec<Owed>) -> After {
    let Settled { done, taken } = settle(shared, owed).await;
    let held = Held { run, lease, settled: done };
    if let Some(child) = taken {
        let stuck = NotNow::Stuck(ParkReason::ChildIdTaken { child });
        return After::Leave(Box::pin(leave(shared, held, stuck)).await);
    }
    After::Go(held)
}

/// Tells the observers where a run now stands.
fn tell(shared: &Shared, run: &Run, revision: Revision, status: Status) {
    let Identity { id, workflow, .. } = &*run.identity;
    let reached = Reached { run: id.as_str(), workflow, at: run.state(), status, revision };
    shared.observers.iter().for_each(|observer| observer.reached(&reached));
}

impl Left {
    /// Wakes whoever it concerns.
    fn announce(self, shared: &Shared) {
        match self.then {
            Then::Go => {}
            Then::Rest { due } => {
                if self.is_due {
                    shared.bell.ring();
                } else if let Some(due) = due {
                    shared.bell.ring_at(due);
                }
                if self.status == Status::Parked {
                    tracing::error!(run = %self.run, "the run was parked");
                    shared.watchers.wake(&self.run);
                }
            }
            Then::End => shared.watchers.wake(&self.run),
        }
    }
}

/// Parks a run whose new state the store will never take, at the state that it has stored.
async fn park_refused(shared: &Arc<Shared>, lease: Lease, error: &StoreError) -> Option<Left> {
    tracing::error!(run = %lease.run, %error, "the store refused a commit");
    let loaded = shared.store.load(&lease.run, Depth::All).await;
    let record = loaded.map(|answer| shared.time.note(answer)).ok()??;
    let reason = ParkReason::Unsaved { message: error.to_string() };
    let (_, plan) = Run::of_record(&record).ok()?.apply(Event::Stuck(reason), shared.now()).ok()?;
    park(shared, plan.commit(lease, Vec::new())).await
}

/// Parks a run whose envelope can't be read: its bytes stay as they are, and only the status says so.
async fn park_as_it_is(
    shared: &Arc<Shared>,
    lease: Lease,
    record: &Record,
    settled: Vec<EffectId>,
    error: &LoadError,
) -> Option<Left> {
    tracing::error!(run = %lease.run, %error, "the run's envelope can't be read");
    if record.row.head.status.is_ended() {
        return None;
    }
    let head = Head { status: Status::Parked, ..record.row.head.clone() };
    let mut commit = Commit::new(lease, head, record.seen());
    commit.settled = settled;
    commit.then = Then::Rest { due: None };
    park(shared, commit).await
}

/// Has the commit stored that parks a run.
async fn park(shared: &Shared, commit: Commit) -> Option<Left> {
    let (run, status, then) = (commit.lease.run.clone(), commit.head.status, commit.then);
    let stored = matches!(persist(shared, commit).await, Persisted::Done { .. });
    stored.then_some(Left { run, status, then, is_due: false })
}
