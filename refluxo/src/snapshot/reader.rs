//! A state on its way back.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::LoadError;
use crate::{
    local::{Local, Saved},
    store::sealed,
};

/// Hands out the fields of a stored state, each once.
#[derive(Debug)]
pub struct StateReader<'a> {
    state: String,
    fields: BTreeMap<String, &'a RawValue>,
    /// The first field that [`StateReader::raw_if`] did not find.
    missing: Option<&'static str>,
}

impl<'a> StateReader<'a> {
    /// A reader of the state of the name `state` from its JSON object and its parts.
    ///
    /// # Errors
    ///
    /// If the document is not a JSON object, or a part is not JSON.
    pub fn new<'p>(
        state: &str,
        document: &'a [u8],
        parts: impl IntoIterator<Item = (&'p str, &'a [u8])>,
    ) -> Result<Self, LoadError> {
        sealed::check(document)?;
        let not_json = |cause| LoadError::NotAnObject { state: state.to_owned(), cause };
        let mut fields: BTreeMap<String, &'a RawValue> =
            serde_json::from_slice(document).map_err(not_json)?;
        for (name, body) in parts {
            fields.insert(name.to_owned(), serde_json::from_slice(body).map_err(not_json)?);
        }
        Ok(Self { state: state.to_owned(), fields, missing: None })
    }

    /// Reads a field.
    ///
    /// # Errors
    ///
    /// If it is missing or of another type.
    #[inline(never)]
    pub fn field<T: Saved>(&mut self, name: &'static str) -> Result<T, LoadError> {
        let json = self.take(name)?;
        serde_json::from_str(json.get()).map_err(|cause| LoadError::Field {
            state: self.state.clone(),
            field: name,
            cause,
        })
    }

    /// Reads a field of a state that may have it.
    ///
    /// # Errors
    ///
    /// If the state has it, and it is missing or of another type.
    pub fn field_if<T: Saved>(&mut self, has: bool, name: &'static str) -> Result<Option<T>, LoadError> {
        if has { self.field(name).map(Some) } else { Ok(None) }
    }

    /// Reads a field whose type was inferred, without decoding it, of a state that may have it. One that is missing is told by [`StateReader::finish`]:
    /// generated code reads many of them, and a way out after each would cost much time to compile.
    #[inline(never)]
    pub fn raw_if(&mut self, has: bool, name: &'static str) -> Local {
        if !has {
            return Local::TAKEN;
        }
        if let Some(json) = self.fields.remove(name) {
            return Local::stored(json.to_owned());
        }
        self.missing.get_or_insert(name);
        Local::default()
    }

    /// Checks that every field was read.
    ///
    /// # Errors
    ///
    /// If one was not: the code doesn't know it. If one was missing that was read by [`StateReader::raw_if`].
    pub fn finish(mut self) -> Result<(), LoadError> {
        if let Some(field) = self.missing {
            return Err(LoadError::MissingField { state: self.state, field });
        }
        match self.fields.pop_first() {
            Some((field, _)) => Err(LoadError::UnknownField { state: self.state, field }),
            None => Ok(()),
        }
    }

    /// Takes a field out.
    fn take(&mut self, name: &'static str) -> Result<&'a RawValue, LoadError> {
        self.fields
            .remove(name)
            .ok_or_else(|| LoadError::MissingField { state: self.state.clone(), field: name })
    }
}
