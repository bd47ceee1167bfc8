//! Waiting for time to pass.

#![allow(non_camel_case_types, reason = "a call's type and its constructor share one name")]

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Begin, Deadline, Pending, Suspend};
use crate::time::Timestamp;

/// A call that waits for a duration. Made by the function of the same name.
#[must_use = "a timer does nothing unless it is awaited"]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct sleep {
    /// How long to wait from the moment when the wait is saved.
    pub duration: Duration,
}

/// Waits for `duration`, counted by the store's clock from the moment when the wait is saved.
///
/// A sleeping run holds no task and no memory; it survives restarts.
pub fn sleep(duration: Duration) -> sleep {
    sleep { duration }
}

impl Suspend for sleep {
    type Output = ();

    fn pending(&self) -> Pending<'_> {
        Pending::Timer(Deadline::After(self.duration))
    }

    fn begin(self) -> Begin {
        Begin::Timer
    }
}

/// A call that waits for a point in time. Made by the function of the same name.
#[must_use = "a timer does nothing unless it is awaited"]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct sleep_until {
    /// When the wait ends.
    pub deadline: Timestamp,
}

/// Waits until `deadline`, by the store's clock; not at all if that has passed.
///
/// Takes a [`Timestamp`] or a [`std::time::SystemTime`].
pub fn sleep_until(deadline: impl Into<Timestamp>) -> sleep_until {
    sleep_until { deadline: deadline.into() }
}

impl Suspend for sleep_until {
    type Output = ();

    fn pending(&self) -> Pending<'_> {
        Pending::Timer(Deadline::At(self.deadline))
    }

    fn begin(self) -> Begin {
        Begin::Timer
    }
}
