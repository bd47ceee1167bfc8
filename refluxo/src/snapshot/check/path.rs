//! Where in a value the serializer stands.

use std::fmt;

/// The way from a value to a part of it: a list on the stack.
pub(super) enum Path<'a> {
    /// The value itself.
    Root,
    /// A field of a struct.
    Field(&'a Path<'a>, &'static str),
    /// An element of a sequence, a tuple or the entries of a map.
    Index(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    /// Shows the way as it would be written after the value's name: `.items[3].price`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// What can't be saved, and where it stands, in words.
pub(super) fn refusal<E: serde::ser::Error>(path: &Path<'_>, what: impl fmt::Display) -> E {
    match path {
        Path::Root => E::custom(what),
        Path::Field(..) | Path::Index(..) => E::custom(format_args!("at `{path}`: {what}")),
    }
}
