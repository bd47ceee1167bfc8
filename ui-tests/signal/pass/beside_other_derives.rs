#![deny(warnings, missing_docs)]
//! No warning comes of it.

use refluxo::prelude::*;

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Signal)]
pub struct Answer;

fn main() {
    assert_eq!(Answer, Answer);
}
