//! What a program does to the bytes of runs on their way to a store.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::store::RunId;

/// Turns the bytes of runs into those that a store keeps, and back: it compresses them, encrypts them, or both.
///
/// What [`encode`](Codec::encode) made of some bytes, [`decode`](Codec::decode) must make those bytes of, in every process that
/// uses the store, for as long as the run is kept. So what is encoded should begin with a byte for the format and, if it is
/// encrypted, with the name of the key: then a new key can be used while there still are runs under the old one.
///
/// Two encodings of the same bytes may differ, as they should under a random nonce. Called on the tasks of runs: it must not
/// block.
pub trait Codec: Send + Sync + 'static {
    /// The bytes that are kept at this place.
    ///
    /// # Errors
    ///
    /// If they can't be made. A run whose state can't be encoded is parked at the last one.
    fn encode(&self, place: &Place<'_>, plain: Bytes) -> Result<Bytes, CodecError>;

    /// The bytes that [`encode`](Codec::encode) was given for this place.
    ///
    /// # Errors
    ///
    /// If they can't be told any more: the key is not there, or they are not what was written at this place. The run is parked,
    /// and what is kept stays as it is.
    fn decode(&self, place: &Place<'_>, coded: Bytes) -> Result<Bytes, CodecError>;
}

/// Where some bytes belong.
///
/// A cipher that authenticates takes [`Place::associated_data`] as such; then what was written for one place can't be passed off
/// for another: not the state of one run for that of another, nor one part for another. An older version of the same thing can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place<'a> {
    /// The run, or for a message the one that gets it.
    pub run: &'a RunId,
    /// What of it.
    pub what: What<'a>,
}

/// What of a run some bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What<'a> {
    /// The envelope: what the run waits for, why it is parked.
    Head,
    /// The state, or the output of a run that has completed.
    State,
    /// The part of this name: a large field, what a branch gave, an entry of the undo stack.
    Part(&'a str),
    /// A message of this kind: a signal, a child's end, an operator's word.
    Message(&'a str),
    /// An entry of the history.
    Entry,
}

impl<'a> Place<'a> {
    /// What of this run.
    #[must_use]
    pub const fn new(run: &'a RunId, what: What<'a>) -> Self {
        Self { run, what }
    }

    /// The place as bytes: other ones for every other place, the same in every version of this library.
    #[must_use]
    pub fn associated_data(&self) -> Vec<u8> {
        let (kind, name) = match self.what {
            What::Head => (b'h', ""),
            What::State => (b's', ""),
            What::Part(name) => (b'p', name),
            What::Message(kind) => (b'm', kind),
            What::Entry => (b'e', ""),
        };
        let run = self.run.as_str();
        let mut data = Vec::with_capacity(17 + run.len() + name.len());
        data.push(kind);
        // With their lengths, so that no two pairs give the same bytes.
        for text in [run, name] {
            data.extend_from_slice(&(text.len() as u64).to_be_bytes());
            data.extend_from_slice(text.as_bytes());
        }
        data
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what {
            What::Head => f.write_str("the envelope")?,
            What::State => f.write_str("the state")?,
            What::Part(name) => write!(f, "the part `{name}`")?,
            What::Message(kind) => write!(f, "a message `{kind}`")?,
            What::Entry => f.write_str("an entry of the history")?,
        }
        write!(f, " of the run {}", self.run)
    }
}

/// Why bytes can't be encoded or decoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Error)]
#[non_exhaustive]
pub enum CodecError {
    /// It was written under a key that is not there.
    #[error(
        "it was written under the key `{key}`, which this program does not have: give the codec that key as well"
    )]
    UnknownKey {
        /// The key's name.
        key: String,
    },
    /// It is not what was written there, or the key of that name is another one.
    #[error(
        "it is not what was written there under the key `{key}`: it was changed or moved, or this program has another key of \
         that name"
    )]
    NotAuthentic {
        /// The key's name.
        key: String,
    },
    /// Anything else.
    #[error("{message}")]
    Failed {
        /// What it is.
        message: String,
    },
}

impl CodecError {
    /// Something that has no variant of its own.
    #[must_use]
    pub fn failed(why: impl fmt::Display) -> Self {
        Self::Failed { message: why.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_places_have_the_same_data() {
        let (a, ab) = (RunId::new("a").unwrap(), RunId::new("ab").unwrap());
        let whats = [
            What::Head,
            What::State,
            What::Entry,
            What::Part("a"),
            What::Part("ba"),
            What::Message("a"),
            What::Message("ba"),
        ];
        let places = [&a, &ab].into_iter().flat_map(|run| whats.map(|what| Place::new(run, what)));
        let data: BTreeSet<Vec<u8>> = places.map(|place| place.associated_data()).collect();
        assert_eq!(data.len(), 2 * whats.len());
    }

    #[test]
    fn the_data_of_a_place_is_written_in_stone() {
        let run = RunId::new("a").unwrap();
        let data = Place::new(&run, What::Part("xy")).associated_data();
        assert_eq!(data, *b"p\0\0\0\0\0\0\0\x01a\0\0\0\0\0\0\0\x02xy");
    }
}
