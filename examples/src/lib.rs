//! The examples of refluxo.
