//! The leases that this worker holds, renewed together.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::shared::Shared;
use crate::store::{Lease, Renewed, RunId};

/// The leases of the runs that are worked on.
#[derive(Debug, Default)]
pub(crate) struct Leases(Mutex<HashMap<RunId, Lease>>);

/// A lease in the list; dropped, it is no longer renewed.
pub(crate) struct Renewing {
    shared: Arc<Shared>,
    lease: Lease,
}

impl Leases {
    /// Whether this worker holds the run.
    pub(crate) fn hold(&self, run: &RunId) -> bool {
        self.lock().contains_key(run)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, Lease>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Renewing {
    /// Has a lease renewed from now on.
    pub(crate) fn begin(shared: &Arc<Shared>, lease: Lease) -> Self {
        shared.leases.lock().insert(lease.run.clone(), lease.clone());
        Self { shared: shared.clone(), lease }
    }
}

impl Drop for Renewing {
    fn drop(&mut self) {
        let mut held = self.shared.leases.lock();
        // This worker may hold the run again already, under another token.
        if held.get(&self.lease.run).is_some_and(|lease| lease.token == self.lease.token) {
            held.remove(&self.lease.run);
        }
    }
}

/// Renews all leases three times in their span, in one batch; nothing is asked of the store while none is held.
pub(crate) async fn renew(shared: Arc<Shared>) {
    let keep = shared.settings.lease;
    let mut tick = tokio::time::interval(keep / 3);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let leases: Vec<Lease> = shared.leases.lock().values().cloned().collect();
        if leases.is_empty() {
            continue;
        }
        match shared.store.renew(leases.clone(), keep).await {
            Ok(renewed) => {
                for (lease, renewed) in leases.iter().zip(shared.time.note(renewed)) {
                    note(&shared, lease, renewed);
                }
            }
            // Two more tries before the leases end; and even then the runs' commits decide, not the time.
            Err(error) => tracing::warn!(%error, leases = leases.len(), "leases were not renewed"),
        }
    }
}

/// Forgets a lease that was lost. The step that runs under it is left to end; its commit will be refused.
fn note(shared: &Shared, lease: &Lease, renewed: Renewed) {
    match renewed {
        Renewed::Kept { .. } => {}
        Renewed::Released | Renewed::Lost => {
            let mut held = shared.leases.lock();
            if held.get(&lease.run).is_some_and(|current| current.token == lease.token) {
                held.remove(&lease.run);
                tracing::warn!(run = %lease.run, "the lease was lost: the run may be worked on elsewhere");
            }
        }
    }
}
