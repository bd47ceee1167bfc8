//! A serializer that refuses what JSON does not carry back.
//!
//! JSON has one `null` for `()`, `None`, NaN and the infinities, so `Some(())` comes back as `None` and a NaN not at all. A
//! state that holds one would be another state after a restart. The basic idea is as follows: every value is wrapped on
//! its way to serde_json's serializer; the wrapper knows whether it stands directly inside a `Some`, and where it stands
//! in the field. The way back to the field is a list on the stack, so nothing is allocated unless there is an error.

mod compound;
mod path;
mod serializer;

use path::Path;
use serde::{Serialize, Serializer};
use serializer::Checked;

use crate::local::Saved;

/// Appends `value` as JSON to `out`.
///
/// # Errors
///
/// If the value has no JSON that reads back as the same value; the error names where in the value that is. What was
/// appended until then stays in `out`.
pub(crate) fn write_json<T: Serialize + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), serde_json::Error> {
    let mut json = serde_json::Serializer::new(out);
    value.serialize(Checked::new(&mut json, &Path::Root, Inside::Anything))
}

/// Appends a value that is to be read back as JSON to `out`.
///
/// Debug builds read it back at once: what a type's own (de)serialization loses (a field that is skipped and has no default, a
/// map with numbers for keys inside a flattened struct) shows when it is saved and not when it is needed.
///
/// # Errors
///
/// As [`write_json`]; in debug builds also if what was written can't be read.
pub(crate) fn save_json<T: Saved>(value: &T, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    let start = out.len();
    write_json(value, out)?;
    if cfg!(debug_assertions)
        && let Err(cause) = serde_json::from_slice::<T>(&out[start..])
    {
        return Err(serde::ser::Error::custom(format_args!(
            "its JSON can't be read back as a `{}`: {cause}",
            std::any::type_name::<T>()
        )));
    }
    Ok(())
}

/// Whether a `null` would be read as something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    /// A `null` comes back as what it was.
    Anything,
    /// Directly in a `Some`, where a `null` comes back as `None`.
    Some,
}

/// A value on its way through the checks.
struct CheckedValue<'a, T: ?Sized> {
    value: &'a T,
    path: &'a Path<'a>,
    inside: Inside,
}

impl<'a, T: Serialize + ?Sized> CheckedValue<'a, T> {
    /// A value that stands at `path`, not directly in a `Some`.
    fn at(path: &'a Path<'a>, value: &'a T) -> Self {
        Self { value, path, inside: Inside::Anything }
    }
}

impl<T: Serialize + ?Sized> Serialize for CheckedValue<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Checked::new(serializer, self.path, self.inside))
    }
}

#[cfg(test)]
mod tests;
