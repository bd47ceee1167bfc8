//! Having stored what a turn changed, and what follows from that.

use std::sync::Arc;

use super::{
    driver::{Hands, Held},
    persist::{Persisted, Settled, persist, settle},
    shared::Shared,
    steps,
};
use crate::{
    core::{Event, Identity, Plan, Run},
    observer::Reached,
    snapshot::{LoadError, ParkReason, Path},
    store::{
        Commit, Depth, EffectId, Head, Lease, Owed, Record, Revision, RunId, Seq, Status, StoreError, Then,
    },
};

/// An event that was applied and is to be stored.
pub(crate) struct Planned {
    /// The run after it.
    run: Run,
    hands: Box<Hands>,
    commit: Commit,
    /// The steps in flight that nobody waits for once it is stored.
    dropped: Vec<Path>,
}

/// What a run is to do after a commit.
pub(crate) enum After {
    /// Go on.
    Go(Held),
    /// Go on from what was stored before: the commit was refused.
    Refused(Held),
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
    pub(crate) fn new(run: Run, mut plan: Plan, mut hands: Box<Hands>) -> Self {
        let dropped = std::mem::take(&mut plan.dropped);
        let commit = plan.commit(hands.lease.clone(), std::mem::take(&mut hands.settled));
        Self { run, hands, commit, dropped }
    }

    /// Has the commit stored.
    pub(crate) async fn store(self, shared: &Arc<Shared>) -> After {
        let Self { run, mut hands, commit, dropped } = self;
        let (then, status) = (commit.then, commit.head.status);
        let (settled, seen) = (commit.settled.clone(), commit.seen);
        let moved = commit.state.is_some() || status == Status::Parked || status.is_ended();
        match persist(shared, commit).await {
            Persisted::Done { revision, more, owed } => {
                hands.lease.revision = revision;
                if moved {
                    tell(shared, &run, revision, status);
                }
                for path in &dropped {
                    hands.running.drop_one(path);
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
                Held { run, hands }.wake_watchers(shared);
                After::Leave(None)
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

/// Tells the observers where a run now stands.
fn tell(shared: &Shared, run: &Run, revision: Revision, status: Status) {
    let Identity { id, workflow, .. } = &*run.identity;
    let reached = Reached { run: id.as_str(), workflow, at: run.state(), status, revision };
    steps::tell(&shared.workshop.observers, |observer| observer.reached(&reached));
}

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

/// Has a run whose commit the store will never take go on from what is stored, where it gets stuck: an operator's word that has come
/// meanwhile is heeded, and one that was cancelled ends. If what follows from that is refused too, the run is parked and let go of.
async fn refused(shared: &Arc<Shared>, mut hands: Box<Hands>, seen: Seq, error: &StoreError) -> After {
    tracing::error!(run = %hands.lease.run, %error, "the store refused a commit");
    hands.running.drop_all();
    let Some((run, record)) = stored(shared, &hands.lease.run).await else { return After::Leave(None) };
    let reason = ParkReason::Unsaved { message: error.to_string() };
    if !hands.refused {
        hands.begin_anew(record, reason);
        return After::Refused(Held { run, hands });
    }
    let Ok((_, plan)) = run.apply(Event::Refused(reason), shared.now()) else { return After::Leave(None) };
    // What it has seen in its inbox would be refused again; what has come since makes it due.
    let plan = Plan { seen, then: Then::Rest { due: None }, ..plan };
    After::Leave(park(shared, plan.commit(hands.lease, hands.settled)).await)
}

/// A run as it is stored, if that can be told.
async fn stored(shared: &Shared, id: &RunId) -> Option<(Run, Record)> {
    let loaded = shared.store.load(id, Depth::All).await;
    let record = loaded.map(|answer| shared.time.note(answer)).ok()??;
    let run = Run::of_record(&record).ok()?;
    Some((run.keeping(shared.settings.keep_states), record))
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
    park(shared, commit).await
}

/// Has the commit stored that parks a run.
async fn park(shared: &Shared, commit: Commit) -> Option<Left> {
    let (run, status, then) = (commit.lease.run.clone(), commit.head.status, commit.then);
    let stored = matches!(persist(shared, commit).await, Persisted::Done { .. });
    stored.then_some(Left { run, status, then, is_due: false })
}
