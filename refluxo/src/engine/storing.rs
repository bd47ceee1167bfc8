//! Having stored what a turn changed, and what follows from that.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    driver::{Hands, Held},
    patience::Patience,
    persist::{Persisted, Settled, persist, persist_in, settle},
    shared::Shared,
};
use crate::{
    core::{Event, Identity, Life, Plan, Run},
    observer::{Ended, Event as Told, Parked, Reached, Started},
    snapshot::{LoadError, ParkReason, Path},
    store::{
        Commit, Depth, EffectId, Head, Lease, Operation, Owed, Record, Revision, RunId, Seq, Status,
        StoreError, Then,
    },
    time::Timestamp,
};

/// An event that was applied and is to be stored.
pub(crate) struct Planned {
    /// The run after it.
    run: Run,
    hands: Box<Hands>,
    commit: Commit,
    /// The steps in flight that nobody waits for once it is stored.
    dropped: Vec<Path>,
    before: Before,
}

/// How a run stood before an event.
#[derive(Clone, Copy)]
pub(crate) struct Before {
    is_parked: bool,
    is_over: bool,
}

impl Before {
    /// How the run stands.
    pub(crate) fn of(run: &Run) -> Self {
        Self { is_parked: run.parked.is_some(), is_over: matches!(run.life, Life::Ended { .. }) }
    }

    /// Whether the run stopped by an event after which it stands so.
    fn is_changed_by(self, status: Status) -> bool {
        status == Status::Parked && !self.is_parked || status.is_ended() && !self.is_over
    }
}

/// What a run is to do after a commit.
pub(crate) enum After {
    /// Go on.
    Go(Held),
    /// Go on from what was stored before: nothing of the commit was.
    Anew(Held),
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

impl Planned {
    /// What is to be stored by the holder of the run.
    pub(crate) fn new(before: Before, run: Run, mut plan: Plan, mut hands: Box<Hands>) -> Self {
        let dropped = std::mem::take(&mut plan.dropped);
        let commit = plan.commit(hands.lease.clone(), std::mem::take(&mut hands.settled));
        Self { run, hands, commit, dropped, before }
    }

