//! The programs, by theme. Each is written as one would write it without the library.

#![allow(clippy::all, clippy::pedantic, reason = "programs show forms, also clumsy ones")]

use super::prelude;

pub(crate) mod blocks;
pub(crate) mod captures;
pub(crate) mod children;
pub(crate) mod joins;
pub(crate) mod selects;
pub(crate) mod timeouts;
pub(crate) mod undo;
pub(crate) mod waiting;
