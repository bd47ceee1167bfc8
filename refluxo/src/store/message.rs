//! What others want of a run.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{RunId, Seq, StoreError, Uid};
use crate::time::Timestamp;

/// A message to a run: a signal, a child's end, an operator's verb.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// To whom.
    pub to: RunId,
    /// Only to this life of the id. A child names the one that awaits it, so that its end can't reach a later run that was
    /// given the same id.
    pub uid: Option<Uid>,
    /// The sender's key: a second message with the same key is dropped, also for a while after the first was consumed.
    pub key: Option<String>,
    /// What kind of message it is.
    pub kind: String,
    /// Its bytes, opaque to the store.
    pub body: Bytes,
}

/// A message in a run's inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its place.
    pub seq: Seq,
    /// The sender's key.
    pub key: Option<String>,
    /// What kind of message it is.
    pub kind: String,
    /// Its bytes.
    pub body: Bytes,
    /// When it was stored, by the store's clock.
    pub at: Timestamp,
}

/// The answer to one delivered [`Message`].
#[derive(Clone, Debug)]
pub enum Delivered {
    /// It is in the inbox, and the run will be woken.
    Stored {
        /// Its place.
        seq: Seq,
    },
    /// A message with the same key had come before.
    Duplicate,
    /// The inbox is at its bound ([`Limits`](super::Limits)); nothing was stored.
    Full,
    /// The run is over; nothing was stored.
    Finished,
    /// There is no such run, or it is another life of the id; nothing was stored.
    NoRun,
    /// This message failed alone; nothing of it was stored.
    Rejected(StoreError),
}
