//! The names and numbers that records are found and fenced by.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// The name that the caller gave a run; unique in a store.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(Arc<str>);

impl RunId {
    /// The longest id, in bytes of UTF-8.
    ///
    /// Every store keeps ids in several indexes and keys, some together with another id, and the narrowest of those that
    /// are in use hold a few hundred bytes. An id that one store takes, all of them take.
    pub const MAX_BYTES: usize = 200;

    /// Takes `id` as a run's name.
    ///
    /// # Errors
    ///
    /// An id is 1 to [`RunId::MAX_BYTES`] bytes long and has no control characters: they would be invisible in logs, and
    /// not every store can keep a `\0` in a key.
    pub fn new(id: impl Into<Arc<str>>) -> Result<Self, InvalidRunId> {
        let id = id.into();
        if id.is_empty() {
            return Err(InvalidRunId::Empty);
        }
        if id.len() > Self::MAX_BYTES {
            return Err(InvalidRunId::TooLong { bytes: id.len() });
        }
        if let Some(found) = id.chars().find(|c| c.is_control()) {
            return Err(InvalidRunId::ControlCharacter { found });
        }
        Ok(Self(id))
    }

    /// The id as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as it was given, shared.
    pub(crate) fn shared(&self) -> Arc<str> {
        self.0.clone()
    }
}

/// Why a text can't be the id of a run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRunId {
    /// It is empty.
    #[error("a run's id can't be empty")]
    Empty,
    /// It is longer than [`RunId::MAX_BYTES`].
    #[error("a run's id has at most {max} bytes, this one has {bytes}: use its hash", max = RunId::MAX_BYTES)]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// It holds a control character.
    #[error("a run's id can't hold the control character {found:?}")]
    ControlCharacter {
        /// The first one in it.
        found: char,
    },
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for RunId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for RunId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunId {
    type Err = InvalidRunId;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::new(id)
    }
}

impl TryFrom<&str> for RunId {
    type Error = InvalidRunId;

    fn try_from(id: &str) -> Result<Self, Self::Error> {
        Self::new(id)
    }
}

impl TryFrom<String> for RunId {
    type Error = InvalidRunId;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        Self::new(id)
    }
}

impl Serialize for RunId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RunId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// The random name of one life of a run id: another one after a purge and a new start.
///
/// Shown as a UUID. Idempotency keys are made from it, and never from the id alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(u128);

impl Uid {
    /// A new one: a UUID of version 7, so that rows that are made together lie together.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::now_v7().as_u128())
    }

    /// The uid with these bits.
    #[must_use]
    pub const fn from_u128(bits: u128) -> Self {
        Self(bits)
    }

    /// Its bits.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Uuid::from_u128(self.0), f)
    }
}

impl FromStr for Uid {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<Uuid>().map(|uuid| Self(uuid.as_u128()))
    }
}

impl Serialize for Uid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Uid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The random token of one claim. With the revision it fences a run against workers that lost it.
///
/// It is random because a counter repeats: after a claim whose answer was lost, or after a failover to a copy that
/// had not seen the last claim, two workers would hold equal tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(u128);

impl Token {
    /// A fresh token: 122 random bits.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4().as_u128())
    }

    /// The token with these bits.
    #[must_use]
    pub const fn from_u128(bits: u128) -> Self {
        Self(bits)
    }

    /// Its bits.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0
    }
}

/// Counts the commits of a run: 0 when it is created. A message does not change it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision after the next commit.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A message's place in its run's inbox: the first is 1, and each next one is one more. 0 stands before all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    /// The place after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}
