//! Claims due runs and gives each a task; listens for hints.

use std::{pin::pin, sync::Arc};

use futures_util::StreamExt;
use tokio::sync::OwnedSemaphorePermit;

use super::{driver, patience::Patience, shared::Shared, sure::Asked, turns::Turns};
use crate::{
    observer::{self, Event, Serving},
    store::{Claim, Claimed, Operation, StoreError, Wake},
};

/// Claims due runs whenever the bell rings, as long as there are free slots.
///
/// It begins with a claim, which takes up all that an earlier process left unfinished.
pub(crate) async fn work(shared: Arc<Shared>) {
    let mut turns = Turns::of(&shared.registry);
    let mut patience = Patience::of_a_run();
    let mut stray = None;
    while let Some(slots) = free_slots(&shared).await {
        match claim(&shared, slots, &mut turns).await {
            Ok(Round::Filled) => {}
            Ok(Round::Exhausted) => {
                patience = Patience::of_a_run();
                stray = stray.filter(|ends| *ends > shared.now());
                if let Some(ends) = stray {
                    shared.bell.ring_at(ends);
                }
                tokio::select! {
                    biased;
                    () = shared.drained() => return,
                    () = rest(&shared) => {}
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the store gave no runs");
                shared.tell_failed(Operation::Claim, error.clone());
                if let StoreError::Unknown(_) = error {
                    // It may have leased runs to this session that nobody works on. They are due when those leases end,
                    // which the store does not tell the session that has them.
                    stray = Some(shared.now().saturating_add(shared.settings.lease));
                }
                patience.pause().await;
            }
        }
    }
}

/// What this worker is there for.
pub(super) fn serving(shared: &Shared) -> Serving {
    let served = shared.registry.kinds().filter(|(_, kind)| kind.served);
    Serving { workflows: served.map(|(name, _)| name.into()).collect(), slots: shared.settings.concurrency }
}

/// Waits until there may be something to claim, or nothing was heard for long.
async fn rest(shared: &Shared) {
    while !shared.bell.wait(&shared.time, shared.settings.idle).await && shared.lull.give() {}
    shared.bell.silence();
}

/// Whether there may be more to claim at once.
enum Round {
    /// As many were due as there were slots.
    Filled,
    /// Fewer.
    Exhausted,
}

/// Waits for a free slot and takes all that are free; `None` once the engine shuts down.
async fn free_slots(shared: &Arc<Shared>) -> Option<OwnedSemaphorePermit> {
    let mut slots = tokio::select! {
        biased;
        () = shared.drained() => return None,
        slot = shared.slots.clone().acquire_owned() => slot.ok()?,
    };
    let more = u32::try_from(shared.slots.available_permits()).unwrap_or(u32::MAX);
    if let Ok(rest) = shared.slots.clone().try_acquire_many_owned(more) {
        slots.merge(rest);
    }
    Some(slots)
}

/// Claims as many runs as there are slots and gives each a task.
async fn claim(
    shared: &Arc<Shared>,
    mut slots: OwnedSemaphorePermit,
    turns: &mut Turns,
) -> Result<Round, StoreError> {
    let Some(session) = shared.session() else { return Ok(Round::Exhausted) };
    let limit = u32::try_from(slots.num_permits()).unwrap_or(u32::MAX);
    let wants = turns.wants(limit);
    if wants.is_empty() {
        return Ok(Round::Exhausted);
    }
    let claim = Claim { session, keep: shared.settings.lease, limit, wants };
    let asked = Asked::now(shared);
    let Claimed { runs, next_due } = shared.time.note(shared.store.claim(claim).await?);
    let (taken, took) = (runs.len(), asked.at.elapsed());
    let is_full = taken >= limit as usize;
    let looked = observer::Claimed { runs: taken, took, is_full, slots: shared.settings.concurrency };
    shared.workshop.audience.tell(|| Event::Claimed(looked));
    for (lease, record) in runs {
        turns.had(&record.row.queue);
        driver::spawn(shared, slots.split(1), driver::take_up(shared.clone(), lease, record, asked));
    }
    if let Some(due) = next_due {
        shared.bell.ring_at(due);
    }
    Ok(if is_full { Round::Filled } else { Round::Exhausted })
}

/// Passes the store's hints on.
pub(crate) async fn listen(shared: Arc<Shared>, wakes: impl futures_util::Stream<Item = Wake> + Send) {
    let mut wakes = pin!(wakes);
    while let Some(wake) = wakes.next().await {
        match wake {
            Wake::Due(due) => shared.bell.ring_at(due),
            Wake::Bell(id) => shared.leases.ring(&id),
            // Its own task tells of it when its slot is free.
            Wake::Ended(id) if shared.leases.hold(&id) => {}
            Wake::Ended(id) => shared.watchers.wake(&id),
            Wake::Any => {
                shared.bell.ring();
                shared.leases.stir();
                shared.hints.notify_one();
                shared.watchers.wake_all();
            }
        }
    }
}
