//! What saved locals are made of.

mod cursor;
mod slot;

pub use cursor::{Cursor, Inclusive, Remaining, Walk, current, next};
pub use slot::{SavedSlot, Slot};

use std::{any::Any, fmt};

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
#[derive(Default)]
pub struct Local(Repr);

#[derive(Default)]
enum Repr {
    /// Moved out; never seen outside generated code.
    #[default]
    Taken,
    /// The value.
    Live(Box<dyn AnySaved>),
    /// Its JSON.
    Stored(Box<RawValue>),
}

/// A [`Saved`] value whose type is not known.
trait AnySaved: Any + Send {
    /// Appends its JSON to `out`.
    fn write(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error>;
    /// The value for a downcast.
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
    /// Its type in words.
    fn type_name(&self) -> &'static str;
}

impl<T: Saved> AnySaved for T {
    fn write(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        crate::snapshot::save_json(self, out)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<T>()
    }
}

impl Local {
    /// A local that holds a value.
    pub fn new<T: Saved>(value: T) -> Self {
        Self(Repr::Live(Box::new(value)))
    }

    /// A local that was read and not yet decoded.
    #[must_use]
    pub fn stored(json: Box<RawValue>) -> Self {
        Self(Repr::Stored(json))
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
        match &self.0 {
            Repr::Stored(json) => serde_json::from_str(json.get()),
            Repr::Live(_) | Repr::Taken => {
                let mut json = Vec::new();
                self.write(&mut json)?;
                serde_json::from_slice(&json)
            }
        }
    }

    /// The value itself.
    pub(crate) fn into_value<T: Saved>(self) -> Result<T, serde_json::Error> {
        match self.0 {
            Repr::Stored(json) => serde_json::from_str(json.get()),
            Repr::Live(value) => {
                let found = value.as_ref().type_name();
                value.into_any().downcast().map(|value| *value).map_err(|_| {
                    serde::de::Error::custom(format_args!(
                        "the local holds a `{found}`, not a `{}`",
                        std::any::type_name::<T>()
                    ))
                })
            }
            Repr::Taken => Err(serde::de::Error::custom("the local was taken")),
        }
    }

    /// Appends the value's JSON to `out`.
    pub(crate) fn write(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        match &self.0 {
            Repr::Stored(json) => {
                out.extend_from_slice(json.get().as_bytes());
                Ok(())
            }
            Repr::Live(value) => value.as_ref().write(out),
            Repr::Taken => Err(serde::ser::Error::custom("the local was taken")),
        }
    }

    /// The value's JSON as text.
    fn to_raw(&self) -> Result<Box<RawValue>, serde_json::Error> {
        let mut json = Vec::new();
        self.write(&mut json)?;
        serde_json::from_slice(&json)
    }
}

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
