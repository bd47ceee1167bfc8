//! The programs as ordinary async functions.

use refluxo_tests::concurrent::plain::prelude;

#[path = "programs/mod.rs"]
pub(crate) mod programs;
