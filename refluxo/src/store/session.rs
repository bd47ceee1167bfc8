//! Who holds leases.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use uuid::Uuid;

/// The random name of a [`Session`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(u128);

impl SessionId {
    /// The id with these bits.
    #[must_use]
    pub const fn from_u128(bits: u128) -> Self {
        Self(bits)
    }

    /// Its bits.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One life of one worker. Leases belong to it.
///
/// While a clone of it exists, the leases that it took last until they end. When the last clone is dropped, or the
/// process dies, the session is over: a store that can tell so gives its runs away at the next claim, and the others
/// wait for the lease to end. A session is never resumed; a worker that starts again has a new one.
#[derive(Clone)]
pub struct Session {
    id: SessionId,
    alive: Arc<Guards>,
    sight: Arc<AtomicU64>,
}

/// What is dropped at a session's end.
type Guards = Mutex<Vec<Box<dyn Send>>>;

/// Whether other processes can see that a session lives, as its own process knows: see [`SessionWatch::hide`].
///
/// What is stored then speaks for the session as long as its sight is the same as when the store was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sight(u64);

impl Sight {
    /// Whether others can see the session.
    pub(crate) const fn is_clear(self) -> bool {
        self.0.is_multiple_of(2)
    }
}

impl Session {
    /// Begins a session under a new random id.
    #[must_use]
    pub fn begin() -> Self {
        Self::with_id(SessionId(Uuid::new_v4().as_u128()))
    }

    /// Begins a session under an id of the caller's choice, for tests that are run from a seed.
    ///
    /// Two sessions with one id at the same time would hold each other's leases.
    #[must_use]
    pub fn with_id(id: SessionId) -> Self {
        Self { id, alive: Arc::default(), sight: Arc::default() }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// Drops `guard` when the session is over: by it a store shows other processes that the session lives.
    pub fn guard(&self, guard: Box<dyn Send>) {
        self.alive.lock().unwrap_or_else(PoisonError::into_inner).push(guard);
    }

    /// What a store keeps of it: an eye on its end that does not prolong it.
    #[must_use]
    pub fn watch(&self) -> SessionWatch {
        SessionWatch { id: self.id, alive: Arc::downgrade(&self.alive), sight: self.sight.clone() }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Session").field(&self.id).finish()
    }
}

/// Tells a store whether a [`Session`] of its own process is over.
#[derive(Clone, Debug)]
pub struct SessionWatch {
    id: SessionId,
    alive: Weak<Guards>,
    /// Odd while nobody else can see it.
    sight: Arc<AtomicU64>,
}

impl SessionWatch {
    /// The session's id.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// Whether every clone of the session was dropped.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.alive.strong_count() == 0
    }

    /// Tells the session's worker that other processes may take it for dead from now on, and its runs over, however long its
    /// leases: as when a connection is lost by which a store shows that it lives. Until it is [shown](Self::show) again, and
    /// the store was asked since, the worker begins no step.
    pub fn hide(&self) {
        self.set(false);
    }

    /// Tells the session's worker that others can see again that it lives.
    pub fn show(&self) {
        self.set(true);
    }

    /// Whether others can see that it lives. It changes whenever that does.
    pub(crate) fn sight(&self) -> Sight {
        Sight(self.sight.load(Ordering::Acquire))
    }

    fn set(&self, clear: bool) {
        let next = |sight| (Sight(sight).is_clear() != clear).then_some(sight + 1);
        // It fails where nothing changes.
        let _ = self.sight.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
    }
}
