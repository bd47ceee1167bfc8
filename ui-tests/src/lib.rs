//! The ui-tests of refluxo.
