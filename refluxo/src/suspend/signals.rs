//! Waiting for a message from outside.

#![allow(non_camel_case_types, reason = "a call's type and its constructor share one name")]

use std::{fmt, marker::PhantomData};

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeStruct};
use serde_json::value::RawValue;

use super::{Begin, Pending, Suspend};
use crate::{
    local::Saved,
    machine::{Description, Outcome},
    snapshot::LoadError,
};

/// A type whose values can be sent to a waiting run; derive it with `#[derive(Signal)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a signal",
    label = "not a signal",
    note = "put `#[derive(Signal)]` on `{Self}`, beside `Serialize` and `Deserialize`"
)]
pub trait Signal: Saved {
    /// The signal's name in messages and snapshots; the type's name unless `#[signal(name = "…")]` says otherwise.
    const NAME: &'static str;
}

/// A call that waits for a message of type `T`. Made by the function of the same name.
#[must_use = "a signal is not waited for unless it is awaited"]
pub struct signal<T> {
    marker: PhantomData<fn() -> T>,
}

/// Waits for a message of type `T`.
///
/// Messages are durable and buffered: one that was sent before the run waits is taken at once. They come in the order in
/// which they were sent, and each is consumed once, in the commit that moves the run on.
pub fn signal<T: Signal>() -> signal<T> {
    signal { marker: PhantomData }
}

impl<T: Signal> Suspend for signal<T> {
    type Output = T;

    fn pending(&self) -> Pending<'_> {
        Pending::Signal { name: T::NAME }
    }

    fn begin(self) -> Begin {
        Begin::Signal(read_signal::<T>)
    }

    fn describe(description: &mut Description) {
        description.signal(T::NAME);
    }
}

/// Reads the body of a message.
fn read_signal<T: Signal>(body: &RawValue) -> Result<Outcome, LoadError> {
    serde_json::from_str::<T>(body.get()).map(Outcome::new).map_err(|cause| LoadError::signal(T::NAME, cause))
}

impl<T> Clone for signal<T> {
    fn clone(&self) -> Self {
        Self { marker: PhantomData }
    }
}

impl<T: Signal> fmt::Debug for signal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "signal::<{}>", T::NAME)
    }
}

impl<T> Serialize for signal<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_struct("signal", 0)?.end()
    }
}

impl<'de, T> Deserialize<'de> for signal<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// `{}`.
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Empty {}

        Empty::deserialize(deserializer).map(|Empty {}| Self { marker: PhantomData })
    }
}
