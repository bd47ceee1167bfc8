//! The leases that this worker holds, renewed together, and what their holders are told.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use futures_util::stream::{self, StreamExt};
use tokio::{sync::Notify, time::Instant};

use super::{mailbox::Mailbox, patience::Patience, shared::Shared, sure::Asked};
use crate::{
    observer::{Event, LetGo, TakenUp, Taking},
    store::{Depth, Lease, Operation, Renewed, RunId},
    suspend::Pulse,
};

/// The leases of the runs that are worked on.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    held: Mutex<BTreeMap<RunId, (Lease, Arc<Mailbox>)>>,
    /// Told when the first lease comes.
    first: Notify,
}

/// A lease in the list; dropped, it is no longer renewed.
pub(crate) struct Renewing {
    shared: Arc<Shared>,
    pub(crate) lease: Lease,
    workflow: Arc<str>,
    pub(crate) mailbox: Arc<Mailbox>,
}

impl Leases {
    /// Whether this worker holds the run.
    pub(crate) fn hold(&self, run: &RunId) -> bool {
        self.lock().contains_key(run)
    }

    /// Tells the holder of a run that there may be messages.
    pub(crate) fn ring(&self, run: &RunId) {
        if let Some((_, mailbox)) = self.lock().get(run) {
            mailbox.ring();
        }
    }

    /// Tells all holders that the clock may have been set.
    pub(crate) fn stir(&self) {
        self.lock().values().for_each(|(_, mailbox)| mailbox.stir());
    }

    fn all(&self) -> Vec<Lease> {
        self.lock().values().map(|(lease, _)| lease.clone()).collect()
    }

    /// The holder's mailbox, if it holds the run by this lease.
    fn mailbox(&self, lease: &Lease) -> Option<Arc<Mailbox>> {
        let held = self.lock();
        held.get(&lease.run)
            .filter(|(current, _)| current.token == lease.token)
            .map(|(_, mailbox)| mailbox.clone())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<RunId, (Lease, Arc<Mailbox>)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Renewing {
    /// Has a lease renewed from now on that the store was asked for at this time.
    pub(crate) fn begin(
        shared: &Arc<Shared>,
        lease: Lease,
        workflow: Arc<str>,
        how: Taking,
        asked: Asked,
    ) -> Self {
        let mailbox = Arc::new(Mailbox::new(shared.watch.clone(), asked.sure_of(shared.settings.lease)));
        let mut held = shared.leases.lock();
        if held.is_empty() {
            shared.leases.first.notify_one();
        }
        // The store gives out a run whose lease has ended, whoever had it: here, this worker, which has yet to hear of it. The tasks
        // of the two leases may begin in any order.
        let is_over = held.get(&lease.run).is_some_and(|(other, _)| other.until > lease.until);
        let earlier = if is_over {
            Some((lease.clone(), mailbox.clone()))
        } else {
            held.insert(lease.run.clone(), (lease.clone(), mailbox.clone()))
        };
        let count = held.len();
        drop(held);
        if let Some((_, mailbox)) = earlier {
            mailbox.lose();
        }
        let taken = || TakenUp { run: lease.run.clone(), workflow: workflow.clone(), how, held: count };
        shared.workshop.audience.tell(|| Event::TakenUp(taken()));
        Self { shared: shared.clone(), lease, workflow, mailbox }
    }

    /// What the run's steps ask for it.
    pub(crate) fn pulse(&self) -> Arc<dyn Pulse> {
        Arc::new(Heart {
            shared: Arc::downgrade(&self.shared),
            lease: self.lease.clone(),
            mailbox: self.mailbox.clone(),
            last: Mutex::new(None),
        })
    }
}

impl Drop for Renewing {
    fn drop(&mut self) {
        let mut held = self.shared.leases.lock();
        // This worker may hold the run again already, under another token.
        if held.get(&self.lease.run).is_some_and(|(lease, _)| lease.token == self.lease.token) {
            held.remove(&self.lease.run);
        }
        let count = held.len();
        drop(held);
        let (run, workflow) = (self.lease.run.clone(), self.workflow.clone());
        self.shared.workshop.audience.tell(|| Event::LetGo(LetGo { run, workflow, held: count }));
    }
}

/// How rarely a step's heartbeat asks the store, and hints that name no run have the leases' messages looked for.
const BETWEEN_LOOKS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_millis(250));

/// How many runs' messages are looked for at once.
const LOOKS_AT_ONCE: usize = 16;

/// Asks for one run. It does not keep the engine alive.
struct Heart {
    shared: Weak<Shared>,
    lease: Lease,
    mailbox: Arc<Mailbox>,
    /// When the store was last asked.
    last: Mutex<Option<Instant>>,
}

impl Pulse for Heart {
    fn beat(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            let Some(shared) = self.shared.upgrade() else { return };
            let is_early = {
                let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
                let is_early = last.is_some_and(|last| last.elapsed() < BETWEEN_LOOKS.0);
                if !is_early {
                    *last = Some(Instant::now());
                }
                is_early
            };
            if !is_early {
                renew_all(&shared, vec![self.lease.clone()]).await;
            }
        })
    }

    fn is_sure(&self) -> bool {
        self.mailbox.is_sure()
    }

    fn make_sure(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            let mut patience = Patience::of_a_run();
            loop {
                let Some(shared) = self.shared.upgrade() else { return std::future::pending().await };
                renew_all(&shared, vec![self.lease.clone()]).await;
                drop(shared);
                if self.is_sure() {
                    return;
                }
                // The lease is lost, of which the run's own task was told, or the store can't be asked.
                patience.pause().await;
            }
        })
    }
}

