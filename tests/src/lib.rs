//! The tests of refluxo.
