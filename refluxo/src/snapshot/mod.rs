//! How states become bytes and come back.

mod check;
mod error;
mod reader;
mod writer;

pub(crate) use check::write_json;
pub use error::{LoadError, SaveError};
pub use reader::StateReader;
pub use writer::{Encoded, StateWriter};
