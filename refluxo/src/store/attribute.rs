//! What runs can be found by.

use serde::{Deserialize, Serialize};

/// A searchable attribute of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Its name, unique in its run.
    pub name: String,
    /// Its value.
    pub value: AttrValue,
}

impl Attribute {
    /// The longest name, in bytes of UTF-8.
    pub const MAX_NAME_BYTES: usize = 100;

    /// Says what keeps `value` from being an attribute of this name.
    ///
    /// # Errors
    ///
    /// A name is 1 to [`Attribute::MAX_NAME_BYTES`] bytes long and has no control characters, and a text has at most
    /// [`AttrValue::MAX_TEXT_BYTES`] bytes and no `\0`: every store keeps both in an index, and what one store takes all of them take.
    pub fn check(name: &str, value: &AttrValue) -> Result<(), InvalidAttribute> {
        if name.is_empty() {
            return Err(InvalidAttribute::NoName);
        }
        if name.len() > Self::MAX_NAME_BYTES {
            return Err(InvalidAttribute::LongName { name: name.to_owned() });
        }
        if let Some(found) = name.chars().find(|c| c.is_control()) {
            return Err(InvalidAttribute::ControlCharacter { name: name.to_owned(), found });
        }
        let AttrValue::Text(text) = value else { return Ok(()) };
        if text.len() > AttrValue::MAX_TEXT_BYTES {
            return Err(InvalidAttribute::LongText { name: name.to_owned(), bytes: text.len() });
        }
        if text.contains('\0') {
            return Err(InvalidAttribute::Nul { name: name.to_owned() });
        }
        Ok(())
    }
}

/// The value of a searchable attribute.
///
/// Its JSON is a text or a number. A `bool` becomes 0 or 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AttrValue {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
}

impl AttrValue {
    /// The longest text, in bytes of UTF-8.
    ///
    /// It is for what runs are looked for by, such as a customer or a country; what is longer belongs into the state.
    pub const MAX_TEXT_BYTES: usize = 1_000;
}

impl From<String> for AttrValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for AttrValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for AttrValue {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

/// Numbers that all fit.
macro_rules! from_numbers {
    ($($number:ty)*) => {
        $(impl From<$number> for AttrValue {
            fn from(number: $number) -> Self {
                Self::Integer(number.into())
            }
        })*
    };
}

from_numbers! { i64 i32 i16 i8 u32 u16 u8 bool }

/// What can't be an attribute.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAttribute {
    /// It has no name.
    #[error("an attribute's name can't be empty")]
    NoName,
    /// Its name is longer than [`Attribute::MAX_NAME_BYTES`].
    #[error("the attribute's name `{name}` has more than {max} bytes: shorten it", max = Attribute::MAX_NAME_BYTES)]
    LongName {
        /// The name.
        name: String,
    },
    /// Its name holds a control character.
    #[error("the attribute's name {name:?} can't hold the control character {found:?}")]
    ControlCharacter {
        /// The name.
        name: String,
        /// The first one in it.
        found: char,
    },
    /// Its text is longer than [`AttrValue::MAX_TEXT_BYTES`].
    #[error(
        "the attribute `{name}` has at most {max} bytes of text, this one has {bytes}: attributes are for what runs are looked \
         for by, keep the rest in a local",
        max = AttrValue::MAX_TEXT_BYTES
    )]
    LongText {
        /// The name.
        name: String,
        /// The text's length in bytes.
        bytes: usize,
    },
    /// Its text holds a `\0`, which not every store can keep in an index.
    #[error("the text of the attribute `{name}` can't hold a `\\0`")]
    Nul {
        /// The name.
        name: String,
    },
}