    /// Has the commit stored.
    pub(crate) async fn store(self, shared: &Arc<Shared>) -> After {
        let Self { run, mut hands, commit, dropped, before } = self;
        let (then, status) = (commit.then, commit.head.status);
        let (settled, seen) = (commit.settled.clone(), commit.seen);
        let moved = commit.state.is_some() || before.is_changed_by(status);
        let begun = Instant::now();
        let persisted = match hands.transaction.take() {
            Some(transaction) => persist_in(shared, transaction, commit).await,
            None => persist(shared, commit).await,
        };
        match persisted {
            Persisted::Done { revision, more, owed } => {
                hands.patience = None;
                hands.lease.revision = revision;
                let news = News { before, revision, status, stored_in: begun.elapsed(), moved };
                news.tell(shared, &run, hands.created);
                for path in &dropped {
                    hands.running.drop_one(path);
                    // It may have ended with another one of a cancelled run, and not be put in yet.
                    hands.ended.retain(|(ended, _)| ended != path);
                }
                match then {
                    Then::Go => go_on(shared, Held { run, hands }, more, owed).await,
                    Then::Rest { .. } | Then::End => {
                        hands.running.drop_all();
                        let is_due = more || !owed.is_empty();
                        After::Leave(Some(Left { run: hands.lease.run, status, then, is_due }))
                    }
                }
            }
            Persisted::Lost => {
                hands.running.lose_lease();
                Held { run, hands }.tell_of_loss(shared);
                After::Leave(None)
            }
            Persisted::RolledBack => {
                hands.settled = settled;
                rolled_back(shared, hands).await
            }
            Persisted::Refused(error) => {
                hands.settled = settled;
                refused(shared, hands, seen, &error).await
            }
        }
    }
}

/// Carries out what the store left to the holder before the run goes on.
async fn go_on(shared: &Arc<Shared>, mut held: Held, more: bool, owed: Vec<Owed>) -> After {
    let Settled { done, taken } = settle(shared, owed).await;
    held.hands.settled = done;
    if more {
        held.load_mail(shared).await;
    }
    if let Some(child) = taken {
        held.hands.stuck = Some((Path::ROOT, ParkReason::ChildIdTaken { child }));
    }
    After::Go(held)
}

/// What a commit has changed that observers want to know.
struct News {
    before: Before,
    revision: Revision,
    status: Status,
    stored_in: Duration,
    /// Whether the run has come to a state.
    moved: bool,
}

impl News {
    /// Tells the observers where a run now stands.
    fn tell(self, shared: &Shared, run: &Run, created: Timestamp) {
        let Self { before, revision, status, stored_in, moved } = self;
        let audience = &shared.workshop.audience;
        if audience.is_empty() {
            return;
        }
        let Identity { id, workflow, parent, .. } = &*run.identity;
        let after = shared.now().saturating_since(created);
        let (id, workflow) = (|| id.clone(), || workflow.clone());
        if revision == FIRST {
            let parent = parent.as_ref().map(|parent| parent.id.clone());
            audience.tell(|| Told::Started(Started { run: id(), workflow: workflow(), parent, after }));
        }
        if moved {
            let (run, workflow, at) = (id(), workflow(), run.state().to_owned());
            audience.tell(|| Told::Reached(Reached { run, workflow, at, status, revision, stored_in }));
        }
        if let Some(reason) = run.parked.clone().filter(|_| !before.is_parked) {
            let (run, workflow, at) = (id(), workflow(), run.state().to_owned());
            audience.tell(|| Told::Parked(Parked { run, workflow, at, reason }));
        }
        if status.is_ended() && !before.is_over {
            audience.tell(|| Told::Ended(Ended { run: id(), workflow: workflow(), status, after }));
        }
    }
}

/// The revision of a run that has had one commit.
const FIRST: Revision = Revision(1);

impl Left {
    /// Wakes whoever it concerns.
    pub(crate) fn announce(self, shared: &Shared) {
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

/// Has a run go on from what is stored, whose commit was rolled back with what its step had written: the step runs again.
async fn rolled_back(shared: &Arc<Shared>, mut hands: Box<Hands>) -> After {
    hands.running.drop_all();
    let patience = hands.patience.get_or_insert_with(Patience::of_a_run);
    loop {
        patience.pause().await;
        match shared.store.load(&hands.lease.run, Depth::All).await.map(|answer| shared.time.note(answer)) {
            Err(error) => {
                tracing::warn!(run = %hands.lease.run, %error, "the run was not read; it is tried again");
            }
            Ok(record) => {
                let Some((run, record)) = record.and_then(|record| of_record(shared, record)) else {
                    return After::Leave(None);
                };
                hands.begin_anew(record);
                return After::Anew(Held { run, hands });
            }
        }
    }
}

/// Has a run whose commit the store will never take go on from what is stored, where it gets stuck: an operator's word that has come
/// meanwhile is heeded, and one that was cancelled ends. If what follows from that is refused too, the run is parked and let go of.
async fn refused(shared: &Arc<Shared>, mut hands: Box<Hands>, seen: Seq, error: &StoreError) -> After {
    tracing::error!(run = %hands.lease.run, %error, "the store refused a commit");
    shared.tell_failed(Operation::Commit, error.clone());
    hands.running.drop_all();
    let Some((run, record)) = stored(shared, &hands.lease.run).await else { return After::Leave(None) };
    let reason = ParkReason::Unsaved { message: error.to_string() };
    if !hands.refused {
        hands.begin_anew(record);
        hands.stuck = Some((Path::ROOT, reason));
        hands.refused = true;
        return After::Anew(Held { run, hands });
    }
    let Ok((_, plan)) = run.apply(Event::Refused(reason.clone()), shared.now()) else {
        return After::Leave(None);
    };
    // What it has seen in its inbox would be refused again; what has come since makes it due.
    let plan = Plan { seen, then: Then::Rest { due: None }, ..plan };
    After::Leave(park(shared, plan.commit(hands.lease, hands.settled), &record, reason).await)
}

/// A run as it is stored, if that can be told.
async fn stored(shared: &Shared, id: &RunId) -> Option<(Run, Record)> {
    let loaded = shared.store.load(id, Depth::All).await;
    of_record(shared, loaded.map(|answer| shared.time.note(answer)).ok()??)
}

/// A run as it is stored, if that can be read.
fn of_record(shared: &Shared, record: Record) -> Option<(Run, Record)> {
    let run = Run::of_record(&record).ok()?;
    Some((shared.settings.bound(run), record))
}

/// Parks a run whose envelope can't be read: its bytes stay as they are, and only the status says so.
pub(crate) async fn park_as_it_is(
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
    park(shared, commit, record, ParkReason::Unreadable { message: error.to_string() }).await
}

/// Has the commit stored that parks a run.
async fn park(shared: &Shared, commit: Commit, record: &Record, reason: ParkReason) -> Option<Left> {
    let (run, status, then) = (commit.lease.run.clone(), commit.head.status, commit.then);
    let stored = matches!(persist(shared, commit).await, Persisted::Done { .. });
    if stored && record.row.head.status != Status::Parked {
        let (run, workflow, at) = (run.clone(), record.row.queue.as_str().into(), record.row.head.at.clone());
        shared.workshop.audience.tell(|| Told::Parked(Parked { run, workflow, at, reason }));
    }
    stored.then_some(Left { run, status, then, is_due: false })
}
