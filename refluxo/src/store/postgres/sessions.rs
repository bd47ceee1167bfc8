//! Whether the holder of a lease lives.
//!
//! The connection that listens holds an advisory lock for each session of its process. The server lets go of the locks when
//! that connection ends, however its process dies, so runs of a dead process need not wait for the end of its leases. Of the
//! sessions of this process more is known: they are watched.

use std::{
    collections::{HashMap, HashSet},
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::store::{Session, SessionId, SessionWatch};

/// The sessions of this process that any store of it holds locks for.
static OWN: LazyLock<Mutex<HashMap<SessionId, SessionWatch>>> = LazyLock::new(Mutex::default);

/// How long a claim waits for the connection that shows that its session lives.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the listening task is asked for.
pub(super) enum Command {
    /// To take a session's lock.
    Hold(SessionId, oneshot::Sender<()>),
    /// To let go of it.
    Release(SessionId),
}

/// The sessions of one store.
pub(super) struct Sessions {
    commands: mpsc::UnboundedSender<Command>,
    held: Mutex<HashSet<SessionId>>,
}

/// There is no connection to hold a session's lock on.
#[derive(Debug, thiserror::Error)]
#[error("the connection that shows that this worker lives is lost, and not there again yet")]
pub(super) struct NotConnected;

/// Lets go of a session's lock when the session is over.
struct Release {
    session: SessionId,
    commands: mpsc::WeakUnboundedSender<Command>,
}

impl Drop for Release {
    fn drop(&mut self) {
        if let Some(commands) = self.commands.upgrade() {
            // If nobody listens any more, the lock is gone.
            let _ = commands.send(Command::Release(self.session));
        }
    }
}

impl Sessions {
    pub(super) fn new(commands: mpsc::UnboundedSender<Command>) -> Self {
        Self { commands, held: Mutex::default() }
    }

    /// Has the session's lock taken, if that was not done yet. Called before the session gets its first lease.
    pub(super) async fn hold(&self, session: &Session) -> Result<(), NotConnected> {
        let id = session.id();
        if self.held.lock().unwrap_or_else(PoisonError::into_inner).contains(&id) {
            return Ok(());
        }
        {
            let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
            own.retain(|_, watch| !watch.is_over());
            own.insert(id, session.watch());
        }
        let (reply, locked) = oneshot::channel();
        self.commands.send(Command::Hold(id, reply)).map_err(|_| NotConnected)?;
        timeout(PATIENCE, locked).await.map_err(|_| NotConnected)?.map_err(|_| NotConnected)?;
        if self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(id) {
            session.guard(Box::new(Release { session: id, commands: self.commands.downgrade() }));
        }
        Ok(())
    }
}

/// Tells the workers of sessions that others can't see any more that they live, or can again.
pub(super) fn tell(sessions: &HashSet<SessionId>, tell: fn(&SessionWatch)) {
    let own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    sessions.iter().filter_map(|session| own.get(session)).for_each(tell);
}

/// The sessions of this process: those that live, and those that are over.
pub(super) fn of_this_process() -> (Vec<[u8; 16]>, Vec<[u8; 16]>) {
    let own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    let (over, live): (Vec<_>, Vec<_>) = own.values().partition(|watch| watch.is_over());
    let ids = |watches: Vec<&SessionWatch>| -> Vec<[u8; 16]> {
        watches.into_iter().map(|watch| watch.id().as_u128().to_be_bytes()).collect()
    };
    (ids(live), ids(over))
}
