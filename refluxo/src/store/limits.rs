//! The bounds of what a store keeps of one run.

use std::time::Duration;

/// The bounds of what a store keeps of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many messages an inbox holds: 10,000.
    pub inbox_messages: u64,
    /// How many bytes of message bodies an inbox holds: 64 MiB.
    pub inbox_bytes: u64,
    /// How long a sender's key is remembered after its message was consumed: a day.
    pub key_memory: Duration,
    /// How many entries of its history are kept at least: the last 10,000. Older ones go in batches, so a few more may
    /// be seen.
    pub history_entries: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            inbox_messages: 10_000,
            inbox_bytes: 64 << 20,
            key_memory: Duration::from_hours(24),
            history_entries: 10_000,
        }
    }
}
