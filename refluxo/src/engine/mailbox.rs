//! Where a run's own task is told that it should look.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::Notify;

use super::sure::Sure;
use crate::store::SessionWatch;

/// Where a run's own task is told that it should look.
#[derive(Debug)]
pub(crate) struct Mailbox {
    mail: AtomicBool,
    lost: AtomicBool,
    bell: Notify,
    /// The session of the worker.
    session: SessionWatch,
    /// What this worker knows from the last answer that said that it has the run.
    sure: Mutex<Sure>,
}

/// What a run's own task was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rung {
    /// There may be messages that it has not seen.
    Mail,
    /// The clock was set.
    Clock,
    /// The lease is lost.
    Lost,
}

impl Mailbox {
    pub(super) fn new(session: SessionWatch, sure: Sure) -> Self {
        Self {
            mail: AtomicBool::new(false),
            lost: AtomicBool::new(false),
            bell: Notify::new(),
            session,
            sure: Mutex::new(sure),
        }
    }

    /// Whether nobody else can have the run.
    pub(super) fn is_sure(&self) -> bool {
        self.sure.lock().unwrap_or_else(PoisonError::into_inner).holds(&self.session)
    }

    /// Takes note that the lease was extended.
    pub(super) fn extend(&self, to: Sure) {
        let mut sure = self.sure.lock().unwrap_or_else(PoisonError::into_inner);
        // Answers may come in another order than that of the questions.
        *sure = to.max(*sure);
    }

    /// Tells that there may be messages.
    pub(super) fn ring(&self) {
        self.mail.store(true, Ordering::Release);
        self.bell.notify_one();
    }

    /// Has the run look at the clock.
    pub(super) fn stir(&self) {
        self.bell.notify_one();
    }

    /// Tells that the lease is lost.
    pub(super) fn lose(&self) {
        self.lost.store(true, Ordering::Release);
        self.bell.notify_one();
    }

    /// Forgets that there may be messages, since they are about to be loaded.
    pub(crate) fn empty(&self) {
        self.mail.store(false, Ordering::Release);
    }

    /// Waits until something is told.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub(crate) async fn rung(&self) -> Rung {
        loop {
            if let Some(rung) = self.told() {
                return rung;
            }
            self.bell.notified().await;
            if self.told_nothing() {
                return Rung::Clock;
            }
        }
    }

    /// Whether the lease is lost.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    fn told(&self) -> Option<Rung> {
        if self.is_lost() {
            return Some(Rung::Lost);
        }
        self.mail.swap(false, Ordering::AcqRel).then_some(Rung::Mail)
    }

    fn told_nothing(&self) -> bool {
        !self.is_lost() && !self.mail.load(Ordering::Acquire)
    }
}