/// Renews all leases three times in their span, in one batch; nothing is asked of the store while none is held.
pub(crate) async fn renew(shared: Arc<Shared>) {
    let keep = shared.settings.lease;
    loop {
        if shared.leases.lock().is_empty() {
            shared.leases.first.notified().await;
        }
        tokio::time::sleep(keep / 3).await;
        renew_all(&shared, shared.leases.all()).await;
    }
}

/// Looks for messages to the runs that are worked on, whenever a hint came that names no run.
pub(crate) async fn look(shared: Arc<Shared>) {
    loop {
        shared.hints.notified().await;
        let leases = stream::iter(shared.leases.all());
        leases.for_each_concurrent(LOOKS_AT_ONCE, |lease| look_at(&shared, lease)).await;
        tokio::time::sleep(BETWEEN_LOOKS.1).await;
    }
}

/// Looks for messages to a run that is worked on. It writes nothing: where workers on one file hear of each other's writes, one
/// that wrote whenever it hears of one would keep all of them awake.
async fn look_at(shared: &Shared, lease: Lease) {
    // Where the store can't be asked, the next renewal tells.
    let Ok(answer) = shared.store.load(&lease.run, Depth::Head).await else { return };
    let Some(record) = shared.time.note(answer) else { return };
    if record.row.inbox_last > record.row.inbox_read
        && let Some(mailbox) = shared.leases.mailbox(&lease)
    {
        mailbox.ring();
    }
}

/// Renews leases, and tells their holders what the store says of them.
async fn renew_all(shared: &Shared, leases: Vec<Lease>) {
    if leases.is_empty() {
        return;
    }
    let asked = Asked::now(shared);
    match shared.store.renew(leases.clone(), shared.settings.lease).await {
        Ok(renewed) => {
            for (lease, renewed) in leases.iter().zip(shared.time.note(renewed)) {
                note(shared, lease, renewed, asked);
            }
        }
        // Two more tries before the leases end; and even then the runs' commits decide, not the time.
        Err(error) => {
            tracing::warn!(%error, leases = leases.len(), "leases were not renewed");
            shared.tell_failed(Operation::Renew, error);
        }
    }
}

/// Tells the holder of a lease what the store says of it, which was asked at this time.
fn note(shared: &Shared, lease: &Lease, renewed: Renewed, asked: Asked) {
    let Some(mailbox) = shared.leases.mailbox(lease) else { return };
    if let Renewed::Kept { .. } = renewed {
        mailbox.extend(asked.sure_of(shared.settings.lease));
    }
    match renewed {
        Renewed::Kept { messages: false, .. } => {}
        Renewed::Kept { messages: true, .. } => mailbox.ring(),
        Renewed::Released | Renewed::Lost => {
            tracing::warn!(run = %lease.run, "the lease was lost: the run may be worked on elsewhere");
            mailbox.lose();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Engine, MemoryStore,
        store::{Revision, Token},
        time::Timestamp,
    };

    #[tokio::test]
    async fn of_two_leases_of_a_run_the_later_counts_whichever_begins_first() {
        let engine = Engine::builder(MemoryStore::new()).build().await.unwrap();
        let shared = engine.shared();
        let lease = |until| Lease {
            run: RunId::new("a").unwrap(),
            token: Token::random(),
            revision: Revision(0),
            until: Timestamp::from_micros(until),
        };
        let begin = |lease| Renewing::begin(shared, lease, "w".into(), Taking::Claimed, Asked::now(shared));
        for begins_first in [1, 2] {
            let first = begin(lease(begins_first));
            let second = begin(lease(3 - begins_first));
            let (earlier, later) = if begins_first == 1 { (first, second) } else { (second, first) };
            assert!(earlier.mailbox.is_lost() && !later.mailbox.is_lost());
            drop(earlier);
            assert!(shared.leases.mailbox(&later.lease).is_some(), "it is renewed, and hears of messages");
            drop(later);
            assert!(!shared.leases.hold(&RunId::new("a").unwrap()));
        }
    }
}
