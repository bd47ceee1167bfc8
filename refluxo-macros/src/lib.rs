//! The attributes of refluxo.
