//! How states become bytes and come back.

mod error;
mod reader;
mod writer;

pub use error::{LoadError, SaveError};
pub use reader::StateReader;
pub(crate) use writer::write_json;
pub use writer::{Encoded, StateWriter};
