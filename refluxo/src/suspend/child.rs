//! Waiting for another workflow.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::{Begin, Pending, Suspend};
use crate::{
    machine::{Description, Machine, Outcome},
    snapshot::LoadError,
};

/// A call that starts another workflow as a child run and waits for its output.
///
/// The child is a run of its own, which any worker may take. Boxed, so that a workflow may await itself.
pub struct Child<M>(Box<M>);

impl<M: Machine> Child<M> {
    /// The child's first state.
    #[must_use]
    pub fn machine(&self) -> &M {
        &self.0
    }
}

impl<M: Machine> From<M> for Child<M> {
    fn from(machine: M) -> Self {
        Self(Box::new(machine))
    }
}

impl<M> Suspend for Child<M>
where
    M: Machine + Serialize + for<'de> Deserialize<'de>,
{
    type Output = M::Output;

    fn pending(&self) -> Pending<'_> {
        Pending::Child(&*self.0)
    }

    fn begin(self) -> Begin {
        Begin::Child(read_output::<M>)
    }

    fn describe(description: &mut Description) {
        description.child::<M>();
    }
}

/// Reads a child's output.
fn read_output<M: Machine>(body: &RawValue) -> Result<Outcome, LoadError> {
    serde_json::from_str::<M::Output>(body.get())
        .map(Outcome::new)
        .map_err(|cause| LoadError::output(M::NAME, cause))
}

impl<M: fmt::Debug> fmt::Debug for Child<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Child").field(&self.0).finish()
    }
}

impl<M: Clone> Clone for Child<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M: Serialize> Serialize for Child<M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, M: Deserialize<'de>> Deserialize<'de> for Child<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        M::deserialize(deserializer).map(|machine| Self(Box::new(machine)))
    }
}
