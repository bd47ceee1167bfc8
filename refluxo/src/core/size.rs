//! How large what a run saves may be.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use thiserror::Error;

use crate::store::NewRun;

/// What is saved is larger than the engine was told to allow.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what} has {bytes} bytes of JSON, and `EngineBuilder::max_payload` allows {limit}")]
pub struct TooLarge {
    /// What it is: the field, the argument or the output.
    pub what: String,
    /// How large it is.
    pub bytes: usize,
    /// How large it may be.
    pub limit: usize,
}

/// How large the pieces may be in which a run is saved, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SizeLimit(pub(crate) usize);

/// Whose fields are saved.
#[derive(Clone, Copy)]
pub(crate) enum Fields<'a> {
    /// Those of the state of this name.
    State(&'a str),
    /// The arguments of a workflow of this name.
    Arguments(&'a str),
}

impl SizeLimit {
    /// No limit.
    pub(crate) const NONE: Self = Self(usize::MAX);

    /// Checks something that is saved as one piece.
    pub(crate) fn check(self, bytes: usize, what: impl FnOnce() -> String) -> Result<(), TooLarge> {
        if bytes <= self.0 {
            return Ok(());
        }
        Err(TooLarge { what: what(), bytes, limit: self.0 })
    }

    /// Checks fields: the object of most of them, and each that is saved apart.
    pub(crate) fn check_fields<'p>(
        self,
        fields: Fields<'_>,
        object: &[u8],
        parts: impl IntoIterator<Item = (&'p str, usize)>,
    ) -> Result<(), TooLarge> {
        for (name, bytes) in parts {
            self.check(bytes, || fields.one(name))?;
        }
        if object.len() <= self.0 {
            return Ok(());
        }
        let (name, bytes) = largest(object).unwrap_or_default();
        self.check(bytes, || fields.one(&name))?;
        self.check(object.len(), || fields.all(&name))
    }

    /// Checks the arguments of a run.
    pub(crate) fn check_arguments(self, run: &NewRun) -> Result<(), TooLarge> {
        let parts = run.parts.iter().map(|part| (part.name.as_str(), part.body.len()));
        self.check_fields(Fields::Arguments(&run.queue), &run.state, parts)
    }
}

impl Fields<'_> {
    /// One of them.
    fn one(self, name: &str) -> String {
        match self {
            Self::State(state) if name == "call" => format!("what the call at the state `{state}` takes"),
            Self::State(state) => format!("the field `{name}` of the state `{state}`"),
            Self::Arguments(workflow) => format!("the argument `{name}` of the workflow `{workflow}`"),
        }
    }

    /// All of them, none of which is too large by itself.
    fn all(self, largest: &str) -> String {
        match self {
            Self::State(state) => format!("the state `{state}`, whose largest field is `{largest}`,"),
            Self::Arguments(workflow) => {
                format!("what the workflow `{workflow}` takes, of which `{largest}` is the largest,")
            }
        }
    }
}

/// The largest field of an object, with its size.
fn largest(object: &[u8]) -> Option<(String, usize)> {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_slice(object).ok()?;
    let sizes = fields.into_iter().map(|(name, json)| (name, json.get().len()));
    sizes.max_by_key(|(_, bytes)| *bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(object: &str, parts: &[(&'static str, usize)]) -> Option<String> {
        let checked =
            SizeLimit(20).check_fields(Fields::State("Pay"), object.as_bytes(), parts.iter().copied());
        checked.err().map(|error| error.to_string())
    }

    #[test]
    fn a_piece_may_be_as_large_as_the_limit() {
        assert!(told(r#"{"a":"0123456789012"}"#, &[]).is_some(), "21 bytes");
        assert_eq!(told(r#"{"a":"012345678901"}"#, &[("b", 20)]), None, "20 bytes");
        assert_eq!(SizeLimit::NONE.check(usize::MAX, String::new), Ok(()));
    }

    #[test]
    fn the_field_is_named_that_is_too_large_by_itself_and_else_the_largest() {
        let limit = "and `EngineBuilder::max_payload` allows 20";
        let one = format!("the field `b` of the state `Pay` has 23 bytes of JSON, {limit}");
        assert_eq!(told(r#"{"a":1,"b":"012345678901234567890"}"#, &[]), Some(one));
        let all = format!("the state `Pay`, whose largest field is `b`, has 21 bytes of JSON, {limit}");
        assert_eq!(told(r#"{"a":1234,"b":"0123"}"#, &[]), Some(all));
        let part = format!("the field `c` of the state `Pay` has 21 bytes of JSON, {limit}");
        assert_eq!(told("{}", &[("b", 20), ("c", 21)]), Some(part));
    }
}
