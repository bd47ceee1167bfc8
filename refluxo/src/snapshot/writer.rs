//! A state on its way out.

use std::borrow::Cow;

use bytes::Bytes;

use super::{SaveError, save_json};
use crate::{
    local::{Local, Saved},
    machine::{Changes, FieldSet},
};

/// A field of this many bytes or more that does not change from step to step is written once, as a part.
pub(crate) const PART_BYTES: usize = 1024;

/// Nothing is known of a state before.
const ALL_CHANGED: Changes = Changes::all();

/// Takes the fields of a state and makes its JSON object of them.
///
/// A field that is marked stable and is large becomes a *part*: it is written when it changes and left alone by the commits
/// in between.
#[derive(Debug)]
pub struct StateWriter<'a> {
    state: &'a str,
    changes: &'a Changes,
    /// The parts that the store already holds.
    known: &'a [Cow<'static, str>],
    /// The fields that may be parts.
    stable: FieldSet,
    /// How large a part is at least.
    part_bytes: usize,
    document: Vec<u8>,
    parts: Vec<(&'static str, Bytes)>,
    kept: Vec<&'static str>,
    error: Option<SaveError>,
}

/// A state as it is stored.
#[derive(Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The JSON object of the fields that are not parts.
    pub document: Bytes,
    /// The parts to be written.
    pub parts: Vec<(&'static str, Bytes)>,
    /// The parts that stay as they are. Those that are in neither list are gone.
    pub kept: Vec<&'static str>,
}

impl<'a> StateWriter<'a> {
    /// A writer for the state of the name `state`, for a store that holds the parts `known`.
    #[must_use]
    pub fn new(state: &'a str, changes: &'a Changes, known: &'a [Cow<'static, str>]) -> Self {
        let mut document = Vec::with_capacity(PART_BYTES);
        document.push(b'{');
        Self {
            state,
            changes,
            known,
            stable: FieldSet::ALL,
            part_bytes: PART_BYTES,
            document,
            parts: Vec::new(),
            kept: Vec::new(),
            error: None,
        }
    }

    /// A writer that puts all fields into the document, for a state that is not stored in pieces.
    #[must_use]
    pub fn whole(state: &'a str) -> Self {
        Self { part_bytes: usize::MAX, ..Self::new(state, &ALL_CHANGED, &[]) }
    }

    /// Says which of the fields that have a number stay the same from step to step in this state. Without it all of them do.
    pub fn only_stable(&mut self, stable: FieldSet) {
        self.stable = stable;
    }

    /// Writes a field.
    pub fn field<T: Saved>(&mut self, name: &'static str, value: &T) {
        self.append(name, |out| save_json(value, out));
    }

    /// Writes the field of this number, which stays the same from step to step.
    pub fn stable_field<T: Saved>(&mut self, number: usize, name: &'static str, value: &T) {
        self.stable(number, name, |out| save_json(value, out));
    }

    /// Writes the field of this number, which stays the same from step to step and whose type was inferred.
    pub fn stable_local(&mut self, number: usize, name: &'static str, value: &Local) {
        self.stable(number, name, |out| value.write(out));
    }

    /// The state as it is to be stored.
    ///
    /// # Errors
    ///
    /// If a field could not be written; the first one is named.
    pub fn finish(mut self) -> Result<Encoded, SaveError> {
        self.document.push(b'}');
        match self.error {
            Some(error) => Err(error),
            None => Ok(Encoded { document: self.document.into(), parts: self.parts, kept: self.kept }),
        }
    }

    /// Writes a field that may be a part.
    fn stable(
        &mut self,
        number: usize,
        name: &'static str,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), serde_json::Error>,
    ) {
        if !self.stable.has(number) {
            self.append(name, write);
            return;
        }
        if self.known.iter().any(|known| known == name) && !self.changes.has(number) {
            self.kept.push(name);
            return;
        }
        let before = self.document.len();
        let Some(start) = self.append(name, write) else { return };
        if self.document.len() - start >= self.part_bytes {
            self.parts.push((name, Bytes::copy_from_slice(&self.document[start..])));
            self.document.truncate(before);
        }
    }

    /// Writes `"name":value` into the document and tells where the value starts.
    fn append(
        &mut self,
        name: &'static str,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), serde_json::Error>,
    ) -> Option<usize> {
        if self.document.len() > 1 {
            self.document.push(b',');
        }
        self.document.push(b'"');
        self.document.extend_from_slice(name.as_bytes());
        self.document.extend_from_slice(b"\":");
        let start = self.document.len();
        match write(&mut self.document) {
            Ok(()) => Some(start),
            Err(cause) => {
                let state = self.state;
                self.error.get_or_insert_with(|| SaveError::Field {
                    state: state.to_owned(),
                    field: name,
                    cause,
                });
                None
            }
        }
    }
}
