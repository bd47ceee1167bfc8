//! What saved locals are made of.

mod branch;
mod cursor;
mod lent;
mod slot;

pub use branch::{
    BranchOut, branch_done_tried, branch_end_tried, branch_going_tried, branch_left_tried, load_branches,
    load_branches_in_time,
};
pub use cursor::{Cursor, Inclusive, Remaining, Walk, current, next};
pub use lent::{ByReference, ByValue, Capturable, Captured, KeepCopied, Lend, Lent, NotCopied, lent_slot};
pub use slot::{SavedSlot, Slot};

use std::{
    any::Any,
    fmt,
    mem::ManuallyDrop,
    panic::{AssertUnwindSafe, catch_unwind},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use serde_json::value::RawValue;

/// A value that can be kept in a workflow's snapshot.
///
/// Implemented for everything that serde can write and read back without borrowing.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be saved in a workflow's snapshot",
    label = "this local lives across an await, so its type must be saved: `{Self}` is not",
    note = "derive `Serialize` and `Deserialize` for it, or use it up before the await and make it anew afterwards"
)]
pub trait Saved: Serialize + DeserializeOwned + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> Saved for T {}

/// A saved local whose type rustc inferred.
///
/// In memory it is the value itself; from a store it is the JSON, decoded when the workflow's code first takes it.
///
/// A state has many of them, so all that is done with one is small: it moves as two words, and is dropped by a function.
pub struct Local(ManuallyDrop<Option<Box<dyn AnySaved>>>);

/// A value whose type is not known: a [`Saved`] one, or its JSON.
trait AnySaved: Any + Send {
    /// Appends its JSON to `out`.
    fn write(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error>;
    /// The value for a downcast.
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
    /// Its JSON, if that is all that is known of it.
    fn stored(&self) -> Option<&RawValue> {
        None
    }
    /// Its type in words.
    fn type_name(&self) -> &'static str {
        std::any::type_name::<Self>()
    }
}

impl<T: Saved> AnySaved for T {
    fn write(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        crate::snapshot::save_json(self, out)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// What was read and not yet decoded.
struct Stored(Box<RawValue>);

impl AnySaved for Stored {
    fn write(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        out.extend_from_slice(self.0.get().as_bytes());
        Ok(())
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }

    fn stored(&self) -> Option<&RawValue> {
        Some(&self.0)
    }
}

impl Local {
    /// No local: what is left where one was moved out. Never seen outside generated code.
    #[doc(hidden)]
    pub const TAKEN: Self = Self(ManuallyDrop::new(None));

    /// A local that holds a value.
    pub fn new<T: Saved>(value: T) -> Self {
        Self::of(value)
    }

    /// A local that was read and not yet decoded.
    #[must_use]
    pub fn stored(json: Box<RawValue>) -> Self {
        Self::of(Stored(json))
    }

    fn of(value: impl AnySaved) -> Self {
        Self(ManuallyDrop::new(Some(Box::new(value))))
    }

    /// A copy of the value.
    ///
    /// # Errors
    ///
    /// If its JSON can't be read as a `T`.
    ///
    /// ```
    /// # use refluxo::Local;
    /// let held = Local::new(vec!["a", "b"].into_iter().map(String::from).collect::<Vec<_>>());
    /// assert_eq!(held.get::<Vec<String>>().unwrap(), ["a", "b"]);
    /// ```
    pub fn get<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        let mut json = Vec::new();
        self.write(&mut json)?;
        serde_json::from_slice(&json)
    }

    /// The value itself.
    pub(crate) fn into_value<T: Saved>(mut self) -> Result<T, serde_json::Error> {
        let value = self.0.take().ok_or_else(|| serde::de::Error::custom(TAKEN))?;
        if let Some(json) = value.as_ref().stored() {
            return serde_json::from_str(json.get());
        }
        let found = value.as_ref().type_name();
        value.into_any().downcast().map(|value| *value).map_err(|_| {
            serde::de::Error::custom(format_args!(
                "the local holds a `{found}`, not a `{}`",
                std::any::type_name::<T>()
            ))
        })
    }

    /// Appends the value's JSON to `out`.
    pub(crate) fn write(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        self.0.as_ref().ok_or_else(|| serde::ser::Error::custom(TAKEN))?.as_ref().write(out)
    }

    /// The value's JSON as text.
    fn to_raw(&self) -> Result<Box<RawValue>, serde_json::Error> {
        let mut json = Vec::new();
        self.write(&mut json)?;
        serde_json::from_slice(&json)
    }
}

impl Drop for Local {
    #[inline]
    fn drop(&mut self) {
        release(&mut self.0);
    }
}

/// Drops a value. A panic in its own `drop` ends here, as a message: the run has gone on without the value.
///
/// By its ABI it can't unwind. Were it able to, each of the fields of a state would need code that drops all others.
extern "C" fn release(value: &mut Option<Box<dyn AnySaved>>) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(value.take())));
}

impl Default for Local {
    fn default() -> Self {
        Self::TAKEN
    }
}

/// What is said of a local that is not there any more.
const TAKEN: &str = "the local was taken";

impl fmt::Debug for Local {
    /// Shows the value's JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_raw() {
            Ok(json) => f.write_str(json.get()),
            Err(cause) => write!(f, "<{cause}>"),
        }
    }
}

impl Clone for Local {
    /// Copies the value through its JSON; a value that has none becomes a local that can't be read.
    fn clone(&self) -> Self {
        self.to_raw().map_or_else(|_| Self::default(), Self::stored)
    }
}

impl Serialize for Local {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_raw().map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Local {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <Box<RawValue>>::deserialize(deserializer).map(Self::stored)
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::Local;

    /// A value that panics when it is dropped.
    #[derive(Serialize, Deserialize)]
    struct Bad;

    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("this value does not go quietly");
        }
    }

    #[test]
    fn a_panic_of_a_value_that_is_dropped_goes_no_further() {
        drop(Local::new(Bad));
    }
}
