//! Programs that the macros accept, and programs that they refuse with one message each.
//!
//! `cargo test -p refluxo-ui-tests` checks them; `TRYBUILD=overwrite cargo test -p refluxo-ui-tests` blesses the messages.
