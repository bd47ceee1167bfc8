//! Hints that something may be worth a look.

use super::RunId;

/// A hint. It may be lost, repeated or late, so nobody relies on it: a driver claims after each (re)connection and at the
/// next due time, whatever it hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Some run became due: claim.
    Due,
    /// A message came for this run while somebody held it.
    Bell(RunId),
    /// This run is over.
    Ended(RunId),
    /// Anything may have happened: the connection was away, another process wrote to the file, or the listener was too
    /// slow for the hints. Claim, and look again at whatever is waited for.
    Any,
}
