//! The programs as machines.

use refluxo_tests::concurrent::durable::prelude;

#[path = "programs/mod.rs"]
pub(crate) mod programs;
