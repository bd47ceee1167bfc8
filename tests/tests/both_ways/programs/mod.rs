//! The programs, by theme. Each is written as one would write it without the library.

#![allow(clippy::all, clippy::pedantic, reason = "programs show forms, also clumsy ones")]

use super::prelude;

pub(crate) mod adapters;
pub(crate) mod borrows;
pub(crate) mod calls;
pub(crate) mod children;
pub(crate) mod closures;
pub(crate) mod control;
pub(crate) mod cursors;
pub(crate) mod errors;
pub(crate) mod inferred;
pub(crate) mod iterators;
pub(crate) mod loops;
pub(crate) mod macros;
pub(crate) mod moves;
pub(crate) mod operands;
pub(crate) mod order;
pub(crate) mod patterns;
pub(crate) mod processes;
pub(crate) mod shadowing;
pub(crate) mod shop;
pub(crate) mod waits;
