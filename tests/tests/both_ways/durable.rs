//! The programs as machines.

use refluxo_tests::durable::prelude;

#[path = "programs/mod.rs"]
pub(crate) mod programs;
