//! Whether two starts mean the same run.

use serde_json::{Value, value::RawValue};

use crate::store::InputHash;

/// A hash of a workflow's name and its arguments.
///
/// The order of an object's keys does not count: a `HashMap` among the arguments has another order each time. The order of a
/// sequence does, so a `HashSet` among them makes equal starts look different.
pub(crate) fn input_hash(workflow: &str, arguments: &RawValue) -> Result<InputHash, serde_json::Error> {
    let arguments: Value = serde_json::from_str(arguments.get())?;
    let mut hasher = blake3::Hasher::new();
    text(&mut hasher, workflow);
    value(&mut hasher, &arguments);
    Ok(InputHash(*hasher.finalize().as_bytes()))
}

/// Adds a value. Each kind begins with a letter of its own and tells its length, so that no two values add the same bytes.
fn value(hasher: &mut blake3::Hasher, json: &Value) {
    match json {
        Value::Null => {
            hasher.update(b"z");
        }
        Value::Bool(truth) => {
            hasher.update(if *truth { b"t" } else { b"f" });
        }
        Value::Number(number) => {
            hasher.update(b"n");
            text(hasher, &number.to_string());
        }
        Value::String(string) => {
            hasher.update(b"s");
            text(hasher, string);
        }
        Value::Array(items) => {
            hasher.update(b"a");
            length(hasher, items.len());
            for item in items {
                value(hasher, item);
            }
        }
        Value::Object(fields) => {
            hasher.update(b"o");
            length(hasher, fields.len());
            // Sorted here: serde_json keeps them sorted only as long as nobody in the build enables `preserve_order`.
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            for (name, field) in fields {
                text(hasher, name);
                value(hasher, field);
            }
        }
    }
}

/// Adds a text and its length.
fn text(hasher: &mut blake3::Hasher, text: &str) {
    length(hasher, text.len());
    hasher.update(text.as_bytes());
}

/// Adds a length.
fn length(hasher: &mut blake3::Hasher, length: usize) {
    hasher.update(&(length as u64).to_be_bytes());
}
