//! How runs become documents and come back.
//!
//! A [`Snapshot`] is the whole of a run as one JSON document. A store keeps it in pieces, by how often they change: the
//! *head* with every commit, the *state* with most, and *parts*, the large fields that stay the same, once.

mod call;
mod check;
mod envelope;
mod error;
mod head;
mod machine;
pub(crate) mod parts;
mod path;
mod reader;
mod reason;
mod status;
mod writer;

pub(crate) use check::{save_json, write_json};
pub(crate) use head::{Hot, Listener, merge, output_of, own_json};
pub(crate) use path::Path;

pub use call::{Call, GroupCall, Retrying, WaitingFor};
pub use envelope::{Ending, FORMAT, InboxMessage, Parent, Snapshot};
pub use error::{LoadError, SaveError, TooLarge};
pub use machine::{deserialize_machine, serialize_machine};
pub use reader::StateReader;
pub use reason::ParkReason;
pub use status::RunStatus;
pub use writer::{Encoded, StateWriter};

#[cfg(test)]
mod tests;
