//! Places in lists of runs.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Row, RunId};
use crate::time::Timestamp;

/// A place in a list. It stays valid while runs come and go.
///
/// Its text, which is also its JSON, can be handed to a caller and read again; what it looks like may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListCursor {
    /// The creation time of the run at this place.
    pub created: Timestamp,
    /// Its id.
    pub id: RunId,
}

/// A text that is not that of a [`ListCursor`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no place in a list of runs: take the `next` of the page before, as it is")]
pub struct InvalidCursor {
    text: String,
}

impl ListCursor {
    /// The place of this run.
    #[must_use]
    pub fn after(row: &Row) -> Self {
        Self { created: row.created, id: row.id.clone() }
    }
}

impl fmt::Display for ListCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.created.as_micros(), self.id)
    }
}

impl FromStr for ListCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let place = text.split_once(':').and_then(|(created, id)| {
            let created = created.parse().map(Timestamp::from_micros).ok()?;
            Some(Self { created, id: RunId::new(id).ok()? })
        });
        place.ok_or_else(|| InvalidCursor { text: text.to_owned() })
    }
}

impl Serialize for ListCursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ListCursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
