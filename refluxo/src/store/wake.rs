//! Hints that something may be worth a look.

use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::sync::broadcast::{self, error::RecvError};

use super::RunId;
use crate::time::Timestamp;

/// A hint. It may be lost, repeated or late, so nobody relies on it: a driver claims after each (re)connection and at the
/// next due time, whatever it hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Some run is or will be due at this time by the store's clock: claim then.
    Due(Timestamp),
    /// A message came for this run while somebody held it.
    Bell(RunId),
    /// This run is over.
    Ended(RunId),
    /// Anything may have happened: the connection was away, another process wrote to the file, the clock was set, or the
    /// listener was too slow for the hints. Claim, and look again at whatever is waited for.
    Any,
}

/// Passes hints on to all who listen within this process.
#[derive(Debug)]
pub(super) struct Bells(broadcast::Sender<Wake>);

impl Bells {
    /// How many hints a listener may lag behind before it hears [`Wake::Any`] in their place.
    const BACKLOG: usize = 1024;

    pub(super) fn new() -> Self {
        Self(broadcast::Sender::new(Self::BACKLOG))
    }

    pub(super) fn ring(&self, wakes: impl IntoIterator<Item = Wake>) {
        for wake in wakes {
            // It fails if nobody listens, which is fine.
            let _ = self.0.send(wake);
        }
    }

    /// Whether anybody listens.
    #[cfg(feature = "sqlite")]
    pub(super) fn has_listeners(&self) -> bool {
        self.0.receiver_count() > 0
    }

    /// Hints from now on, until the bells are dropped.
    pub(super) fn listen(&self) -> BoxStream<'static, Wake> {
        stream::unfold(self.0.subscribe(), async |mut wakes| match wakes.recv().await {
            Ok(wake) => Some((wake, wakes)),
            Err(RecvError::Lagged(_)) => Some((Wake::Any, wakes)),
            Err(RecvError::Closed) => None,
        })
        .boxed()
    }
}
